//! The drills of the specification, typed as they are written (spec/drills).

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::harness::World;

/// A line to type: in whose home, what, and with which exit code.
struct Step {
    home: String,
    command: String,
    code: i32,
}

fn steps(page: &str) -> Vec<Step> {
    let mut steps = Vec::new();
    let mut home = None;
    for line in page.lines() {
        if let Some(person) = line.strip_prefix("```console ") {
            home = Some(person.trim().to_owned());
        } else if line.starts_with("```") {
            home = None;
        } else if let (Some(home), Some(typed)) = (&home, line.strip_prefix("$ ")) {
            let (command, code) = typed.rsplit_once(" # exit ").unwrap_or((typed, "0"));
            steps.push(Step {
                home: home.clone(),
                command: command.replace("cargo zero ", "cargo-zero "),
                code: code.trim().parse().expect("a drill names an exit code"),
            });
        }
    }
    steps
}

fn drill(name: &str) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../spec/drills");
    let page = fs::read_to_string(folder.join(name)).expect("a drill");
    let world = World::new();
    let steps = steps(&page);
    assert!(steps.len() > 8, "{name} has {} steps", steps.len());
    for Step {
        home,
        command,
        code,
    } in steps
    {
        // The variables of a command of ours, for a shell.
        let ours = world.command_as(&home, "cargo-zero");
        let mut shell = Command::new("sh");
        shell.arg("-c").arg(&command).current_dir(world.path(""));
        for (variable, value) in ours.get_envs() {
            match value {
                Some(value) => shell.env(variable, value),
                None => shell.env_remove(variable),
            };
        }
        let output = shell.output().expect("a shell");
        assert_eq!(
            output.status.code(),
            Some(code),
            "{name}: {home}$ {command}\n{}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
    }
}

#[test]
fn a_publisher_who_has_lost_all_keys_goes_on() {
    drill("lost-key.md");
}

#[test]
fn a_stolen_release_key_is_distrusted() {
    drill("stolen-key.md");
}

#[test]
fn a_stolen_log_key_is_replaced() {
    drill("stolen-log-key.md");
}

#[test]
fn a_lost_root_key_is_replaced() {
    drill("lost-root-key.md");
}
