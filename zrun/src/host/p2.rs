//! WASI preview 2. Only the interfaces that a component imports are linked; the functions whose use is a capability of
//! its own are replaced by ones that ask first.

mod clocks;
mod environment;
mod files;
#[cfg(feature = "http")]
mod http;
mod link;
mod poll;
mod random;
mod sockets;
mod streams;
mod writes;

use std::collections::{BTreeMap, BTreeSet};

use wasmtime::component::{Component, HasData, Linker, ResourceTable};
use wasmtime::{Engine, StoreContextMut};
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};

use super::Shared;
use super::net::Net;

/// The release of WASI that wasmtime-wasi defines; a component may import any 0.2 release.
const RELEASE: &str = "@0.2.12";

/// The state of a store that runs a component.
pub(crate) struct Host {
    ctx: WasiCtx,
    table: ResourceTable,
    pub(crate) shared: Shared,
    net: Net,
    lookups: BTreeMap<u32, String>,
    #[cfg(feature = "http")]
    http: wasmtime_wasi_http::WasiHttpCtx,
    #[cfg(feature = "http")]
    hooks: super::http::Hooks,
}

impl Host {
    pub(crate) fn new(ctx: WasiCtx, shared: Shared, net: Net) -> Self {
        let mut table = ResourceTable::new();
        table.set_max_capacity(usize::try_from(shared.handles).unwrap_or(usize::MAX));
        Self {
            ctx,
            table,
            #[cfg(feature = "http")]
            http: wasmtime_wasi_http::WasiHttpCtx::new(),
            #[cfg(feature = "http")]
            hooks: super::http::Hooks::new(net.clone(), shared.time),
            shared,
            net,
            lookups: BTreeMap::new(),
        }
    }
}

impl WasiView for Host {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView {
            ctx: &mut self.ctx,
            table: &mut self.table,
        }
    }
}

struct HasTable;

impl HasData for HasTable {
    type Data<'a> = &'a mut ResourceTable;
}

type Context<'a> = StoreContextMut<'a, Host>;

/// Whether a component can open files: without this interface its file system need not exist.
pub(crate) fn needs_files(engine: &Engine, component: &Component) -> bool {
    imports(engine, component).contains("wasi:filesystem/preopens")
}

/// Links what the component imports. What nobody here provides traps when it is used, with its name.
pub(crate) fn linker(engine: &Engine, component: &Component) -> wasmtime::Result<Linker<Host>> {
    let mut linker = Linker::new(engine);
    for interface in imports(engine, component) {
        if let Some(interface) = interface.strip_prefix("wasi:") {
            link::link_basic(&mut linker, interface)?;
            link::link_capability(&mut linker, interface)?;
            #[cfg(feature = "http")]
            http::link(&mut linker, interface)?;
        }
    }
    linker.allow_shadowing(true);
    for interface in imports(engine, component) {
        guard(&mut linker, &interface)?;
    }
    link::stub_foreign(&mut linker, engine, component)?;
    Ok(linker)
}

/// The interfaces that a component imports, without their release.
fn imports(engine: &Engine, component: &Component) -> BTreeSet<String> {
    let ty = component.component_type();
    let names = ty.imports(engine).map(|(name, _)| name.to_owned());
    names
        .map(|name| name.split('@').next().unwrap_or_default().to_owned())
        .collect()
}

fn guard(linker: &mut Linker<Host>, interface: &str) -> wasmtime::Result<()> {
    let name = format!("{interface}{RELEASE}");
    match interface {
        "wasi:cli/environment" => environment::guard_environment(linker.instance(&name)?),
        "wasi:clocks/monotonic-clock" => clocks::guard_monotonic(linker.instance(&name)?),
        "wasi:clocks/wall-clock" => clocks::guard_wall(linker.instance(&name)?),
        "wasi:filesystem/preopens" => files::guard_preopens(linker.instance(&name)?),
        "wasi:filesystem/types" => {
            files::guard_files(linker.instance(&name)?)?;
            writes::guard_writes(linker.instance(&name)?)
        }
        #[cfg(feature = "http")]
        "wasi:http/outgoing-handler" => http::guard_requests(linker.instance(&name)?),
        #[cfg(feature = "http")]
        "wasi:http/types" => http::guard_responses(linker.instance(&name)?),
        "wasi:io/poll" => poll::guard_poll(linker.instance(&name)?),
        "wasi:io/streams" => streams::guard_streams(linker.instance(&name)?),
        "wasi:random/random" | "wasi:random/insecure" | "wasi:random/insecure-seed" => {
            random::guard_random(interface, linker.instance(&name)?)
        }
        "wasi:sockets/ip-name-lookup" => sockets::guard_lookup(linker.instance(&name)?),
        "wasi:sockets/tcp" => sockets::guard_connect(linker.instance(&name)?),
        "wasi:sockets/udp" => sockets::guard_datagrams(linker.instance(&name)?),
        "wasi:sockets/tcp-create-socket" => sockets::guard_tcp(linker.instance(&name)?),
        "wasi:sockets/udp-create-socket" => sockets::guard_udp(linker.instance(&name)?),
        _ => Ok(()),
    }
}
