//! Functions of the embedding program that its programs may import.
//!
//! Whoever adds one grants it: nothing of the policy stands between the program and such a function.

use std::collections::BTreeMap;
use std::sync::Arc;

use wasmtime::component::{ComponentNamedList, Lift, Linker, Lower};
use wasmtime::{Caller, Extern, Func, Memory, Store, WasmRet, WasmTy};

use crate::host::{p1, p2};

/// Functions to import, by module (or interface) and name.
///
/// ```
/// use zrun::{EngineOptions, Functions, Guest, Program, Runner};
/// # let wasm = wat::parse_str(r#"(module
/// #     (import "shop" "price" (func $price (param i32 i32) (result i64)))
/// #     (memory (export "memory") 1) (data (i32.const 8) "tea")
/// #     (func (export "total") (result i64) (i64.mul (i64.const 3) (call $price (i32.const 8) (i32.const 3)))))"#)?;
/// # let package = zero_format::Package::new("till".parse()?, "1.0.0".parse()?);
/// # let metadata = zero_format::Metadata::new(zero_format::Kind::Module, package);
/// # let key = zero_format::SecretKey::generate([7; 40]);
/// # let bytes = zero_format::sign(&zero_format::assemble(&wasm, &metadata, None)?, &[&key])?;
/// # let verified = zero_format::verify(zero_format::Artifact::decode(bytes)?, &[key.public_key()])?;
/// let functions = Functions::default().function(
///     "shop",
///     "price",
///     |guest: &mut Guest<'_>, at: u32, len: u32| -> wasmtime::Result<i64> {
///         Ok(if guest.read(at, len)? == b"tea" { 4 } else { 0 })
///     },
/// );
/// let program = Program::compile(&verified, EngineOptions::default())?.with_functions(functions);
/// assert_eq!(Runner::new(&program).call("total", &[])?.to_json(), 12);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Default)]
pub struct Functions {
    core: BTreeMap<(String, String), Core>,
    component: Vec<Link>,
}

type Core = Arc<dyn Fn(&mut Store<p1::Host>) -> Func + Send + Sync>;
type Link = Arc<dyn Fn(&mut Linker<p2::Host>) -> wasmtime::Result<()> + Send + Sync>;

/// A closure that a module can import: it takes the guest, then up to six numbers, and returns a number, nothing, or a
/// `wasmtime::Result` of these, whose error ends the program.
pub trait HostFunction<Params, Returned>: Send + Sync + 'static {
    #[doc(hidden)]
    fn build(self: Arc<Self>, place: Place<'_>) -> Func;
}

/// Where a function is put; nobody outside makes one.
#[doc(hidden)]
pub struct Place<'a>(&'a mut Store<p1::Host>);

/// The module instance that calls.
pub struct Guest<'a>(Caller<'a, p1::Host>);

impl Functions {
    /// Adds a function for core modules.
    #[must_use]
    pub fn function<P, R, F: HostFunction<P, R>>(
        mut self,
        module: impl Into<String>,
        name: impl Into<String>,
        function: F,
    ) -> Self {
        let function = Arc::new(function);
        let build =
            move |store: &mut Store<p1::Host>| F::build(Arc::clone(&function), Place(store));
        self.core
            .insert((module.into(), name.into()), Arc::new(build));
        self
    }

    /// Adds a function for components, to an interface such as `acme:shop/prices@1.0.0`. Parameters and results are
    /// tuples of what the component model lifts and lowers; an error ends the program.
    #[must_use]
    pub fn component_function<P, R>(
        mut self,
        interface: impl Into<String>,
        name: impl Into<String>,
        function: impl Fn(P) -> wasmtime::Result<R> + Send + Sync + 'static,
    ) -> Self
    where
        P: ComponentNamedList + Lift + Send + 'static,
        R: ComponentNamedList + Lower + Send + Sync + 'static,
    {
        let (interface, name) = (interface.into(), name.into());
        let function = Arc::new(function);
        self.component.push(Arc::new(move |linker| {
            let function = Arc::clone(&function);
            linker
                .instance(&interface)?
                .func_wrap(&name, move |_, params: P| function(params))
        }));
        self
    }

    /// Builds an imported function; `None` if there is none of that name.
    pub(crate) fn build(
        &self,
        store: &mut Store<p1::Host>,
        module: &str,
        name: &str,
    ) -> Option<Func> {
        if self.core.is_empty() {
            return None;
        }
        let build = self.core.get(&(module.to_owned(), name.to_owned()))?;
        Some(build(store))
    }

    /// Puts the functions for components in the place of the stubs for unknown imports.
    pub(crate) fn link(&self, linker: &mut Linker<p2::Host>) -> wasmtime::Result<()> {
        self.component.iter().try_for_each(|link| link(linker))
    }
}

impl Guest<'_> {
    /// A copy of a piece of the module's memory.
    ///
    /// # Errors
    /// When it exports no memory, or the piece does not lie within it.
    pub fn read(&mut self, at: u32, len: u32) -> wasmtime::Result<Vec<u8>> {
        let memory = self.memory()?;
        let start = usize::try_from(at)?;
        let piece = start
            .checked_add(usize::try_from(len)?)
            .and_then(|end| memory.data(&self.0).get(start..end));
        let piece = piece.ok_or_else(|| outside(at))?;
        Ok(piece.to_vec())
    }

    /// Writes to the module's memory.
    ///
    /// # Errors
    /// As [`Guest::read`].
    pub fn write(&mut self, at: u32, bytes: &[u8]) -> wasmtime::Result<()> {
        let memory = self.memory()?;
        memory
            .write(&mut self.0, usize::try_from(at)?, bytes)
            .map_err(|_| outside(at))
    }

    fn memory(&mut self) -> wasmtime::Result<Memory> {
        match self.0.get_export("memory") {
            Some(Extern::Memory(memory)) => Ok(memory),
            _ => Err(wasmtime::Error::msg("the module exports no memory")),
        }
    }
}

fn outside(at: u32) -> wasmtime::Error {
    wasmtime::Error::msg(format!("a piece of memory at {at} does not lie within it"))
}

macro_rules! host_function {
    ($($arg:ident)*) => {
        impl<F, Ret, $($arg),*> HostFunction<($($arg,)*), Ret> for F
        where
            F: Fn(&mut Guest<'_>, $($arg),*) -> Ret + Send + Sync + 'static,
            Ret: WasmRet + 'static,
            $($arg: WasmTy + 'static,)*
        {
            #[allow(non_snake_case, reason = "the arguments are named as their types")]
            fn build(self: Arc<Self>, place: Place<'_>) -> Func {
                Func::wrap(place.0, move |caller: Caller<'_, p1::Host>, $($arg: $arg),*| {
                    self(&mut Guest(caller), $($arg),*)
                })
            }
        }
    };
}

host_function!();
host_function!(A);
host_function!(A B);
host_function!(A B C);
host_function!(A B C D);
host_function!(A B C D E);
host_function!(A B C D E G);

impl std::fmt::Debug for Functions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Functions")
            .field("core", &self.core.keys())
            .field("component", &self.component.len())
            .finish()
    }
}

impl std::fmt::Debug for Place<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Place")
    }
}

impl std::fmt::Debug for Guest<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Guest")
    }
}
