//! Sockets and name look-ups, each through the one policy of the run's network.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use wasmtime::component::{LinkerInstance, Resource};
use wasmtime_wasi::p2::bindings::sockets;
use wasmtime_wasi::p2::bindings::sockets::ip_name_lookup::{
    self, HostResolveAddressStream as _, ResolveAddressStream,
};
use wasmtime_wasi::p2::bindings::sockets::network::{
    ErrorCode as SocketCode, IpAddress, IpAddressFamily, IpSocketAddress, Network,
};
use wasmtime_wasi::p2::bindings::sync::sockets as sync_sockets;
use wasmtime_wasi::p2::bindings::sync::sockets::tcp::HostTcpSocket as _;
use wasmtime_wasi::p2::bindings::sync::sockets::udp::{
    self, OutgoingDatagram, OutgoingDatagramStream,
};
use wasmtime_wasi::p2::{SocketResult, TcpSocket, UdpSocket};
use wasmtime_wasi::sockets::WasiSocketsView as _;

use super::{Context, Host};
use crate::audit::Use;
use crate::host::denial::Denied;

pub(super) fn guard_lookup(mut instance: LinkerInstance<'_, Host>) -> wasmtime::Result<()> {
    instance.func_wrap(
        "resolve-addresses",
        |mut store: Context<'_>, (network, name): (Resource<Network>, String)| {
            let host = store.data_mut();
            // An address is its own answer, and connecting to it is judged later.
            let lower = name.trim_end_matches('.').to_ascii_lowercase();
            let literal = lower.parse::<IpAddr>().is_ok();
            if literal && host.net.policy.is_empty() {
                host.shared.denials.deny(Denied::Network)?;
                return Ok((Err(SocketCode::AccessDenied),));
            }
            if !literal && !host.net.policy.allows_name(&lower) {
                host.shared.denials.deny(Denied::Lookup { name: lower })?;
                return Ok((Err(SocketCode::AccessDenied),));
            }
            if !literal {
                host.shared.recorder.used(|| Use::Lookup {
                    name: lower.clone(),
                })?;
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

pub(super) fn guard_tcp(mut instance: LinkerInstance<'_, Host>) -> wasmtime::Result<()> {
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

pub(super) fn guard_udp(mut instance: LinkerInstance<'_, Host>) -> wasmtime::Result<()> {
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

/// The policy judges connections from inside these functions; with `--strict` the program ends on the way out.
pub(super) fn guard_connect(mut instance: LinkerInstance<'_, Host>) -> wasmtime::Result<()> {
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

pub(super) fn guard_datagrams(mut instance: LinkerInstance<'_, Host>) -> wasmtime::Result<()> {
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

fn address_of(address: IpAddress) -> IpAddr {
    match address {
        IpAddress::Ipv4((a, b, c, d)) => Ipv4Addr::new(a, b, c, d).into(),
        IpAddress::Ipv6(parts) => {
            let segments: [u16; 8] = parts.into();
            Ipv6Addr::from(segments).into()
        }
    }
}

/// Turns a socket error into what the program sees.
fn socket<T>(outcome: SocketResult<T>) -> wasmtime::Result<(Result<T, SocketCode>,)> {
    match outcome {
        Ok(value) => Ok((Ok(value),)),
        Err(error) => Ok((Err(error.downcast()?),)),
    }
}
