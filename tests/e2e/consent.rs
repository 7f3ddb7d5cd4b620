//! Consent as a person meets it: a real screen at a real terminal, typed answers, and what is kept of them.

use crate::harness::{Run, World};
use crate::packages::{OPENS_A_FILE, READS_THE_CLOCK};

const CLOCK: &str =
    "[capabilities]\nclock = [{ clock = \"wall\", reason = \"stamps its output\" }]\n";
const FOLDER: &str =
    "[capabilities]\nfs = [{ guest = \"/data\", access = \"read\", reason = \"reads x\" }]\n";
const BOTH: &str =
    "[capabilities]\nfs = [{ guest = \"/data\", access = \"read\" }]\nclock = [\"wall\"]\n";

fn keyed() -> World {
    let world = World::new();
    world.make_key("home");
    world
}

/// The command that an error advises.
fn hint(run: &Run) -> String {
    let (_, hint) = run.stderr.split_once("hint: ").expect("there is a hint");
    hint.trim().to_owned()
}

#[test]
fn the_screen_tells_all_and_a_bare_return_is_no() {
    let world = keyed();
    let artifact = world.built("clock", "1.0.0", READS_THE_CLOCK, CLOCK);
    let args = ["run".as_ref(), artifact.as_os_str()];
    let Some(run) = world.at_a_terminal("\n", args) else {
        return;
    };
    let run = run.code(126).says("was not allowed to run");
    for part in [
        "clock 1.0.0 from a file\n",
        "signed by your own key default, RW",
        "  1. read the date and time\n     its publisher says: “stamps its output”\n",
        "It cannot touch your files, open network connections, make web requests, see your environment variables, \
         draw random numbers, start other programs.",
        "Allow it? [a]lways, [o]nce, [c]hoose one by one, [N]o: ",
    ] {
        assert!(run.stdout.contains(part), "{part:?} is missing: {run}");
    }
}

#[test]
fn once_is_once_and_always_is_until_it_is_revoked() {
    let world = keyed();
    let artifact = world.built("clock", "1.0.0", READS_THE_CLOCK, CLOCK);
    let args = ["run".as_ref(), artifact.as_os_str()];
    let Some(run) = world.at_a_terminal("o\n", args) else {
        return;
    };
    run.code(0);
    world.zrun([&artifact]).code(126);
    let always = world.at_a_terminal("always\n", args).expect("as before");
    always.code(0);
    world.zrun([&artifact]).code(0).never_says("Allow it?");
    world
        .zero(["grants", "list"])
        .code(0)
        .says("clock 1.0.0")
        .says("read the date and time");
    world.zero(["grants", "revoke", "clock"]).code(0);
    world.zrun([&artifact]).code(126);
}

#[test]
fn allowing_beforehand_tells_when_nothing_is_kept() {
    let world = keyed();
    let artifact = world.built("clock", "1.0.0", READS_THE_CLOCK, CLOCK);
    let args = ["grants".as_ref(), "allow".as_ref(), artifact.as_os_str()];
    let Some(run) = world.at_a_terminal("o\n", args) else {
        return;
    };
    run.code(126).says("nothing is kept for clock");
    let always = world.at_a_terminal("a\n", args).expect("as before");
    always.code(0);
    world.zrun([&artifact]).code(0);
}

#[test]
fn each_capability_is_answered_by_itself_with_its_folder_and_kept() {
    let world = keyed();
    let artifact = world.built("both", "1.0.0", OPENS_A_FILE, BOTH);
    world.write("elsewhere/x", "content");
    let args = ["run".as_ref(), artifact.as_os_str()];
    // Choose; yes to the folder; one that is not there, then one that is; no to the clock; remember.
    let typed = "c\ny\nnowhere\nelsewhere\nn\ny\n";
    let Some(run) = world.at_a_terminal(typed, args) else {
        return;
    };
    run.code(0)
        .says("May it read files under /data? [y/N]")
        .says("Which folder of yours may it read as /data?")
        .says("nowhere: No such file or directory")
        .says("May it read the date and time? [y/N]");
    world.zrun([&artifact]).code(0);
    let folder = world.path("elsewhere").canonicalize().expect("it is there");
    world
        .zero(["grants", "show", "both"])
        .code(0)
        .says("  may read files under /data\n")
        .says("  may not read the date and time\n")
        .says(&format!("  /data is {}\n", folder.display()));
    std::fs::remove_dir_all(folder).expect("it is ours");
    world
        .zrun([&artifact])
        .code(127)
        .says("cargo zero grants revoke");
}

#[test]
fn no_to_everything_is_not_kept_and_end_of_input_is_no() {
    let world = keyed();
    let artifact = world.built("clock", "1.0.0", READS_THE_CLOCK, CLOCK);
    let args = ["run".as_ref(), artifact.as_os_str()];
    for keys in ["c\nn\n", "", "perhaps\n"] {
        let Some(run) = world.at_a_terminal(keys, args) else {
            return;
        };
        run.code(126);
        assert!(!world.path("home/grants").exists(), "{keys:?}");
    }
}

#[test]
fn a_wider_declaration_is_asked_about_anew_with_the_difference() {
    let world = keyed();
    let first = world.built("clock", "1.0.0", READS_THE_CLOCK, CLOCK);
    let Some(run) = world.at_a_terminal("a\n", ["run".as_ref(), first.as_os_str()]) else {
        return;
    };
    run.code(0);
    let wider = world.built("clock", "2.0.0", READS_THE_CLOCK, BOTH);
    let run = world
        .at_a_terminal("\n", ["run".as_ref(), wider.as_os_str()])
        .expect("as before");
    run.code(126)
        .says("Since you were asked about 1.0.0, this is new:\n  + read files under /data\n");
}

#[test]
fn the_hint_works_when_it_is_pasted() {
    let world = keyed();
    let artifact = world.built("peek", "1.0.0", OPENS_A_FILE, BOTH);
    let pasted = |command: &str| {
        let ours = world.command_as("home", "cargo-zero");
        let mut shell = std::process::Command::new("sh");
        shell
            .current_dir(world.path(""))
            .args(["-c", command])
            .stdin(std::process::Stdio::null());
        for (name, value) in ours.get_envs() {
            match value {
                Some(value) => shell.env(name, value),
                None => shell.env_remove(name),
            };
        }
        Run::of(&mut shell)
    };
    // Without such a folder the program sees a new one, in which there is no file (44).
    let denied = world.zrun([&artifact]).code(126);
    let command = hint(&denied);
    assert!(
        command.starts_with("mkdir data && cargo zero run "),
        "{command}"
    );
    pasted(&command).code(44);
    world.write("data/x", "content");
    let denied = world.zrun([&artifact]).code(126);
    let command = hint(&denied);
    assert!(
        command.starts_with("cargo zero run --allow-declared --allow-fs data:ro=/data "),
        "{command}"
    );
    pasted(&command).code(0);
}

#[test]
fn a_policy_file_answers_for_machines() {
    let world = keyed();
    let artifact = world.built("peek", "1.0.0", OPENS_A_FILE, FOLDER);
    world.write("ci/in/x", "content");
    let policy = world.write("ci/policy.toml", "[allow]\nfs = [\"in:ro=/data\"]\n");
    let run = |policy: &std::path::Path| {
        world.zrun([
            "--policy".as_ref(),
            policy.as_os_str(),
            artifact.as_os_str(),
        ])
    };
    run(&policy).code(0);
    let refusing = world.write(
        "refusing.toml",
        "[allow]\nfs = [\"ci/in:ro=/data\"]\n[deny]\nfs = true\n",
    );
    run(&refusing).code(2).says("refused with --deny-fs");
    let limited = world.write(
        "limited.toml",
        "[allow]\ndeclared = true\n[limits]\nmemory = 1\n",
    );
    let clock = world.built("clock", "1.0.0", READS_THE_CLOCK, CLOCK);
    world
        .zrun(["--policy".as_ref(), limited.as_os_str(), clock.as_os_str()])
        .code(124)
        .says("the memory limit of 1 bytes was reached");
    let misspelt = world.write("misspelt.toml", "[deny]\nnett = true\n");
    run(&misspelt)
        .code(2)
        .says("misspelt.toml:2:1: unknown key `nett`");
    world
        .zero([
            "run".as_ref(),
            "--policy".as_ref(),
            misspelt.as_os_str(),
            artifact.as_os_str(),
        ])
        .code(2)
        .says("misspelt.toml:2:1: unknown key `nett`");
    run(&world.path("absent.toml")).code(127);
    run(&world.path("ci")).code(1);
}

#[test]
fn flags_that_contradict_each_other_are_a_mistake() {
    let world = keyed();
    let artifact = world.built("clock", "1.0.0", READS_THE_CLOCK, CLOCK);
    for program in ["zrun", "cargo-zero"] {
        let mut command = world.command_as("home", program);
        if program == "cargo-zero" {
            command.arg("run");
        }
        command
            .args(["--allow-clock", "--deny-clock"])
            .arg(&artifact);
        Run::of(&mut command)
            .code(2)
            .says("failed to obey both --allow-clock and --deny-clock");
    }
}

#[test]
fn a_grant_for_a_path_that_is_not_there_is_named() {
    let world = keyed();
    let artifact = world.built("peek", "1.0.0", OPENS_A_FILE, FOLDER);
    world
        .zrun([
            "--allow-fs".as_ref(),
            "no-such-folder:ro=/data".as_ref(),
            artifact.as_os_str(),
        ])
        .code(127)
        .says("no-such-folder")
        .says("hint: ");
    for host in ["exa mple.org", "a:99999", "10.0.0.0/40"] {
        world
            .zrun(["--allow-net".as_ref(), host.as_ref(), artifact.as_os_str()])
            .code(2)
            .says(host);
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_or_a_folder_as_audit_file_lets_nothing_run() {
    let world = keyed();
    let artifact = world.built("hi", "1.0.0", &crate::packages::prints("hi\n"), "");
    for audit in ["/dev/full", "/"] {
        let run = world
            .zrun(["--audit".as_ref(), audit.as_ref(), artifact.as_os_str()])
            .code(1)
            .says("hint: ");
        assert_eq!(run.stdout, "", "{audit}");
    }
    let file = world.path("audit.jsonl");
    let args = ["--audit".as_ref(), file.as_os_str(), artifact.as_os_str()];
    world.zrun(args).code(0).says("hi");
    world
        .zero(["run".as_ref()].into_iter().chain(args))
        .code(0)
        .says("hi");
    let text = std::fs::read_to_string(&file).expect("it was written");
    assert_eq!(text.lines().count(), 4, "{text}");
}
