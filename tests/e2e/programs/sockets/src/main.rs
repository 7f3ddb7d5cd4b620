//! Connects to each `HOST PORT` of its arguments and says how that went: the look-up, then every address.

use wasip2::sockets::instance_network::instance_network;
use wasip2::sockets::ip_name_lookup::resolve_addresses;
use wasip2::sockets::network::{
    ErrorCode, IpAddress, IpAddressFamily, IpSocketAddress, Ipv4SocketAddress, Ipv6SocketAddress,
    Network,
};
use wasip2::sockets::tcp_create_socket::create_tcp_socket;

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let network = instance_network();
    for pair in args.chunks(2) {
        let [host, port] = pair else { return };
        let port = port.parse().expect("a port is a number");
        match look_up(&network, host) {
            Ok(addresses) => {
                for address in addresses {
                    match connect(&network, address, port) {
                        Ok(()) => println!("{host} connected"),
                        Err(code) => println!("{host} {}", code.name()),
                    }
                }
            }
            Err(code) => println!("{host} not looked up: {}", code.name()),
        }
    }
}

fn look_up(network: &Network, host: &str) -> Result<Vec<IpAddress>, ErrorCode> {
    let stream = resolve_addresses(network, host)?;
    let mut found = Vec::new();
    loop {
        match stream.resolve_next_address() {
            Ok(Some(address)) => found.push(address),
            Ok(None) => return Ok(found),
            Err(ErrorCode::WouldBlock) => stream.subscribe().block(),
            Err(code) => return Err(code),
        }
    }
}

fn connect(network: &Network, address: IpAddress, port: u16) -> Result<(), ErrorCode> {
    let (family, to) = match address {
        IpAddress::Ipv4(address) => (
            IpAddressFamily::Ipv4,
            IpSocketAddress::Ipv4(Ipv4SocketAddress { port, address }),
        ),
        IpAddress::Ipv6(address) => (
            IpAddressFamily::Ipv6,
            IpSocketAddress::Ipv6(Ipv6SocketAddress {
                port,
                flow_info: 0,
                address,
                scope_id: 0,
            }),
        ),
    };
    let socket = create_tcp_socket(family)?;
    socket.start_connect(network, to)?;
    loop {
        match socket.finish_connect() {
            Ok(_) => return Ok(()),
            Err(ErrorCode::WouldBlock) => socket.subscribe().block(),
            Err(code) => return Err(code),
        }
    }
}
