//! Sockets and look-ups of a real program on WASI 0.2, against servers of the test's own.

use std::fs;
use std::net::TcpListener;
use std::path::PathBuf;
use std::thread;

use crate::harness::{Run, World, note};

/// Takes connections for ever.
fn listener(address: &str) -> Option<u16> {
    let listener = TcpListener::bind((address, 0)).ok()?;
    let port = listener.local_addr().ok()?.port();
    thread::spawn(move || for _ in listener.incoming() {});
    Some(port)
}

/// The program, with the hosts that it declares.
fn program(world: &World, declared: &str) -> PathBuf {
    let source = world.host().root().join("tests/e2e/programs/sockets");
    for file in ["Cargo.toml", "Cargo.lock", "src/main.rs"] {
        let content = fs::read(source.join(file)).expect("the program is there");
        world.write(&format!("sockets/{file}"), content);
    }
    let manifest = world.write(
        "sockets/Zero.toml",
        format!(
            "[package]\nname = \"sockets\"\nversion = \"0.1.0\"\n\n\
             [build]\nkind = \"cargo\"\ntarget = \"wasm32-wasip2\"\n\n\
             [capabilities]\nnet = [{declared}]\n"
        ),
    );
    let artifact = world.path("sockets.zero");
    world.build(&manifest, &artifact).code(0);
    artifact
}

/// A name of this machine, not `localhost`, that leads to a loopback address.
fn other_name() -> Option<String> {
    let hosts = fs::read_to_string("/etc/hosts").ok()?;
    let lines = hosts.lines().filter(|line| line.starts_with("127."));
    let mut names = lines.flat_map(|line| line.split_whitespace().skip(1));
    names
        .find(|name| *name != "localhost" && name.bytes().all(|b| b.is_ascii_lowercase()))
        .map(ToOwned::to_owned)
}

#[test]
fn connections_need_a_declaration_and_a_grant_and_a_refusal_wins() {
    let world = World::new();
    world.make_key("home");
    let port = listener("127.0.0.1").expect("loopback is there");
    let other = listener("127.0.0.2");
    let artifact = program(&world, r#""127.0.0.0/8", "localhost""#);
    let port_text = port.to_string();
    let run = |flags: &[&str], host: &str, port: &str| {
        let mut command = world.command_as("home", "zrun");
        Run::of(command.args(flags).arg(&artifact).args([host, port]))
    };
    let here = format!("127.0.0.1:{port}");
    // One address and port; not another port of it.
    run(&["--allow-net", &here], "127.0.0.1", &port_text)
        .code(0)
        .says("127.0.0.1 connected");
    run(&["--allow-net", "127.0.0.1:1"], "127.0.0.1", &port_text)
        .says("127.0.0.1 access-denied")
        .says(&format!(
            "zrun: denied: connect to {here} — allow with --allow-net {here}"
        ));
    // A block, and what lies outside of it.
    run(&["--allow-net", "127.0.0.0/30"], "127.0.0.1", &port_text).says("127.0.0.1 connected");
    if let Some(other) = other {
        let other = other.to_string();
        run(&["--allow-net", "127.0.0.0/31"], "127.0.0.2", &other).says("127.0.0.2 access-denied");
        run(&["--allow-net", "127.0.0.0/30"], "127.0.0.2", &other).says("127.0.0.2 connected");
    }
    // A refusal wins over every grant.
    let refused = format!("--deny-net={here}");
    run(&["--allow-declared", &refused], "127.0.0.1", &port_text)
        .says("127.0.0.1 access-denied")
        .says("it is refused with --deny-net");
    run(&["--allow-declared", "--deny-net"], "127.0.0.1", &port_text)
        .says("127.0.0.1 not looked up: access-denied")
        .says("zrun: denied: use the network — it is refused with --deny-net");
    // `localhost` names loopback; what is not declared is not looked up.
    run(&["--allow-net", "localhost"], "localhost", &port_text).says("localhost connected");
    run(&["--allow-declared"], "elsewhere.example", "80")
        .says("elsewhere.example not looked up: access-denied")
        .says("zrun: denied: look up elsewhere.example");
    // With --strict the program ends there.
    run(
        &["--strict", "--allow-net", "127.0.0.1:1"],
        "127.0.0.1",
        &port_text,
    )
    .code(134);
}

#[test]
fn a_name_that_leads_to_a_private_address_is_not_connected() {
    let world = World::new();
    world.make_key("home");
    let Some(name) = other_name() else {
        note("LEFT OUT: no other name of this machine leads to a loopback address");
        return;
    };
    let port = listener("127.0.0.1")
        .expect("loopback is there")
        .to_string();
    let artifact = program(&world, &format!(r#""{name}", "127.0.0.0/8""#));
    let run = |flags: &[&str]| {
        let mut command = world.command_as("home", "zrun");
        Run::of(command.args(flags).arg(&artifact).args([&name, &port]))
    };
    run(&["--allow-net", &name]).says(&format!("{name} access-denied"));
    run(&["--allow-net", &name, "--allow-net", "127.0.0.0/8"]).says(&format!("{name} connected"));
}
