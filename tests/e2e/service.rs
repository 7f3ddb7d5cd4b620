//! Publishers who hold no log key, through the service of a registry, and its mirror.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Stdio};

use serde_json::Value;

use crate::harness::{Run, World};
use crate::packages::prints;

/// A service over the registry `registry`; it ends with the value.
struct Service {
    child: Child,
    url: String,
}

impl Service {
    fn start(world: &World) -> Self {
        let mut command = world.command_as("home", "zero-registry");
        command.args([
            "serve",
            "registry",
            "--publish",
            "--listen",
            "127.0.0.1:0",
            "--json",
        ]);
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("it starts");
        let mut line = String::new();
        let mut stdout = BufReader::new(child.stdout.take().expect("a pipe"));
        stdout.read_line(&mut line).expect("a line");
        let said: Value = serde_json::from_str(&line).expect("an object");
        let url = said["url"].as_str().expect("an address").to_owned();
        Self { child, url }
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn json(run: &Run) -> Value {
    serde_json::from_str(&run.stdout).unwrap_or_else(|error| panic!("{error}: {run}"))
}

/// `owner sign` gives no signature to an event that nobody looked at.
fn signs_no_release_unread(world: &World, registry: &str) {
    let chain = world
        .files(&format!("{registry}/pkg"))
        .pop()
        .expect("a package");
    let text = std::fs::read_to_string(chain).expect("it is ours");
    let last = text.lines().last().expect("an event");
    let event = world.write("release.event", format!("{last}\n"));
    let event = event.to_str().expect("a path");
    world
        .zero_as("publisher", ["owner", "sign", event])
        .code(2)
        .says("changes no keys");
}

#[test]
fn a_publisher_without_the_log_key_publishes_through_the_service() {
    let world = World::new();
    let registry = world.init_registry("registry");
    let service = Service::start(&world);
    let key = world.make_key("publisher");
    world
        .add_registry("publisher", &[&service.url], &registry.root_key)
        .code(0);
    for version in ["1.0.0", "1.1.0"] {
        world.package("hi", version, &prints("hi\n"), "");
        world
            .publish("publisher", &format!("hi-{version}"), "demo")
            .code(0)
            .says("published hi");
    }
    world
        .publish("publisher", "hi-1.1.0", "demo")
        .code(1)
        .says("published already");
    let yanked = ["yank", "hi@1.1.0", "--registry", "demo", "--reason", "slow"];
    world.zero_as("publisher", yanked).code(0);

    let info = json(&world.zero_as("publisher", ["info", "hi", "--json"]).code(0));
    assert_eq!(info["newest"], "1.0.0");
    assert_eq!(info["releases"][0]["standing"], "yanked");
    assert_eq!(info["releases"][1]["signers"][0], key.as_str());
    let found = json(
        &world
            .zero_as("publisher", ["search", "h", "--json"])
            .code(0),
    );
    assert_eq!(found["packages"][0]["package"], "hi");
    world
        .zero_as("publisher", ["search", "nothing"])
        .code(0)
        .says("no package");
    let owners = json(
        &world
            .zero_as("publisher", ["owner", "show", "hi", "--json"])
            .code(0),
    );
    assert_eq!(owners["admin"]["keys"][0], key.as_str());
    signs_no_release_unread(&world, "registry");
    world
        .zero_as("publisher", ["info", "absent"])
        .code(127)
        .says("hint:");

    // Somebody else can publish under another name, and not under this one or one like it.
    world.make_key("stranger");
    world
        .add_registry("stranger", &[&service.url], &registry.root_key)
        .code(0);
    world.package("hi", "2.0.0", &prints("hi\n"), "");
    world
        .publish("stranger", "hi-2.0.0", "demo")
        .code(126)
        .says("belongs to other keys");
    world.package("h-i", "1.0.0", &prints("hi\n"), "");
    world
        .publish("stranger", "h-i-1.0.0", "demo")
        .code(126)
        .says("could be taken for hi");
    world.package("another", "1.0.0", &prints("hi\n"), "");
    world.publish("stranger", "another-1.0.0", "demo").code(0);

    // A mirror of the address, and a reader of the mirror.
    world
        .registry([
            "mirror",
            &service.url,
            "copy",
            "--root-key",
            &registry.root_key,
        ])
        .code(0)
        .says("package files");
    world
        .registry(["mirror", &service.url, "copy"])
        .code(0)
        .says("up to date");
    world.registry(["verify", "copy"]).code(0);
    drop(service);
    world
        .registry(["mirror", "http://127.0.0.1:9/", "copy"])
        .code(69)
        .says("hint:");
    world.reader("reader", &["copy"], &registry.root_key);
    world.zero_as("reader", ["run", "hi"]).code(0).says("hi");
}
