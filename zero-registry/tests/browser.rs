//! The catalogue in a real browser: Debian's Chromium (spec/catalogue.md).
#![cfg(feature = "server")]
#![expect(clippy::unwrap_used, reason = "scenarios are plain functions")]

mod support;

use support::peer::peer;
use support::registry::{PUBLISHER, Registry, T0, flip, key, package};
use zero_format::{Digest, Kind, Metadata, Package, assemble, sign};
use zero_registry::{DirStorage, RunningServer, ServeOptions, Server, site};

/// `(module (func (export "add") (param i32 i32) (result i32) local.get 0 local.get 1 i32.add))`
const ADD: &[u8] =
    b"\0asm\x01\0\0\0\x01\x07\x01\x60\x02\x7f\x7f\x01\x7f\x03\x02\x01\0\x07\x07\x01\x03add\0\0\
    \x0a\x09\x01\x07\0\x20\0\x20\x01\x6a\x0b";

/// `(module (func (export "f")) (func $s (loop br 0)) (start $s))`
const SPIN: &[u8] = b"\0asm\x01\0\0\0\x01\x04\x01\x60\0\0\x03\x03\x02\0\0\x07\x05\x01\x01f\0\0\
    \x08\x01\x01\x0a\x0c\x02\x02\0\x0b\x07\0\x03\x40\x0c\0\x0b\x0b";

/// What each text of a hostile publisher tries: to run, to load, to break out of an attribute.
const ATTACK: &str =
    "\"'><script>document.title='pwned'</script><img src=x onerror=\"document.title='pwned'\">";

fn file(name: &str, description: &str, readme: &str) -> Vec<u8> {
    file_of(ADD, name, description, readme)
}

fn file_of(module: &[u8], name: &str, description: &str, readme: &str) -> Vec<u8> {
    let metadata = Metadata::new(
        Kind::Module,
        Package {
            name: package(name),
            version: "1.0.0".parse().unwrap(),
            description: Some(description.to_owned()),
            license: Some("MIT".to_owned()),
            repository: Some("https://example.org/\"onmouseover=alert(1)".to_owned()),
            authors: Vec::new(),
            readme: Some(readme.to_owned()),
        },
    );
    let unsigned = assemble(module, &metadata, None).unwrap();
    sign(&unsigned, &[&key(PUBLISHER)]).unwrap()
}

struct World {
    registry: Registry,
    server: RunningServer,
}

impl World {
    fn new() -> Self {
        let registry = Registry::new();
        let readme = "# Adder\n\nAdds *two* numbers.\n\n```sh\ncargo zero run adder\n```\n";
        registry.publish_file("adder", &file("adder", "adds numbers", readme), T0);
        let hostile = format!("# x\n\n{ATTACK}\n\n[x](javascript:document.title='pwned')\n");
        registry.publish_file("hostile", &file("hostile", ATTACK, &hostile), T0);
        registry.publish_file("spin", &file_of(SPIN, "spin", "turns", "# Spin\n"), T0);
        site(&DirStorage::new(registry.path()), false).unwrap();
        let options = ServeOptions::new(registry.path(), ([127, 0, 0, 1], 0).into());
        let server = Server::bind(options).unwrap().start();
        Self { registry, server }
    }

    fn page(&self, name: &str) -> String {
        let digest = Digest::of(name.as_bytes()).to_hex();
        format!("{}site/p/{}/{digest}.html", self.server.url(), &digest[..2])
    }
}

/// The page after its script has run; nothing where there is no Chromium.
fn shown(url: &str) -> Option<String> {
    let profile = tempfile::tempdir().unwrap();
    let output = peer("chromium")?
        .args([
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--virtual-time-budget=20000",
            "--dump-dom",
        ])
        .arg(format!("--user-data-dir={}", profile.path().display()))
        .arg(url)
        .output();
    Some(String::from_utf8(output.unwrap().stdout).unwrap())
}

#[test]
fn a_page_verifies_its_package_and_offers_to_call_it() {
    let world = World::new();
    let Some(html) = shown(&format!("{}#check", world.page("adder"))) else {
        return;
    };
    assert!(html.contains("The log key signed a log of"), "{html}");
    assert!(html.contains("are those that were released"), "{html}");
    assert!(
        html.contains("Call it in this page") && html.contains(">add</button>"),
        "{html}"
    );
    assert!(!html.contains("Not verified"), "{html}");
}

#[test]
fn nothing_of_a_module_runs_before_it_is_called() {
    let world = World::new();
    let Some(html) = shown(&format!("{}#check", world.page("spin"))) else {
        return;
    };
    assert!(html.contains(">f</button>"), "{html}");
}

#[test]
fn a_page_says_so_when_the_file_or_the_log_is_another() {
    let world = World::new();
    let bytes = file(
        "adder",
        "adds numbers",
        "# Adder\n\nAdds *two* numbers.\n\n```sh\ncargo zero run adder\n```\n",
    );
    let blob = world.registry.blob(&bytes);
    flip(&blob, bytes.len() - 1);
    let Some(html) = shown(&format!("{}#check", world.page("adder"))) else {
        return;
    };
    assert!(
        html.contains("Not verified: the file is not the one"),
        "{html}"
    );
    flip(&blob, bytes.len() - 1);
    flip(&world.registry.path().join("checkpoint"), 30);
    let html = shown(&format!("{}#check", world.page("adder"))).unwrap();
    assert!(html.contains("Not verified"), "{html}");
}

#[test]
fn the_search_finds_by_the_beginning_of_words() {
    let world = World::new();
    let url = world.server.url();
    let Some(html) = shown(&format!("{url}?q=num")) else {
        return;
    };
    assert!(html.contains("1 package<"), "{html}");
    assert!(html.contains("<strong>adder</strong>"), "{html}");
    let none = shown(&format!("{url}?q=absent")).unwrap();
    assert!(none.contains("0 packages"), "{none}");
}

#[test]
fn texts_of_a_hostile_publisher_run_nothing() {
    let world = World::new();
    for url in [
        world.page("hostile"),
        format!("{}#check", world.page("hostile")),
        world.server.url(),
        format!("{}?q=script", world.server.url()),
        format!(
            "{}?q=%3Cimg%20src%3Dx%20onerror%3Dalert(1)%3E",
            world.server.url()
        ),
    ] {
        let Some(html) = shown(&url) else { return };
        let title = html
            .split("<title>")
            .nth(1)
            .and_then(|rest| rest.split('<').next());
        assert!(
            title.is_some_and(|title| !title.contains("pwned")),
            "{url}: {title:?}"
        );
        assert!(!html.contains("<img"), "{url}");
        assert_eq!(html.matches("<script").count(), 1, "{url}");
    }
}
