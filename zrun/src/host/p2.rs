//! WASI preview 2. Only the interfaces that a component imports are linked; the functions whose use is a capability of
//! its own are replaced by ones that ask first.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};

use wasmtime::component::types::ComponentItem;
use wasmtime::component::{
    Component, HasData, Linker, LinkerInstance, Resource, ResourceTable, ResourceType,
};
use wasmtime::{Engine, StoreContextMut};
use wasmtime_wasi::cli::{WasiCli, WasiCliView as _};
use wasmtime_wasi::clocks::{WasiClocks, WasiClocksView as _};
use wasmtime_wasi::filesystem::{Descriptor, WasiFilesystem, WasiFilesystemView as _};
use wasmtime_wasi::p2::bindings::clocks::{monotonic_clock, wall_clock};
use wasmtime_wasi::p2::bindings::sockets::ip_name_lookup::{
    self, HostResolveAddressStream as _, ResolveAddressStream,
};
use wasmtime_wasi::p2::bindings::sockets::network::{
    ErrorCode as SocketCode, IpAddress, IpAddressFamily, IpSocketAddress, Network,
};
use wasmtime_wasi::p2::bindings::sync::filesystem::types::{
    self as files, DescriptorFlags, DescriptorStat, ErrorCode, HostDescriptor as _, OpenFlags,
    PathFlags,
};
use wasmtime_wasi::p2::bindings::sync::io::streams;
use wasmtime_wasi::p2::bindings::sync::sockets::tcp::HostTcpSocket as _;
use wasmtime_wasi::p2::bindings::sync::sockets::udp::{
    self, OutgoingDatagram, OutgoingDatagramStream,
};
use wasmtime_wasi::p2::bindings::sync::{io as sync_io, sockets as sync_sockets};
use wasmtime_wasi::p2::bindings::{cli, filesystem, random, sockets};
use wasmtime_wasi::p2::{
    DynInputStream, DynOutputStream, FsResult, SocketResult, StreamError, StreamResult, TcpSocket,
    UdpSocket,
};
use wasmtime_wasi::random::WasiRandom;
use wasmtime_wasi::sockets::{SocketAddrUse, WasiSockets, WasiSocketsView as _};
use wasmtime_wasi::{WasiCtx, WasiCtxBuilder, WasiCtxView, WasiView};
use wasmtime_wasi_io::bindings::wasi::io::streams as async_streams;

use super::denial::{Denials, Denied};
use super::fs::{Failure, Intent, join};
use super::{Shared, drive};
use crate::net::NetPolicy;

/// The release of WASI that wasmtime-wasi defines; a component may import any 0.2 release.
const RELEASE: &str = "@0.2.12";

/// The state of a store that runs a component.
pub(crate) struct Host {
    ctx: WasiCtx,
    table: ResourceTable,
    pub(crate) shared: Shared,
    net: Net,
    lookups: BTreeMap<u32, String>,
}

impl Host {
    pub(crate) fn new(ctx: WasiCtx, shared: Shared, net: Net) -> Self {
        Self {
            ctx,
            table: ResourceTable::new(),
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

/// The policy object of all sockets and look-ups of one run.
#[derive(Clone)]
pub(crate) struct Net {
    policy: Arc<NetPolicy>,
    /// Which names resolved to an address during this run.
    names: Arc<Mutex<BTreeMap<IpAddr, Vec<String>>>>,
    denials: Denials,
}

impl Net {
    pub(crate) fn new(policy: NetPolicy, denials: Denials) -> Self {
        Self {
            policy: Arc::new(policy),
            names: Arc::default(),
            denials,
        }
    }

    /// Connects the policy to the sockets of a context. Without any grant there is nothing to connect.
    pub(crate) fn apply(&self, builder: &mut WasiCtxBuilder) {
        if self.policy.is_empty() {
            builder
                .allow_tcp(false)
                .allow_udp(false)
                .allow_ip_name_lookup(false);
            return;
        }
        let net = self.clone();
        builder
            .allow_tcp(true)
            .allow_udp(true)
            .allow_ip_name_lookup(true)
            .socket_addr_check(move |address, usage| {
                let allowed = net.check(address, usage);
                Box::pin(std::future::ready(allowed))
            });
    }

    fn check(&self, address: SocketAddr, usage: SocketAddrUse) -> bool {
        match usage {
            // Before a socket connects or sends, the system gives it some free port: that is no service to anybody.
            SocketAddrUse::TcpBind | SocketAddrUse::UdpBind if address.port() == 0 => true,
            SocketAddrUse::TcpConnect | SocketAddrUse::UdpSend => {
                let allowed = self.judge(address, |policy, names| {
                    policy.allows(address.ip(), address.port(), names)
                });
                if !allowed {
                    let (ip, port) = (address.ip(), address.port());
                    let declared =
                        self.judge(address, |policy, names| policy.declares(ip, port, names));
                    let refused =
                        self.judge(address, |policy, names| policy.refuses(ip, port, names));
                    self.denials.note(Denied::Connect {
                        address,
                        declared,
                        refused,
                    });
                }
                allowed
            }
            // A datagram from elsewhere is dropped silently: the sender is not something that the program tried.
            SocketAddrUse::UdpReceive => self.judge(address, |policy, names| {
                policy.allows(address.ip(), address.port(), names)
            }),
            _ => {
                self.denials.note(Denied::Listen);
                false
            }
        }
    }

    /// Asks the policy about an address with the names that led to it.
    fn judge(
        &self,
        address: SocketAddr,
        question: impl FnOnce(&NetPolicy, &[String]) -> bool,
    ) -> bool {
        let ip = address.ip().to_canonical();
        let names = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        question(&self.policy, names.get(&ip).map_or(&[], Vec::as_slice))
    }

    fn resolved(&self, name: &str, ip: IpAddr) {
        let mut names = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        let known = names.entry(ip.to_canonical()).or_default();
        if !known.iter().any(|other| other == name) {
            known.push(name.to_owned());
        }
    }
}

/// Whether a component can open files: without this interface its file system need not exist.
pub(crate) fn needs_files(engine: &Engine, component: &Component) -> bool {
    imports(engine, component).contains("wasi:filesystem/preopens")
}

/// The interfaces that a component imports, without their release.
fn imports(engine: &Engine, component: &Component) -> BTreeSet<String> {
    let ty = component.component_type();
    let names = ty.imports(engine).map(|(name, _)| name.to_owned());
    names
        .map(|name| name.split('@').next().unwrap_or_default().to_owned())
        .collect()
}

/// Links what the component imports. What nobody here provides traps when it is used, with its name.
pub(crate) fn linker(engine: &Engine, component: &Component) -> wasmtime::Result<Linker<Host>> {
    let mut linker = Linker::new(engine);
    for interface in imports(engine, component) {
        if let Some(interface) = interface.strip_prefix("wasi:") {
            link_basic(&mut linker, interface)?;
            link_capability(&mut linker, interface)?;
        }
    }
    linker.allow_shadowing(true);
    for interface in imports(engine, component) {
        guard(&mut linker, &interface)?;
    }
    stub_foreign(&mut linker, engine, component)?;
    Ok(linker)
}

/// A resource of an interface that nobody here provides; none is ever made.
struct Foreign;

/// Lets a component start that imports more than is provided: a use of that traps with its name.
fn stub_foreign(
    linker: &mut Linker<Host>,
    engine: &Engine,
    component: &Component,
) -> wasmtime::Result<()> {
    let mut known = Vec::new();
    for (name, item) in component.component_type().imports(engine) {
        let ComponentItem::ComponentInstance(interface) = item.ty else {
            continue;
        };
        let provided = name.split('@').next().is_some_and(is_provided);
        for (export, item) in interface.exports(engine) {
            match item.ty {
                // An interface that only uses another's resource lists it as well; defined twice it would be two.
                ComponentItem::Resource(resource) if !known.contains(&resource) => {
                    known.push(resource);
                    if !provided {
                        linker.instance(name)?.resource(
                            export,
                            ResourceType::host::<Foreign>(),
                            |_, _| Ok(()),
                        )?;
                    }
                }
                ComponentItem::ComponentFunc(_) if !provided => {
                    let what = format!("{name}#{export}");
                    linker.instance(name)?.func_new(export, move |_, _, _, _| {
                        Err(wasmtime::Error::msg(format!(
                            "nothing provides the import {what}"
                        )))
                    })?;
                }
                _ => {}
            }
        }
    }
    Ok(())
}

/// The interfaces of WASI that are provided.
fn is_provided(interface: &str) -> bool {
    const PROVIDED: [&str; 27] = [
        "cli/environment",
        "cli/exit",
        "cli/stderr",
        "cli/stdin",
        "cli/stdout",
        "cli/terminal-input",
        "cli/terminal-output",
        "cli/terminal-stderr",
        "cli/terminal-stdin",
        "cli/terminal-stdout",
        "clocks/monotonic-clock",
        "clocks/wall-clock",
        "filesystem/preopens",
        "filesystem/types",
        "io/error",
        "io/poll",
        "io/streams",
        "random/insecure",
        "random/insecure-seed",
        "random/random",
        "sockets/instance-network",
        "sockets/ip-name-lookup",
        "sockets/network",
        "sockets/tcp",
        "sockets/tcp-create-socket",
        "sockets/udp",
        "sockets/udp-create-socket",
    ];
    interface
        .strip_prefix("wasi:")
        .is_some_and(|interface| PROVIDED.contains(&interface))
}

/// Interfaces that give away nothing.
fn link_basic(linker: &mut Linker<Host>, interface: &str) -> wasmtime::Result<()> {
    match interface {
        "cli/environment" => cli::environment::add_to_linker::<Host, WasiCli>(linker, Host::cli),
        "cli/exit" => cli::exit::add_to_linker::<Host, WasiCli>(linker, Host::cli),
        "cli/stdin" => cli::stdin::add_to_linker::<Host, WasiCli>(linker, Host::cli),
        "cli/stdout" => cli::stdout::add_to_linker::<Host, WasiCli>(linker, Host::cli),
        "cli/stderr" => cli::stderr::add_to_linker::<Host, WasiCli>(linker, Host::cli),
        "cli/terminal-input" => {
            cli::terminal_input::add_to_linker::<Host, WasiCli>(linker, Host::cli)
        }
        "cli/terminal-output" => {
            cli::terminal_output::add_to_linker::<Host, WasiCli>(linker, Host::cli)
        }
        "cli/terminal-stdin" => {
            cli::terminal_stdin::add_to_linker::<Host, WasiCli>(linker, Host::cli)
        }
        "cli/terminal-stdout" => {
            cli::terminal_stdout::add_to_linker::<Host, WasiCli>(linker, Host::cli)
        }
        "cli/terminal-stderr" => {
            cli::terminal_stderr::add_to_linker::<Host, WasiCli>(linker, Host::cli)
        }
        "io/error" => wasmtime_wasi_io::bindings::wasi::io::error::add_to_linker::<Host, HasTable>(
            linker, table_of,
        ),
        "io/poll" => sync_io::poll::add_to_linker::<Host, HasTable>(linker, table_of),
        "io/streams" => streams::add_to_linker::<Host, HasTable>(linker, table_of),
        _ => Ok(()),
    }
}

fn table_of(host: &mut Host) -> &mut ResourceTable {
    &mut host.table
}

/// Interfaces that hold capabilities; `guard` then replaces what has to be asked for.
fn link_capability(linker: &mut Linker<Host>, interface: &str) -> wasmtime::Result<()> {
    match interface {
        "clocks/monotonic-clock" => {
            monotonic_clock::add_to_linker::<Host, WasiClocks>(linker, Host::clocks)
        }
        "clocks/wall-clock" => wall_clock::add_to_linker::<Host, WasiClocks>(linker, Host::clocks),
        "filesystem/preopens" => {
            filesystem::preopens::add_to_linker::<Host, WasiFilesystem>(linker, Host::filesystem)
        }
        "filesystem/types" => {
            files::add_to_linker::<Host, WasiFilesystem>(linker, Host::filesystem)
        }
        "random/random" => {
            random::random::add_to_linker::<Host, WasiRandom>(linker, |host| host.ctx.random())
        }
        "random/insecure" => {
            random::insecure::add_to_linker::<Host, WasiRandom>(linker, |host| host.ctx.random())
        }
        "random/insecure-seed" => {
            random::insecure_seed::add_to_linker::<Host, WasiRandom>(linker, |host| {
                host.ctx.random()
            })
        }
        "sockets/instance-network" => {
            sockets::instance_network::add_to_linker::<Host, WasiSockets>(linker, Host::sockets)
        }
        "sockets/ip-name-lookup" => {
            ip_name_lookup::add_to_linker::<Host, WasiSockets>(linker, Host::sockets)
        }
        "sockets/network" => sockets::network::add_to_linker::<Host, WasiSockets>(
            linker,
            &sockets::network::LinkOptions::default(),
            Host::sockets,
        ),
        "sockets/tcp" => {
            sync_sockets::tcp::add_to_linker::<Host, WasiSockets>(linker, Host::sockets)
        }
        "sockets/tcp-create-socket" => {
            sockets::tcp_create_socket::add_to_linker::<Host, WasiSockets>(linker, Host::sockets)
        }
        "sockets/udp" => udp::add_to_linker::<Host, WasiSockets>(linker, Host::sockets),
        "sockets/udp-create-socket" => sync_sockets::udp_create_socket::add_to_linker::<
            Host,
            WasiSockets,
        >(linker, Host::sockets),
        _ => Ok(()),
    }
}

fn guard(linker: &mut Linker<Host>, interface: &str) -> wasmtime::Result<()> {
    let name = format!("{interface}{RELEASE}");
    match interface {
        "wasi:clocks/monotonic-clock" => guard_monotonic(linker.instance(&name)?),
        "wasi:clocks/wall-clock" => guard_wall(linker.instance(&name)?),
        "wasi:filesystem/preopens" => guard_preopens(linker.instance(&name)?),
        "wasi:filesystem/types" => guard_files(linker.instance(&name)?),
        "wasi:io/streams" => guard_streams(linker.instance(&name)?),
        "wasi:random/random" | "wasi:random/insecure" | "wasi:random/insecure-seed" => {
            guard_random(interface, linker.instance(&name)?)
        }
        "wasi:sockets/ip-name-lookup" => guard_lookup(linker.instance(&name)?),
        "wasi:sockets/tcp" => guard_connect(linker.instance(&name)?),
        "wasi:sockets/udp" => guard_datagrams(linker.instance(&name)?),
        "wasi:sockets/tcp-create-socket" => guard_tcp(linker.instance(&name)?),
        "wasi:sockets/udp-create-socket" => guard_udp(linker.instance(&name)?),
        _ => Ok(()),
    }
}

type Context<'a> = StoreContextMut<'a, Host>;

fn guard_monotonic(mut instance: LinkerInstance<'_, Host>) -> wasmtime::Result<()> {
    fn ask(host: &Host) -> wasmtime::Result<()> {
        if host.shared.monotonic_clock {
            Ok(())
        } else {
            Err(host.shared.denials.trap(Denied::MonotonicClock))
        }
    }
    instance.func_wrap("now", |mut store: Context<'_>, (): ()| {
        ask(store.data())?;
        Ok((monotonic_clock::Host::now(&mut store.data_mut().clocks())?,))
    })?;
    instance.func_wrap("resolution", |mut store: Context<'_>, (): ()| {
        ask(store.data())?;
        Ok((monotonic_clock::Host::resolution(
            &mut store.data_mut().clocks(),
        )?,))
    })
}

fn guard_wall(mut instance: LinkerInstance<'_, Host>) -> wasmtime::Result<()> {
    fn ask(host: &Host) -> wasmtime::Result<()> {
        if host.shared.wall_clock {
            Ok(())
        } else {
            Err(host.shared.denials.trap(Denied::WallClock))
        }
    }
    instance.func_wrap("now", |mut store: Context<'_>, (): ()| {
        ask(store.data())?;
        Ok((wall_clock::Host::now(&mut store.data_mut().clocks())?,))
    })?;
    instance.func_wrap("resolution", |mut store: Context<'_>, (): ()| {
        ask(store.data())?;
        Ok((wall_clock::Host::resolution(
            &mut store.data_mut().clocks(),
        )?,))
    })
}

fn guard_random(interface: &str, mut instance: LinkerInstance<'_, Host>) -> wasmtime::Result<()> {
    fn ask(host: &Host) -> wasmtime::Result<()> {
        if host.shared.random {
            Ok(())
        } else {
            Err(host.shared.denials.trap(Denied::Random))
        }
    }
    match interface {
        "wasi:random/random" => {
            instance.func_wrap(
                "get-random-bytes",
                |mut store: Context<'_>, (len,): (u64,)| {
                    ask(store.data())?;
                    Ok((random::random::Host::get_random_bytes(
                        store.data_mut().ctx.random(),
                        len,
                    )?,))
                },
            )?;
            instance.func_wrap("get-random-u64", |mut store: Context<'_>, (): ()| {
                ask(store.data())?;
                Ok((random::random::Host::get_random_u64(
                    store.data_mut().ctx.random(),
                )?,))
            })
        }
        "wasi:random/insecure" => {
            instance.func_wrap(
                "get-insecure-random-bytes",
                |mut store: Context<'_>, (len,): (u64,)| {
                    ask(store.data())?;
                    Ok((random::insecure::Host::get_insecure_random_bytes(
                        store.data_mut().ctx.random(),
                        len,
                    )?,))
                },
            )?;
            instance.func_wrap(
                "get-insecure-random-u64",
                |mut store: Context<'_>, (): ()| {
                    ask(store.data())?;
                    Ok((random::insecure::Host::get_insecure_random_u64(
                        store.data_mut().ctx.random(),
                    )?,))
                },
            )
        }
        _ => instance.func_wrap("insecure-seed", |mut store: Context<'_>, (): ()| {
            ask(store.data())?;
            Ok((random::insecure_seed::Host::insecure_seed(
                store.data_mut().ctx.random(),
            )?,))
        }),
    }
}

fn guard_preopens(mut instance: LinkerInstance<'_, Host>) -> wasmtime::Result<()> {
    instance.func_wrap("get-directories", |mut store: Context<'_>, (): ()| {
        let host = store.data_mut();
        let found = filesystem::preopens::Host::get_directories(&mut host.filesystem())?;
        for (descriptor, name) in &found {
            host.shared
                .directories
                .insert(descriptor.rep(), name.clone());
        }
        Ok((found,))
    })
}

/// Turns the outcome of a call on a path into what the program sees, and reports it if it was denied.
fn judged<T>(
    host: &mut Host,
    directory: u32,
    path: &str,
    intent: Intent,
    outcome: FsResult<T>,
) -> wasmtime::Result<(Result<T, ErrorCode>,)> {
    let code = match outcome {
        Ok(value) => return Ok((Ok(value),)),
        Err(error) => files::Host::convert_error_code(&mut host.filesystem(), error)?,
    };
    let failure = match code {
        ErrorCode::NoEntry => Failure::NotFound,
        ErrorCode::NotPermitted => Failure::NotPermitted,
        _ => Failure::Other,
    };
    let Some(base) = host.shared.directories.get(&directory) else {
        return Ok((Err(code),));
    };
    let Some(verdict) = host.shared.view.judge(base, path, intent, failure) else {
        return Ok((Err(code),));
    };
    let as_access = verdict.as_access;
    host.shared.denials.deny(verdict.denied)?;
    Ok((Err(if as_access { ErrorCode::Access } else { code }),))
}

fn guard_files(mut instance: LinkerInstance<'_, Host>) -> wasmtime::Result<()> {
    type Dir = Resource<Descriptor>;
    type Open = (Dir, PathFlags, String, OpenFlags, DescriptorFlags);
    instance.func_wrap(
        "[method]descriptor.open-at",
        |mut store: Context<'_>, (dir, follow, path, open, flags): Open| {
            let host = store.data_mut();
            let rep = dir.rep();
            let opened = host
                .filesystem()
                .open_at(dir, follow, path.clone(), open, flags);
            if let Ok(opened) = &opened
                && let Some(base) = host.shared.directories.get(&rep)
            {
                let (full, _) = join(base, &path);
                host.shared.directories.insert(opened.rep(), full);
            }
            let writes = open.intersects(OpenFlags::CREATE | OpenFlags::TRUNCATE)
                || flags.intersects(DescriptorFlags::WRITE | DescriptorFlags::MUTATE_DIRECTORY);
            judged(
                host,
                rep,
                &path,
                if writes { Intent::Write } else { Intent::Read },
                opened,
            )
        },
    )?;
    instance.func_wrap(
        "[method]descriptor.stat-at",
        |mut store: Context<'_>, (dir, follow, path): (Dir, PathFlags, String)| {
            let host = store.data_mut();
            let rep = dir.rep();
            let stat: FsResult<DescriptorStat> =
                host.filesystem().stat_at(dir, follow, path.clone());
            judged(host, rep, &path, Intent::Read, stat)
        },
    )?;
    guard_changes(instance)
}

fn guard_changes(mut instance: LinkerInstance<'_, Host>) -> wasmtime::Result<()> {
    type Dir = Resource<Descriptor>;
    instance.func_wrap(
        "[method]descriptor.create-directory-at",
        |mut store: Context<'_>, (dir, path): (Dir, String)| {
            let host = store.data_mut();
            let rep = dir.rep();
            let outcome = host.filesystem().create_directory_at(dir, path.clone());
            judged(host, rep, &path, Intent::Write, outcome)
        },
    )?;
    instance.func_wrap(
        "[method]descriptor.remove-directory-at",
        |mut store: Context<'_>, (dir, path): (Dir, String)| {
            let host = store.data_mut();
            let rep = dir.rep();
            let outcome = host.filesystem().remove_directory_at(dir, path.clone());
            judged(host, rep, &path, Intent::Write, outcome)
        },
    )?;
    instance.func_wrap(
        "[method]descriptor.unlink-file-at",
        |mut store: Context<'_>, (dir, path): (Dir, String)| {
            let host = store.data_mut();
            let rep = dir.rep();
            let outcome = host.filesystem().unlink_file_at(dir, path.clone());
            judged(host, rep, &path, Intent::Write, outcome)
        },
    )?;
    instance.func_wrap(
        "[method]descriptor.rename-at",
        |mut store: Context<'_>, (dir, old, to, new): (Dir, String, Dir, String)| {
            let host = store.data_mut();
            let rep = to.rep();
            let outcome = host.filesystem().rename_at(dir, old, to, new.clone());
            judged(host, rep, &new, Intent::Write, outcome)
        },
    )?;
    instance.func_wrap(
        "[method]descriptor.symlink-at",
        |mut store: Context<'_>, (dir, old, new): (Dir, String, String)| {
            let host = store.data_mut();
            let rep = dir.rep();
            let outcome = host.filesystem().symlink_at(dir, old, new.clone());
            judged(host, rep, &new, Intent::Write, outcome)
        },
    )
}

/// Turns the outcome of a stream's function into what the program sees.
fn stream<T>(
    host: &mut Host,
    outcome: StreamResult<T>,
) -> wasmtime::Result<(Result<T, streams::StreamError>,)> {
    match outcome {
        Ok(value) => Ok((Ok(value),)),
        Err(StreamError::Closed) => Ok((Err(streams::StreamError::Closed),)),
        Err(StreamError::LastOperationFailed(error)) => {
            let error = host.table.push(error)?;
            Ok((Err(streams::StreamError::LastOperationFailed(error)),))
        }
        Err(StreamError::Trap(error)) => Err(error),
    }
}

/// No right is at stake here: standard streams never wait for a runtime, so they are used without starting one.
fn guard_streams(mut instance: LinkerInstance<'_, Host>) -> wasmtime::Result<()> {
    type Out = Resource<DynOutputStream>;
    instance.func_wrap(
        "[method]output-stream.blocking-write-and-flush",
        |mut store: Context<'_>, (out, bytes): (Out, Vec<u8>)| {
            let host = store.data_mut();
            let written = drive(async_streams::HostOutputStream::blocking_write_and_flush(
                &mut host.table,
                out,
                bytes,
            ));
            stream(host, written)
        },
    )?;
    instance.func_wrap(
        "[method]output-stream.blocking-flush",
        |mut store: Context<'_>, (out,): (Out,)| {
            let host = store.data_mut();
            let flushed = drive(async_streams::HostOutputStream::blocking_flush(
                &mut host.table,
                out,
            ));
            stream(host, flushed)
        },
    )?;
    instance.func_wrap(
        "[method]input-stream.blocking-read",
        |mut store: Context<'_>, (input, len): (Resource<DynInputStream>, u64)| {
            let host = store.data_mut();
            let read = drive(async_streams::HostInputStream::blocking_read(
                &mut host.table,
                input,
                len,
            ));
            stream(host, read)
        },
    )
}

/// Turns a socket error into what the program sees.
fn socket<T>(outcome: SocketResult<T>) -> wasmtime::Result<(Result<T, SocketCode>,)> {
    match outcome {
        Ok(value) => Ok((Ok(value),)),
        Err(error) => Ok((Err(error.downcast()?),)),
    }
}

fn guard_lookup(mut instance: LinkerInstance<'_, Host>) -> wasmtime::Result<()> {
    instance.func_wrap(
        "resolve-addresses",
        |mut store: Context<'_>, (network, name): (Resource<Network>, String)| {
            let host = store.data_mut();
            // An address is its own answer, and connecting to it is judged later.
            let lower = name.trim_end_matches('.').to_ascii_lowercase();
            let literal = lower.parse::<IpAddr>().is_ok();
            if !literal && !host.net.policy.allows_name(&lower) {
                host.shared.denials.deny(Denied::Lookup { name: lower })?;
                return Ok((Err(SocketCode::AccessDenied),));
            }
            let outcome =
                ip_name_lookup::Host::resolve_addresses(&mut host.sockets(), network, name);
            if let Ok(stream) = &outcome {
                host.lookups.insert(stream.rep(), lower);
            }
            socket(outcome)
        },
    )?;
    instance.func_wrap(
        "[method]resolve-address-stream.resolve-next-address",
        |mut store: Context<'_>, (stream,): (Resource<ResolveAddressStream>,)| {
            let host = store.data_mut();
            let rep = stream.rep();
            let outcome = host.sockets().resolve_next_address(stream);
            if let (Ok(Some(address)), Some(name)) = (&outcome, host.lookups.get(&rep)) {
                host.net.resolved(name, address_of(*address));
            }
            socket(outcome)
        },
    )
}

fn address_of(address: IpAddress) -> IpAddr {
    match address {
        IpAddress::Ipv4((a, b, c, d)) => Ipv4Addr::new(a, b, c, d).into(),
        IpAddress::Ipv6(parts) => {
            let segments: [u16; 8] = parts.into();
            Ipv6Addr::from(segments).into()
        }
    }
}

/// The policy judges connections from inside these functions; with `--strict` the program ends on the way out.
fn guard_connect(mut instance: LinkerInstance<'_, Host>) -> wasmtime::Result<()> {
    type Socket = Resource<TcpSocket>;
    instance.func_wrap(
        "[method]tcp-socket.start-connect",
        |mut store: Context<'_>,
         (this, network, to): (Socket, Resource<Network>, IpSocketAddress)| {
            let host = store.data_mut();
            let outcome = host.sockets().start_connect(this, network, to);
            host.shared.denials.settle()?;
            socket(outcome)
        },
    )?;
    instance.func_wrap(
        "[method]tcp-socket.finish-connect",
        |mut store: Context<'_>, (this,): (Socket,)| {
            let host = store.data_mut();
            let outcome = host.sockets().finish_connect(this);
            host.shared.denials.settle()?;
            socket(outcome)
        },
    )?;
    instance.func_wrap(
        "[method]tcp-socket.finish-listen",
        |mut store: Context<'_>, (this,): (Socket,)| {
            let host = store.data_mut();
            let outcome = host.sockets().finish_listen(this);
            host.shared.denials.settle()?;
            socket(outcome)
        },
    )
}

fn guard_datagrams(mut instance: LinkerInstance<'_, Host>) -> wasmtime::Result<()> {
    type Stream = Resource<OutgoingDatagramStream>;
    instance.func_wrap(
        "[method]udp-socket.stream",
        |mut store: Context<'_>, (this, to): (Resource<UdpSocket>, Option<IpSocketAddress>)| {
            let host = store.data_mut();
            let outcome = udp::HostUdpSocket::stream(&mut host.sockets(), this, to);
            host.shared.denials.settle()?;
            socket(outcome)
        },
    )?;
    instance.func_wrap(
        "[method]outgoing-datagram-stream.send",
        |mut store: Context<'_>, (this, datagrams): (Stream, Vec<OutgoingDatagram>)| {
            let host = store.data_mut();
            let outcome =
                udp::HostOutgoingDatagramStream::send(&mut host.sockets(), this, datagrams);
            host.shared.denials.settle()?;
            socket(outcome)
        },
    )
}

fn guard_tcp(mut instance: LinkerInstance<'_, Host>) -> wasmtime::Result<()> {
    instance.func_wrap(
        "create-tcp-socket",
        |mut store: Context<'_>, (family,): (IpAddressFamily,)| {
            let host = store.data_mut();
            if host.net.policy.is_empty() {
                host.shared.denials.deny(Denied::Network)?;
                return Ok((Err(SocketCode::AccessDenied),));
            }
            let outcome =
                sockets::tcp_create_socket::Host::create_tcp_socket(&mut host.sockets(), family);
            socket::<Resource<TcpSocket>>(outcome)
        },
    )
}

fn guard_udp(mut instance: LinkerInstance<'_, Host>) -> wasmtime::Result<()> {
    instance.func_wrap(
        "create-udp-socket",
        |mut store: Context<'_>, (family,): (IpAddressFamily,)| {
            let host = store.data_mut();
            if host.net.policy.is_empty() {
                host.shared.denials.deny(Denied::Network)?;
                return Ok((Err(SocketCode::AccessDenied),));
            }
            let outcome = sync_sockets::udp_create_socket::Host::create_udp_socket(
                &mut host.sockets(),
                family,
            );
            socket::<Resource<UdpSocket>>(outcome)
        },
    )
}
