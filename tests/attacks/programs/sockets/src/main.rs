//! Connects, sends, looks up and listens by WASI 0.2, and says what came of it: `connected TEXT` or `refused WHY`.

use std::net::IpAddr;

use wasip2::sockets::instance_network::instance_network;
use wasip2::sockets::ip_name_lookup::resolve_addresses;
use wasip2::sockets::network::{
    ErrorCode, IpAddress, IpAddressFamily, IpSocketAddress, Ipv4SocketAddress, Ipv6SocketAddress,
    Network,
};
use wasip2::io::streams::{InputStream, OutputStream};
use wasip2::sockets::tcp::TcpSocket;
use wasip2::sockets::tcp_create_socket::create_tcp_socket;
use wasip2::sockets::udp::OutgoingDatagram;
use wasip2::sockets::udp_create_socket::create_udp_socket;

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [how, host, port] = args.as_slice() else {
        panic!("connect|wait|many|name|udp|listen HOST PORT");
    };
    let port = port.parse().expect("a port");
    let network = instance_network();
    let outcome = match how.as_str() {
        "connect" => connect(&network, address(host, port), true),
        // The server says nothing: this never ends by itself.
        "wait" => connect(&network, address(host, port), true),
        "many" => many(&network, address(host, port)),
        "name" => by_name(&network, host, port),
        "udp" => send(&network, address(host, port)),
        "listen" => listen(&network, address(host, port)),
        other => panic!("{other}"),
    };
    match outcome {
        Ok(text) => println!("connected {text}"),
        Err(code) => println!("refused {code:?}"),
    }
}

fn address(host: &str, port: u16) -> IpSocketAddress {
    match host.parse().expect("an address") {
        IpAddr::V4(ip) => ipv4(ip.octets().into(), port),
        IpAddr::V6(ip) => IpSocketAddress::Ipv6(Ipv6SocketAddress {
            port,
            flow_info: 0,
            address: ip.segments().into(),
            scope_id: 0,
        }),
    }
}

fn ipv4(address: (u8, u8, u8, u8), port: u16) -> IpSocketAddress {
    IpSocketAddress::Ipv4(Ipv4SocketAddress { port, address })
}

fn family(address: &IpSocketAddress) -> IpAddressFamily {
    match address {
        IpSocketAddress::Ipv4(_) => IpAddressFamily::Ipv4,
        IpSocketAddress::Ipv6(_) => IpAddressFamily::Ipv6,
    }
}

fn connect(network: &Network, address: IpSocketAddress, read: bool) -> Result<String, ErrorCode> {
    let (_socket, input, _output) = open(network, address)?;
    if !read {
        return Ok(String::new());
    }
    let bytes = input.blocking_read(64).unwrap_or_default();
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn open(
    network: &Network,
    address: IpSocketAddress,
) -> Result<(TcpSocket, InputStream, OutputStream), ErrorCode> {
    let socket = create_tcp_socket(family(&address))?;
    socket.start_connect(network, address)?;
    loop {
        match socket.finish_connect() {
            Ok((input, output)) => return Ok((socket, input, output)),
            Err(ErrorCode::WouldBlock) => socket.subscribe().block(),
            Err(code) => return Err(code),
        }
    }
}

/// Sends many small messages one by one, then receives as many: for a measurement (benches/sink.py).
fn many(network: &Network, address: IpSocketAddress) -> Result<String, ErrorCode> {
    const MESSAGES: usize = 20_000;
    let (_socket, input, output) = open(network, address)?;
    for _ in 0..MESSAGES {
        if output.blocking_write_and_flush(&[7; 64]).is_err() {
            return Ok("cut off".to_owned());
        }
    }
    let mut left = MESSAGES * 64;
    while left > 0 {
        match input.blocking_read(64) {
            Ok(bytes) => left -= bytes.len(),
            Err(_) => return Ok("cut off".to_owned()),
        }
    }
    Ok("both ways".to_owned())
}

/// Looks the name up and tries each address, private ones included.
fn by_name(network: &Network, host: &str, port: u16) -> Result<String, ErrorCode> {
    let addresses = resolve_addresses(network, host)?;
    let mut last = ErrorCode::NameUnresolvable;
    loop {
        match addresses.resolve_next_address() {
            Ok(Some(IpAddress::Ipv4(ip))) => match connect(network, ipv4(ip, port), true) {
                Ok(text) => return Ok(text),
                Err(code) => last = code,
            },
            Ok(Some(IpAddress::Ipv6(_))) => {}
            Ok(None) => return Err(last),
            Err(ErrorCode::WouldBlock) => addresses.subscribe().block(),
            Err(code) => return Err(code),
        }
    }
}

fn send(network: &Network, address: IpSocketAddress) -> Result<String, ErrorCode> {
    let socket = create_udp_socket(family(&address))?;
    socket.start_bind(network, ipv4((0, 0, 0, 0), 0))?;
    while let Err(code) = socket.finish_bind() {
        match code {
            ErrorCode::WouldBlock => socket.subscribe().block(),
            code => return Err(code),
        }
    }
    let (_incoming, outgoing) = socket.stream(None)?;
    outgoing.subscribe().block();
    outgoing.check_send()?;
    let datagram = OutgoingDatagram {
        data: b"datagram".to_vec(),
        remote_address: Some(address),
    };
    outgoing
        .send(&[datagram])
        .map(|sent| format!("{sent} sent"))
}

fn listen(network: &Network, address: IpSocketAddress) -> Result<String, ErrorCode> {
    let socket = create_tcp_socket(family(&address))?;
    socket.start_bind(network, address)?;
    socket.finish_bind()?;
    socket.start_listen()?;
    socket.finish_listen()?;
    Ok("listening".to_owned())
}
