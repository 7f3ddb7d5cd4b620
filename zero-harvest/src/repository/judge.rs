//! Slices, prints and checks the functions of a unit: each becomes a record or a reject.

use sha2::{Digest as _, Sha256};

use super::{Harvested, Pools, Read, Run};
use crate::cause::chain;
use crate::check::{self, IoExample, Level, Subject};
use crate::compile;
use crate::extract::Function;
use crate::filter::{self, Instruction};
use crate::license::License;
use crate::limits::Sizes;
use crate::print;
use crate::record::{
    Abi, Build, Dedupe, DocTags, Provenance, Reason, Record, Reject, SCHEMA_VERSION, Split, Verify,
};
use crate::slice::{self, Pool, SliceError, Sliced, UnitId};
use crate::toolchain;

/// Why a function is no record, in a word and in words.
type Verdict = (Reason, String);

/// A function whose module is good, before the words that go with it are looked at.
struct Good {
    sliced: Sliced,
    text: String,
    features: Vec<String>,
    license: License,
}

impl Run<'_> {
    /// Judges a function of a unit; `lost` is why the unit has no object, if it has none.
    pub(super) fn judge(
        &self,
        pools: &Pools<'_>,
        unit: UnitId,
        read: &Read,
        function: &Function,
        lost: Option<&Verdict>,
    ) -> Harvested {
        let mut judged = Harvested::default();
        judged.counts.documented = 1;
        let verdict = self.allowed(function).and_then(|()| {
            if let Some(why) = lost {
                return Err(why.clone());
            }
            judged.counts.compilable = 1;
            let good = self.module(pools, unit, function)?;
            judged.counts.l1 = 1;
            judged.counts.self_contained = usize::from(good.sliced.imports.is_empty());
            let verified = self.verify(pools, unit, read, function, &good);
            judged.counts.l2 = usize::from(verified.0.level >= Level::L2);
            self.record(read, function, good, verified)
        });
        match verdict {
            Ok(record) => judged.records.push(record),
            Err((reason, detail)) => judged.reject(self.reject(function, reason, detail)),
        }
        judged
    }

    /// Whether the licence of the file that defines it is allowed.
    fn allowed(&self, function: &Function) -> Result<(), Verdict> {
        let license = self.license(function);
        if self.options.licenses.allow(&license.expression) {
            Ok(())
        } else {
            Err((Reason::License, license.to_string()))
        }
    }

    fn module(
        &self,
        pools: &Pools<'_>,
        unit: UnitId,
        function: &Function,
    ) -> Result<Good, Verdict> {
        if function.name == "main" {
            return Err((Reason::Main, String::new()));
        }
        let sizes = &self.options.sizes;
        let sliced =
            slice_of(&pools.release, unit, function, sizes).map_err(|error| refused(&error))?;
        let license = self.license_of(pools, function, &sliced.units)?;
        let text = print::print(&sliced.wasm, &self.options.indent)
            .map_err(|error| (Reason::Unsupported, error.to_string()))?;
        let features = check::features(&sliced.wasm)
            .map_err(|error| (Reason::Unsupported, error.to_string()))?;
        if text.len() > sizes.text {
            return Err((Reason::TooLarge, format!("{} bytes of text", text.len())));
        }
        Ok(Good {
            sliced,
            text,
            features,
            license,
        })
    }

    /// The licence of everything that a module is made of, which has to be allowed.
    fn license_of(
        &self,
        pools: &Pools<'_>,
        function: &Function,
        units: &[UnitId],
    ) -> Result<License, Verdict> {
        let mut licenses = vec![self.license(function)];
        licenses.extend(
            units
                .iter()
                .map(|unit| self.evidence.of(pools.paths[*unit])),
        );
        let refused = |one: &&License| !self.options.licenses.allow(&one.expression);
        match licenses.iter().find(refused) {
            Some(refused) => Err((Reason::License, format!("it needs {refused}"))),
            None => Ok(License::of_all(&licenses)),
        }
    }

    /// Verifies a module by execution, if that is wanted and it imports nothing.
    fn verify(
        &self,
        pools: &Pools<'_>,
        unit: UnitId,
        read: &Read,
        function: &Function,
        good: &Good,
    ) -> (Verify, Vec<IoExample>) {
        let seed = self.id(function, &flags(read));
        let no = |reason: &str| {
            let verify = Verify {
                level: Level::L1,
                seed: seed.clone(),
                inputs: 0,
                survived: 0,
                distinct_outputs: 0,
                reason: Some(reason.to_owned()),
            };
            (verify, Vec::new())
        };
        if self.options.verify < Level::L2 {
            return no("it was not asked for");
        }
        if !good.sliced.imports.is_empty() {
            return no("it has imports");
        }
        let Some(abi) = check::abi(function, &good.sliced.ty).filter(|_| !function.variadic) else {
            return no("its parameters do not map to WebAssembly's one to one");
        };
        let sizes = self.options.sizes.checked();
        let (Some(sandbox), Ok(checked)) = (
            &pools.sandbox,
            slice_of(&pools.checked, unit, function, &sizes),
        ) else {
            return no("it has no build that traps where behaviour is undefined");
        };
        let subject = Subject {
            release: &good.sliced.wasm,
            checked: &checked.wasm,
            name: &function.symbol,
            abi: &abi,
            seed: &seed,
        };
        check::verify(sandbox, &subject)
    }

    fn record(
        &self,
        read: &Read,
        function: &Function,
        good: Good,
        (verify, io_examples): (Verify, Vec<IoExample>),
    ) -> Result<Record, Verdict> {
        if verify.level < self.options.level {
            return Err((Reason::BelowLevel, verify.reason.unwrap_or_default()));
        }
        let doc = function.doc.clone();
        let Instruction { text, source } = filter::instruction(&doc, &function.name)
            .map_err(|reason| (reason, doc.brief.clone()))?;
        let Good {
            sliced,
            text: output,
            features,
            license,
        } = good;
        if self.options.self_contained && !sliced.imports.is_empty() {
            return Err((Reason::Imports, imports(&sliced).join(", ")));
        }
        let flags = flags(read);
        let id = self.id(function, &flags);
        Ok(Record {
            instruction: text,
            instruction_source: source,
            output,
            doc_tags: DocTags::from(&doc),
            doc_raw: doc.raw,
            signature_c: function.signature.clone(),
            signature_wasm: signature(&sliced),
            abi: brief(check::abi(function, &sliced.ty).unwrap_or_default()),
            c_source: function.source.clone(),
            c_deps: function.dependencies.clone(),
            wasm_sha256: hex::encode(Sha256::digest(&sliced.wasm)),
            imports: imports(&sliced),
            closure_fns: sliced.functions,
            features,
            n_instr: sliced.instructions,
            heap_base: sliced.heap_base,
            provenance: self.provenance(function, license),
            build: Build {
                clang: self.options.toolchain.version().to_owned(),
                flags,
                recipe: self.recipe.map(|recipe| recipe.name.clone()),
                header_mode: read.unit.mode,
            },
            verify,
            io_examples,
            dedupe: Dedupe {
                body: check::body(&sliced.wasm),
            },
            split: Split::of(&self.checkout.name),
            schema_version: SCHEMA_VERSION.to_owned(),
            id,
        })
    }

    fn provenance(&self, function: &Function, license: License) -> Provenance {
        Provenance {
            repo: self.checkout.name.clone(),
            commit: self.checkout.commit.clone(),
            path: function.path.clone(),
            symbol: function.symbol.clone(),
            line_start: function.line_start,
            line_end: function.line_end,
            spdx: license.expression,
            license_evidence: license.evidence,
        }
    }

    /// The same wherever and whenever the same function is harvested.
    fn id(&self, function: &Function, flags: &[String]) -> String {
        let mut hasher = blake3::Hasher::new_derive_key("zero-harvest record 1");
        let line = function.line_start.to_string();
        let parts = [
            self.checkout.name.as_str(),
            &self.checkout.commit,
            &function.path,
            &line,
            &function.symbol,
        ];
        for part in parts.into_iter().chain(flags.iter().map(String::as_str)) {
            hasher.update(blake3::hash(part.as_bytes()).as_bytes());
        }
        hasher.finalize().to_hex()[..32].to_owned()
    }

    fn reject(&self, function: &Function, reason: Reason, detail: String) -> Reject {
        Reject {
            repo: self.checkout.name.clone(),
            commit: self.checkout.commit.clone(),
            path: function.path.clone(),
            line: function.line_start,
            function: Some(function.name.clone()),
            reason,
            detail,
        }
    }
}

/// Without what structures consist of: `c_deps` has that in its own words.
fn brief(mut abi: Vec<Abi>) -> Vec<Abi> {
    for param in &mut abi {
        param.ty.shape = param.ty.shape.brief();
    }
    abi
}

fn slice_of(
    pool: &Pool<'_>,
    unit: UnitId,
    function: &Function,
    sizes: &Sizes,
) -> Result<Sliced, SliceError> {
    let parameters: Vec<String> = function
        .params
        .iter()
        .map(|param| param.name.clone())
        .collect();
    slice::slice(pool, unit, &function.symbol, &parameters, sizes)
}

fn refused(error: &SliceError) -> Verdict {
    let reason = match error {
        SliceError::Constructor => Reason::Constructor,
        SliceError::MissingData(_) | SliceError::MissingGlobal(_) => Reason::MissingSymbol,
        SliceError::Object(_) => Reason::Unsupported,
        SliceError::SignatureMismatch(_) => Reason::SignatureMismatch,
        SliceError::TooLarge(_) => Reason::TooLarge,
        SliceError::Undefined => Reason::LeftOut,
    };
    (reason, chain(error))
}

fn imports(sliced: &Sliced) -> Vec<String> {
    let name = |(module, name): &(String, String)| format!("{module}.{name}");
    sliced.imports.iter().map(name).collect()
}

fn flags(read: &Read) -> Vec<String> {
    let common = toolchain::LANGUAGE.iter().chain(&compile::RELEASE);
    let common = common.map(|flag| (*flag).to_owned());
    common.chain(read.unit.flags.iter().cloned()).collect()
}

/// The type in words: `(i32, i32) -> i32`.
fn signature(sliced: &Sliced) -> String {
    let list = |types: &[wasmparser::ValType]| {
        let names: Vec<String> = types.iter().map(ToString::to_string).collect();
        names.join(", ")
    };
    let results = list(sliced.ty.results());
    let results = if results.is_empty() { "()" } else { &results };
    format!("({}) -> {results}", list(sliced.ty.params()))
}
