//! A new root by people on different machines, as they type it.
#![cfg(feature = "server")]

use std::{
    fs,
    process::{Command, Output, Stdio},
};

use tempfile::TempDir;

struct World {
    dir: TempDir,
}

struct Ran {
    code: Option<i32>,
    stdout: String,
    stderr: String,
}

impl World {
    /// A registry with one root key of `root.key`, and the keys `a`, `b` and `log2` beside it.
    fn made() -> Self {
        let world = Self {
            dir: tempfile::tempdir().expect("a directory"),
        };
        world
            .run("init packages --origin registry.example/a --no-password")
            .ends(0);
        for key in ["a", "b", "log2"] {
            world.run(&format!("key {key}.key --no-password")).ends(0);
        }
        world
    }

    fn run(&self, args: &str) -> Ran {
        let Output {
            status,
            stdout,
            stderr,
        } = Command::new(env!("CARGO_BIN_EXE_zero-registry"))
            .args(args.split_whitespace())
            .current_dir(self.dir.path())
            .stdin(Stdio::null())
            .env_remove("ZERO_KEY_PASSWORD")
            .output()
            .expect("it starts");
        Ran {
            code: status.code(),
            stdout: String::from_utf8(stdout).expect("text"),
            stderr: String::from_utf8(stderr).expect("text"),
        }
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.dir.path().join(name)
    }

    fn sign(&self, file: &str, key: &str) -> Ran {
        self.run(&format!("root sign {file} --key {key} --yes"))
    }

    /// Moves the registry to two of three root keys.
    fn rotate_to_two_of_three(&self) {
        let add = "--add-root-key a.pub --add-root-key b.pub --threshold 2";
        self.run(&format!("root propose packages -o next.json {add}"))
            .ends(0);
        for key in ["root.key", "a.key", "b.key"] {
            self.sign("next.json", key).ends(0);
        }
        self.run("root finish next.json packages").ends(0);
    }
}

impl Ran {
    #[track_caller]
    fn ends(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{}{}", self.stdout, self.stderr);
        self
    }

    #[track_caller]
    fn says(self, words: &[&str]) -> Self {
        for word in words {
            assert!(
                self.stdout.contains(word) || self.stderr.contains(word),
                "{word}: {}{}",
                self.stdout,
                self.stderr
            );
        }
        self
    }

    fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout).expect("one object")
    }
}

#[test]
fn three_people_put_a_root_in_force() {
    let world = World::made();
    let add = "--add-root-key a.pub --add-root-key b.pub --threshold 2";
    world
        .run(&format!("root propose packages -o next.json {add}"))
        .ends(0)
        .says(&[
            "root key added: RW",
            "1 of 1 -> 2 of 3",
            "root sign next.json",
        ]);
    let shown = world.run("root show next.json --json").ends(0).json();
    assert_eq!(shown["complete"], false);
    assert_eq!(shown["new"]["missing"].as_array().unwrap().len(), 3);

    // One of the two new keys that are needed, and nobody of the old ones.
    world
        .sign("next.json", "a.key")
        .ends(0)
        .says(&["mail next.json"]);
    world
        .run("root finish next.json packages")
        .ends(1)
        .says(&["0 of 1 signatures by the old keys", "root sign"]);
    // The old key is one of the new ones too.
    world
        .sign("next.json", "root.key")
        .ends(0)
        .says(&["root finish"]);
    world
        .run("root finish next.json packages")
        .ends(0)
        .says(&["root 2 is in force"]);
    world.run("verify packages").ends(0);
    // Finishing once more changes nothing; a proposal for an older root is refused.
    world.run("root finish next.json packages").ends(0);
    world
        .run("root propose packages -o third.json --head-days 3")
        .ends(0);
    world.sign("third.json", "a.key").ends(0);
    world
        .run("root finish third.json packages")
        .ends(1)
        .says(&["1 of 2 signatures"]);
    world.sign("third.json", "b.key").ends(0);
    world
        .run("root finish third.json packages")
        .ends(0)
        .says(&["root 3"]);
    world.run("verify packages").ends(0);
}

#[test]
fn nobody_signs_by_accident_or_what_was_tampered_with() {
    let world = World::made();
    world
        .run("root propose packages -o next.json --threshold 2")
        .ends(2)
        .says(&["do not go together"]);
    world
        .run("root propose packages -o next.json --remove-root-key a.pub")
        .ends(2);
    world
        .run("root propose packages -o next.json --add-root-key a.pub")
        .ends(0);
    world
        .run("root propose packages -o next.json")
        .ends(1)
        .says(&["next.json"]);
    world
        .run("root sign next.json --key root.key")
        .ends(1)
        .says(&["nobody agreed", "--yes"]);
    world
        .sign("next.json", "log.key")
        .ends(1)
        .says(&["neither the old nor the new root"]);
    world.sign("next.json", "a.pub").ends(1);
    let text = fs::read_to_string(world.path("next.json")).unwrap();
    for (name, from, to) in [
        ("version", "\\\"version\\\": 2", "\\\"version\\\": 3"),
        ("origin", "registry.example/a", "registry.example/b"),
        ("type", "zero-root-proposal/1", "zero-root-proposal/2"),
        ("member", "\"previous\"", "\"before\""),
    ] {
        assert!(text.contains(from), "{from} in {text}");
        let file = format!("{name}.json");
        fs::write(world.path(&file), text.replace(from, to)).unwrap();
        world.sign(&file, "root.key").ends(125).says(&["hint:"]);
    }
    world
        .sign("missing.json", "root.key")
        .ends(127)
        .says(&["root propose"]);
}

#[test]
fn a_lost_root_key_is_replaced_by_the_others() {
    let world = World::made();
    world.rotate_to_two_of_three();
    world.run("key c.key --no-password").ends(0);
    let change = "--remove-root-key root.pub --add-root-key c.pub";
    world
        .run(&format!("root propose packages -o third.json {change}"))
        .ends(0);
    for key in ["a.key", "b.key", "c.key"] {
        world.sign("third.json", key).ends(0);
    }
    world.run("root finish third.json packages").ends(0);
    // The key that is out has no say any more.
    world
        .run("root propose packages -o fourth.json --head-days 2")
        .ends(0);
    world.sign("fourth.json", "root.key").ends(1);
    world.run("verify packages").ends(0);
}

#[test]
fn a_new_log_key_goes_on_from_the_anchor() {
    let world = World::made();
    world.run("refresh packages").ends(0);
    world
        .run("root propose packages -o next.json --log-key log2.pub")
        .ends(0)
        .says(&["log key: RW", "vouch for: none -> 2 leaves"]);
    world.sign("next.json", "root.key").ends(0);
    // Somebody published meanwhile: the new key would not know of it.
    world.run("refresh packages").ends(0);
    world
        .run("root finish next.json packages --log-key log2.key")
        .ends(1)
        .says(&["log has 3 leaves", "--discard"]);
    world
        .run("root finish next.json packages")
        .ends(1)
        .says(&["not the log key of the new root"]);
    world
        .run("root finish next.json packages --log-key log2.key --discard")
        .ends(0);
    world.run("verify packages").ends(0).says(&["3 leaves"]);
    world.run("refresh packages").ends(1).says(&["log key"]);
    world.run("refresh packages --log-key log2.key").ends(0);
    world.run("verify packages").ends(0).says(&["4 leaves"]);
    assert!(world.path("packages/journal/2/2.json").exists());
}

#[test]
fn an_anchor_is_a_commit_of_the_log() {
    let world = World::made();
    world.run("refresh packages").ends(0);
    world
        .run("root propose packages -o far.json --anchor 9")
        .ends(125)
        .says(&["leaf 9"]);
    world
        .run("root propose packages -o next.json --anchor 1")
        .ends(0)
        .says(&["1 leaves"]);
    world.sign("next.json", "root.key").ends(0);
    world.run("root finish next.json packages").ends(0);
    world.run("verify packages").ends(0);
}
