use super::*;

fn declared() -> Capabilities {
    Capabilities {
        fs: vec![
            FsRule {
                scope: FsScope::Guest("/data".parse().unwrap()),
                access: Access::Read,
                reason: None,
            },
            FsRule {
                scope: FsScope::Args,
                access: Access::Read,
                reason: None,
            },
        ],
        net: vec![NetRule {
            host: "api.example.org".parse().unwrap(),
            ports: vec![443],
            reason: None,
        }],
        env: vec![EnvRule {
            name: "LANG".parse().unwrap(),
            reason: None,
        }],
        clock: vec![ClockRule {
            clock: Clock::Wall,
            reason: None,
        }],
        random: Some(RandomRule::default()),
        ..Capabilities::default()
    }
}

fn environment(name: &str) -> Option<String> {
    (name != "UNSET").then(|| format!("value of {name}"))
}

fn decided(asked: &Asked) -> Decision {
    decide(&declared(), asked, &environment)
}

fn allowing(rule: Rule) -> Asked {
    Asked {
        allow: vec![rule],
        ..Asked::default()
    }
}

fn fs_rule(host: &str, guest: Option<&str>, access: Access) -> Rule {
    Rule::Fs {
        host: host.into(),
        guest: guest.map(|guest| guest.parse().unwrap()),
        access,
    }
}

#[test]
fn nothing_asked_grants_only_designated_files() {
    let decision = decided(&Asked::default());
    assert_eq!(
        decision.grants,
        Grants {
            args: Some(Access::Read),
            ..Grants::default()
        }
    );
    let mut outstanding = declared();
    outstanding.fs.pop();
    assert_eq!(decision.outstanding, outstanding);
}

#[test]
fn nothing_declared_grants_nothing_whatever_is_asked() {
    let asked = Asked {
        declared: true,
        answers: Answers::default(),
        allow: vec![
            fs_rule("/etc", None, Access::ReadWrite),
            Rule::Net {
                host: "example.org".parse().unwrap(),
                port: None,
            },
            Rule::Env {
                name: "HOME".to_owned(),
                value: Some("/x".to_owned()),
            },
            Rule::Clock,
            Rule::Random,
        ],
        deny: Vec::new(),
    };
    let decision = decide(&Capabilities::default(), &asked, &environment);
    assert_eq!(decision.grants, Grants::default());
    assert_eq!(decision.beyond.len(), 5, "{:?}", decision.beyond);
}

#[test]
fn all_declared_leaves_only_directories_outstanding() {
    let decision = decided(&Asked {
        declared: true,
        ..Asked::default()
    });
    let grants = &decision.grants;
    assert!(grants.wall_clock && !grants.monotonic_clock && grants.random && grants.args.is_some());
    assert_eq!(
        grants.env,
        [("LANG".to_owned(), "value of LANG".to_owned())]
    );
    assert!(grants.net.allows_name("api.example.org"));
    assert!(grants.fs.is_empty());
    assert_eq!(decision.outstanding.fs.len(), 1);
    assert_eq!(
        Asked::flags_for(&decision.outstanding, &|_| "my data".to_owned()),
        ["--allow-fs", "my data:ro=/data"]
    );
}

#[test]
fn access_is_the_lesser_of_declared_and_granted() {
    let decision = decided(&allowing(fs_rule(
        "/home/me/tables",
        Some("/data"),
        Access::ReadWrite,
    )));
    assert_eq!(decision.grants.fs[0].access, Access::Read);
    assert!(decision.outstanding.fs.is_empty());
}

#[test]
fn a_path_without_guest_goes_to_the_single_declared_directory() {
    for host in ["tables", "/data", "./data/"] {
        let decision = decided(&allowing(fs_rule(host, None, Access::Read)));
        assert_eq!(decision.grants.fs[0].guest.as_str(), "/data", "{host}");
    }
    let decision = decided(&allowing(fs_rule(
        "tables",
        Some("/elsewhere"),
        Access::Read,
    )));
    assert!(decision.grants.fs.is_empty());
    assert_eq!(
        decision.beyond,
        ["the directory /elsewhere, only /data: add =GUEST to the flag"]
    );
}

#[test]
fn denial_wins_over_every_grant() {
    let asked = Asked {
        declared: true,
        answers: Answers::default(),
        allow: vec![fs_rule("/home/me/d", Some("/data"), Access::Read)],
        deny: vec![
            Refusal::Fs,
            Refusal::Net,
            Refusal::EnvNamed("LANG".to_owned()),
            Refusal::Clock,
            Refusal::Random,
        ],
    };
    let decision = decided(&asked);
    assert_eq!(
        decision.grants,
        Grants {
            refused: asked.deny,
            ..Grants::default()
        }
    );
    assert!(decision.outstanding.env.is_empty() && decision.outstanding.clock.is_empty());
}

#[test]
fn a_value_on_the_command_line_replaces_the_users_own() {
    let rule = Rule::Env {
        name: "LANG".to_owned(),
        value: Some("C".to_owned()),
    };
    assert_eq!(
        decided(&allowing(rule)).grants.env,
        [("LANG".to_owned(), "C".to_owned())]
    );
}

#[test]
fn a_port_narrows_the_declared_host() {
    let rule = Rule::Net {
        host: "api.example.org".parse().unwrap(),
        port: Some(80),
    };
    let decision = decided(&allowing(rule));
    assert!(decision.grants.net.is_empty());
    assert_eq!(decision.beyond, ["the network host api.example.org:80"]);
}

#[test]
fn what_a_screen_was_answered_is_granted_or_denied_scope_by_scope() {
    let mut allowed = Capabilities::from(declared().env.remove(0));
    allowed.extend(declared().net.remove(0).into());
    let refused = Capabilities::from(declared().clock.remove(0));
    let decision = decided(&Asked {
        answers: Answers { allowed, refused },
        ..Asked::default()
    });
    assert!(decision.grants.net.allows_name("api.example.org"));
    assert_eq!(decision.grants.env.len(), 1);
    assert!(!decision.grants.wall_clock);
    let outstanding = &decision.outstanding;
    assert!(outstanding.clock.is_empty() && outstanding.net.is_empty());
    assert!(outstanding.random.is_some() && outstanding.fs.len() == 1);
    let refusing = decided(&Asked {
        answers: Answers {
            allowed: declared(),
            ..Answers::default()
        },
        deny: vec![Refusal::Env],
        ..Asked::default()
    });
    assert!(
        refusing.grants.env.is_empty(),
        "a refusal wins over consent"
    );
}
