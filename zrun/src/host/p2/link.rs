//! Which interfaces exist for a component: those that it imports and that are provided, then stand-ins for the rest.

use wasmtime::Engine;
use wasmtime::component::types::ComponentItem;
use wasmtime::component::{Component, Linker, ResourceTable, ResourceType};
use wasmtime_wasi::cli::{WasiCli, WasiCliView as _};
use wasmtime_wasi::clocks::{WasiClocks, WasiClocksView as _};
use wasmtime_wasi::filesystem::{WasiFilesystem, WasiFilesystemView as _};
use wasmtime_wasi::p2::bindings::clocks::{monotonic_clock, wall_clock};
use wasmtime_wasi::p2::bindings::sockets::ip_name_lookup;
use wasmtime_wasi::p2::bindings::sync::filesystem::types as files;
use wasmtime_wasi::p2::bindings::sync::io::streams;
use wasmtime_wasi::p2::bindings::sync::sockets::udp;
use wasmtime_wasi::p2::bindings::sync::{io as sync_io, sockets as sync_sockets};
use wasmtime_wasi::p2::bindings::{cli, filesystem, random, sockets};
use wasmtime_wasi::random::WasiRandom;
use wasmtime_wasi::sockets::{WasiSockets, WasiSocketsView as _};

use super::{HasTable, Host};

/// Interfaces that give away nothing.
pub(super) fn link_basic(linker: &mut Linker<Host>, interface: &str) -> wasmtime::Result<()> {
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

/// Interfaces that hold capabilities; `guard` then replaces what has to be asked for.
pub(super) fn link_capability(linker: &mut Linker<Host>, interface: &str) -> wasmtime::Result<()> {
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

fn table_of(host: &mut Host) -> &mut ResourceTable {
    &mut host.table
}

/// Lets a component start that imports more than is provided: a use of that traps with its name.
pub(super) fn stub_foreign(
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

/// A resource of an interface that nobody here provides; none is ever made.
struct Foreign;

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
    const HTTP: [&str; 2] = ["http/outgoing-handler", "http/types"];
    interface.strip_prefix("wasi:").is_some_and(|interface| {
        PROVIDED.contains(&interface) || (cfg!(feature = "http") && HTTP.contains(&interface))
    })
}
