use std::time::Duration;

use zero_format::{Access, FsRule, FsScope};

use super::*;

fn learned(used: &[Use], denied: &[(Use, Reason)]) -> Learned {
    let mut learned = Learned::default();
    let mut hear = |what| {
        learned
            .hear(&Event {
                at: Duration::ZERO,
                what,
            })
            .unwrap();
    };
    for one in used {
        hear(What::Used(one));
    }
    for (one, reason) in denied {
        hear(What::Denied(one, *reason));
    }
    learned
}

fn file(path: &str, access: Access) -> Use {
    Use::Fs {
        path: path.to_owned(),
        access,
    }
}

fn connect(address: &str, name: &str) -> Use {
    Use::Connect {
        address: address.parse().unwrap(),
        names: (!name.is_empty())
            .then(|| name.to_owned())
            .into_iter()
            .collect(),
    }
}

fn folder(path: &str, access: Access, reason: Option<&str>) -> FsRule {
    FsRule {
        scope: FsScope::Guest(path.parse().unwrap()),
        access,
        reason: reason.map(ToOwned::to_owned),
    }
}

#[test]
fn nothing_used_needs_nothing() {
    let declared = Capabilities::from(RandomRule::default());
    assert_eq!(learned(&[], &[]).proposal(&declared), Proposal::default());
}

#[test]
fn a_declared_folder_keeps_its_reason_and_loses_the_access_that_was_not_used() {
    let declared = Capabilities::from(folder("/data", Access::ReadWrite, Some("tables")));
    let proposal = learned(&[file("/data/in/x", Access::Read)], &[]).proposal(&declared);
    assert_eq!(
        proposal.needed,
        folder("/data", Access::Read, Some("tables")).into()
    );
}

#[test]
fn files_outside_declared_folders_were_named_on_the_command_line() {
    let declared = Capabilities::from(FsRule {
        scope: FsScope::Args,
        access: Access::Read,
        reason: None,
    });
    let used = [file("/data.csv", Access::Read)];
    let written = [(file("/data.csv", Access::ReadWrite), Reason::Undeclared)];
    let rule = |access| FsRule {
        scope: FsScope::Args,
        access,
        reason: None,
    };
    assert_eq!(
        learned(&used, &[]).proposal(&declared).needed,
        rule(Access::Read).into()
    );
    assert_eq!(
        learned(&used, &written).proposal(&declared).needed,
        rule(Access::ReadWrite).into()
    );
}

#[test]
fn denied_paths_become_the_narrowest_rules() {
    let denied = |all: &[(&str, Access)]| {
        let all: Vec<_> = all
            .iter()
            .map(|(path, access)| (file(path, *access), Reason::Undeclared))
            .collect();
        learned(&[], &all).proposal(&Capabilities::default())
    };
    let one = denied(&[("/etc/passwd", Access::Read)]);
    assert_eq!(one.needed, folder("/etc/passwd", Access::Read, None).into());
    assert_eq!(one.needed, one.denied);
    let many = denied(&[
        ("/d/a", Access::Read),
        ("/d/b", Access::Read),
        ("/d/c", Access::Read),
    ]);
    assert_eq!(many.needed, folder("/d", Access::Read, None).into());
    let written = denied(&[("/out/x", Access::ReadWrite), ("/out/y", Access::Read)]);
    assert_eq!(
        written.needed,
        folder("/out", Access::ReadWrite, None).into()
    );
    let root = denied(&[("/x", Access::ReadWrite)]);
    assert!(root.needed.is_empty() && root.notes.len() == 1, "{root:?}");
}

#[test]
fn a_host_is_named_as_declared_else_by_its_name_else_by_its_address() {
    let used = [
        connect("93.184.216.34:443", "api.example.org"),
        connect("93.184.216.34:80", "api.example.org"),
        connect("10.0.0.7:5432", ""),
        connect("[2001:db8::1]:1", ""),
    ];
    let declared = Capabilities::from(NetRule {
        host: "10.0.0.0/8".parse().unwrap(),
        ports: Vec::new(),
        reason: Some("the database".to_owned()),
    });
    let needed = learned(&used, &[]).proposal(&declared).needed;
    let words: Vec<String> = needed.describe();
    assert_eq!(
        words,
        [
            "connect to any address in 10.0.0.0/8 on port 5432",
            "connect to 2001:db8::1 on port 1",
            "connect to api.example.org on ports 80 and 443",
        ]
    );
    assert_eq!(needed.net[0].reason.as_deref(), Some("the database"));
}

#[test]
fn a_denied_look_up_says_how_to_learn_the_port() {
    let denied = [(
        Use::Lookup {
            name: "api.example.org".to_owned(),
        },
        Reason::Undeclared,
    )];
    let proposal = learned(&[], &denied).proposal(&Capabilities::default());
    assert!(proposal.needed.is_empty());
    assert!(proposal.notes[0].contains("--allow-net api.example.org"));
}

#[test]
fn what_the_user_refused_or_no_rule_could_allow_is_not_needed() {
    let denied = [
        (Use::Random, Reason::Refused),
        (file("/x", Access::Read), Reason::Outside),
        (Use::Listen, Reason::Unsupported),
    ];
    let proposal = learned(&[], &denied).proposal(&Capabilities::default());
    assert_eq!(proposal, Proposal::default());
}

#[test]
fn clocks_variables_and_random_numbers_are_learned_one_by_one() {
    let used = [
        Use::Clock(Clock::Wall),
        Use::Env {
            names: vec!["LANG".to_owned()],
        },
        Use::Random,
    ];
    let words = learned(&used, &[])
        .proposal(&Capabilities::default())
        .needed
        .describe();
    assert_eq!(
        words,
        [
            "read the environment variable LANG",
            "read the date and time",
            "use random numbers"
        ]
    );
}
