//! The network: denied hosts, names that lead home, datagrams, listeners. The host counts who came.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use super::{Shape, program, world};
use crate::harness::{Run, World, note};

/// A server that greets everybody and counts them.
pub(super) struct Greeter {
    address: SocketAddr,
    met: Arc<AtomicUsize>,
}

impl Greeter {
    pub(super) fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("there is a free port");
        let address = listener.local_addr().expect("it is bound");
        let met = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&met);
        // Ends with the process; tests do not wait for it.
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                count.fetch_add(1, Ordering::SeqCst);
                let mut stream = stream;
                let _ = stream.write_all(b"hello");
            }
        });
        Self { address, met }
    }

    pub(super) fn port(&self) -> String {
        self.address.port().to_string()
    }

    /// How many came since the last question.
    pub(super) fn met(&self) -> usize {
        self.met.swap(0, Ordering::SeqCst)
    }
}

/// The program, declared to talk to these.
pub(super) fn talker(world: &World, hosts: &[&str]) -> Option<PathBuf> {
    let list: Vec<String> = hosts.iter().map(|host| format!("\"{host}\"")).collect();
    let declared = format!("[capabilities]\nnet = [{}]\n", list.join(", "));
    program(world, "sockets", Shape::Component, &declared)
}

pub(super) fn zrun(world: &World, flags: &[&str], artifact: &Path, args: [&str; 3]) -> Run {
    let mut command = world.command_as("home", "zrun");
    Run::of(command.args(flags).arg(artifact).args(args))
}

#[test]
fn a_declared_and_granted_address_is_reached_and_no_other_port() {
    let world = world();
    let (server, other) = (Greeter::start(), Greeter::start());
    let Some(artifact) = talker(&world, &["127.0.0.1"]) else {
        return;
    };
    let grant = format!("127.0.0.1:{}", server.port());
    let flags = ["--allow-net", &grant];
    zrun(
        &world,
        &flags,
        &artifact,
        ["connect", "127.0.0.1", &server.port()],
    )
    .code(0)
    .says("connected hello");
    assert_eq!(server.met(), 1);
    let told = format!("--allow-net 127.0.0.1:{}", other.port());
    zrun(
        &world,
        &flags,
        &artifact,
        ["connect", "127.0.0.1", &other.port()],
    )
    .code(0)
    .says("access-denied")
    .says(&told);
    assert_eq!(other.met(), 0);
}

#[test]
fn what_is_refused_stays_refused_whatever_is_granted() {
    let world = world();
    let server = Greeter::start();
    let Some(artifact) = talker(&world, &["127.0.0.1", "localhost"]) else {
        return;
    };
    let refused = format!("--deny-net=127.0.0.1:{}", server.port());
    let flags = ["--allow-declared", "--allow-net", "127.0.0.1", &refused];
    let port = server.port();
    for (how, host) in [
        ("connect", "127.0.0.1"),
        ("name", "localhost"),
        ("connect", "::ffff:127.0.0.1"),
    ] {
        zrun(&world, &flags, &artifact, [how, host, &port])
            .code(0)
            .never_says("connected");
    }
    assert_eq!(server.met(), 0);
}

#[test]
fn localhost_is_reached_by_name_and_its_address_only_through_it() {
    let world = world();
    let server = Greeter::start();
    let Some(artifact) = talker(&world, &["localhost"]) else {
        return;
    };
    let (flags, port) = (["--allow-declared"], server.port());
    zrun(&world, &flags, &artifact, ["name", "localhost", &port])
        .code(0)
        .says("connected hello");
    assert_eq!(server.met(), 1);
    zrun(&world, &flags, &artifact, ["connect", "127.0.0.1", &port])
        .code(0)
        .says("access-denied");
    zrun(&world, &flags, &artifact, ["name", "example.org", &port])
        .code(0)
        .says("access-denied");
    assert_eq!(server.met(), 0);
}

#[test]
fn everything_public_is_no_grant_for_this_machine() {
    let world = world();
    let server = Greeter::start();
    let Some(artifact) = talker(&world, &["0.0.0.0/0", "::/0"]) else {
        return;
    };
    let flags = ["--allow-declared"];
    for host in [
        "127.0.0.1",
        "127.1.2.3",
        "0.0.0.0",
        "::ffff:127.0.0.1",
        "::1",
        "::",
        "64:ff9b::7f00:1",
    ] {
        zrun(&world, &flags, &artifact, ["connect", host, &server.port()])
            .code(0)
            .says("refused")
            .never_says("connected");
    }
    assert_eq!(server.met(), 0);
}

/// A granted name whose owner points it at this machine.
#[test]
fn a_name_that_leads_to_a_private_address_does_not() {
    let world = world();
    let server = Greeter::start();
    let Some(artifact) = talker(&world, &["rebind.example"]) else {
        return;
    };
    world.write("hosts", "127.0.0.1 rebind.example\n");
    let mut command = world.command_as("home", "zrun");
    command.args(["--allow-declared"]).arg(&artifact);
    command.args(["name", "rebind.example", &server.port()]);
    let Some(run) = with_hosts(&world, &command) else {
        return;
    };
    run.code(0).says("access-denied").says("127.0.0.1");
    assert_eq!(server.met(), 0);
}

/// Runs a command that sees the test's `hosts` as `/etc/hosts`; `None` where that is not possible.
pub(super) fn with_hosts(world: &World, command: &Command) -> Option<Run> {
    let possible = Command::new("unshare").args(["-rm", "true"]).output();
    if !possible.is_ok_and(|o| o.status.success()) {
        note("LEFT OUT: unshare may not make a mount namespace here");
        return None;
    }
    let mut shell = Command::new("unshare");
    let script = "mount --bind hosts /etc/hosts && exec \"$@\"";
    shell.args(["-rm", "sh", "-c", script, "sh"]);
    Some(Run::of(world.instead(command, &mut shell)))
}

#[test]
fn no_datagram_leaves_and_nothing_listens() {
    let world = world();
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("there is a free port");
    let port = socket.local_addr().expect("it is bound").port().to_string();
    let Some(artifact) = talker(&world, &["127.0.0.1", "192.0.2.1"]) else {
        return;
    };
    let flags = ["--allow-net", "192.0.2.1"];
    zrun(&world, &flags, &artifact, ["udp", "127.0.0.1", &port]).never_says("connected");
    socket
        .set_nonblocking(true)
        .expect("sockets can be asked without waiting");
    assert!(socket.recv(&mut [0; 64]).is_err(), "a datagram arrived");
    let flags = ["--allow-declared"];
    zrun(&world, &flags, &artifact, ["listen", "127.0.0.1", "0"])
        .code(0)
        .never_says("connected");
}

#[test]
fn waiting_for_a_silent_server_ends_at_the_time_limit() {
    let world = world();
    let silent = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("there is a free port");
    let port = silent.local_addr().expect("it is bound").port().to_string();
    let Some(artifact) = talker(&world, &["127.0.0.1"]) else {
        return;
    };
    let flags = ["--allow-net", "127.0.0.1", "--limit-time", "500ms"];
    zrun(&world, &flags, &artifact, ["wait", "127.0.0.1", &port])
        .code(124)
        .says("time");
    // It was connected all the time, so it was the wait that ended.
    let (mut stream, _) = silent.accept().expect("it had come");
    let timeout = Some(Duration::from_secs(10));
    stream.set_read_timeout(timeout).expect("it can be set");
    assert_eq!(stream.read(&mut [0]).ok(), Some(0));
}
