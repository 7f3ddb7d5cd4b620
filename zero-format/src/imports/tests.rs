//! Facts about imports. The function lists are those that rustc 1.96 produced for small programs.

use std::fmt::Write as _;

use proptest::prelude::*;

use super::*;
use crate::capability::{ClockRule, EnvRule, RandomRule};

fn wasm(text: &str) -> Vec<u8> {
    wat::parse_str(text).unwrap()
}

/// A core module that imports these functions of preview 1.
fn program(functions: &[&str]) -> Vec<u8> {
    let imports: Vec<_> = functions
        .iter()
        .map(|name| format!(r#"(import "wasi_snapshot_preview1" "{name}" (func))"#))
        .collect();
    let imports = imports.concat();
    wasm(&format!("(module {imports})"))
}

fn kinds(bytes: &[u8]) -> Vec<CapabilityKind> {
    let imports = required_imports(bytes).unwrap();
    assert!(
        imports
            .iter()
            .all(|import| import.class != ImportClass::Unknown),
        "{imports:?}"
    );
    check_imports(&imports, &Capabilities::default())
        .undeclared
        .iter()
        .map(|missing| missing.kind)
        .collect()
}

const HELLO: [&str; 4] = ["environ_get", "environ_sizes_get", "fd_write", "proc_exit"];

#[test]
fn a_module_that_prints_needs_nothing() {
    assert_eq!(kinds(&program(&HELLO)), []);
    assert_eq!(
        kinds(&program(&[
            "args_get",
            "args_sizes_get",
            "fd_read",
            "poll_oneoff",
            "fd_prestat_get"
        ])),
        []
    );
}

#[test]
fn a_module_that_opens_files_needs_fs() {
    assert_eq!(
        kinds(&program(&[
            "fd_prestat_get",
            "fd_prestat_dir_name",
            "path_open"
        ])),
        [CapabilityKind::Fs]
    );
    assert_eq!(kinds(&program(&["fd_readdir"])), [CapabilityKind::Fs]);
}

#[test]
fn clocks_random_and_sockets_are_told_apart() {
    assert_eq!(
        kinds(&program(&["clock_time_get"])),
        [CapabilityKind::Clock]
    );
    assert_eq!(kinds(&program(&["random_get"])), [CapabilityKind::Random]);
    assert_eq!(kinds(&program(&["sock_send"])), [CapabilityKind::Net]);
}

#[test]
fn a_hash_map_needs_random() {
    let mut functions = HELLO.to_vec();
    functions.push("random_get");
    assert_eq!(kinds(&program(&functions)), [CapabilityKind::Random]);
}

#[test]
fn every_preview_1_function_is_classified() {
    let unknown = Import::core("wasi_snapshot_preview1", "path_open_at_will");
    assert_eq!(unknown.class, ImportClass::Unknown);
    assert!(unknown.hint().is_some());
    assert_eq!(
        Import::core("wasi_snapshot_preview1", "path_open").hint(),
        None
    );
}

#[test]
fn foreign_imports_are_unknown_and_come_with_advice() {
    for (module, advice) in [
        ("wasi_unstable", "2019"),
        ("env", "undefined in the program"),
        ("wbg", "JavaScript"),
        ("host", "WASI only"),
        ("wasi:cli/stdout@0.2.0", "component"),
        ("wasi:cli/stdout@0.1.0", "0.2 and 0.3"),
    ] {
        let import = Import::core(module, "get-stdout");
        assert_eq!((import.class, import.kind), (ImportClass::Unknown, None));
        assert!(import.hint().unwrap().contains(advice), "{module}");
    }
}

#[test]
fn imported_memories_are_unknown() {
    let imports = required_imports(&wasm(
        r#"(module (import "wasi_snapshot_preview1" "fd_write" (memory 1)))"#,
    ))
    .unwrap();
    assert_eq!(imports[0].class, ImportClass::Unknown);
}

/// A component that imports these functions, each of type `func()`.
fn component(interfaces: &[(&str, &[&str])], rest: &str) -> Vec<u8> {
    let mut text = String::from("(component ");
    for (interface, functions) in interfaces {
        let functions: Vec<_> = functions
            .iter()
            .map(|name| format!(r#"(export "{name}" (func))"#))
            .collect();
        let functions = functions.concat();
        write!(text, r#"(import "{interface}" (instance {functions}))"#).unwrap();
    }
    wasm(&(text + rest + ")"))
}

#[test]
fn a_component_that_prints_needs_nothing() {
    let hello = component(
        &[
            (
                "wasi:cli/environment@0.2.6",
                &["get-environment", "get-arguments"],
            ),
            ("wasi:cli/exit@0.2.6", &["exit"]),
            ("wasi:cli/stdout@0.2.6", &["get-stdout"]),
            ("wasi:cli/terminal-stdout@0.2.6", &["get-terminal-stdout"]),
            ("wasi:clocks/monotonic-clock@0.2.6", &["subscribe-duration"]),
            ("wasi:clocks/wall-clock@0.2.6", &[]),
            ("wasi:filesystem/preopens@0.2.6", &["get-directories"]),
            ("wasi:filesystem/types@0.2.6", &["filesystem-error-code"]),
            ("wasi:io/poll@0.2.6", &["poll"]),
        ],
        "",
    );
    assert_eq!(kinds(&hello), []);
}

#[test]
fn methods_are_judged_one_by_one() {
    let open = wasm(
        r#"(component (import "wasi:filesystem/types@0.2.6" (instance
            (export "descriptor" (type $descriptor (sub resource)))
            (export "[method]descriptor.get-flags" (func (param "self" (borrow $descriptor))))
            (export "[method]descriptor.open-at" (func (param "self" (borrow $descriptor)))))))"#,
    );
    let imports = required_imports(&open).unwrap();
    let classes: Vec<_> = imports
        .iter()
        .map(|import| (import.name.as_str(), import.class))
        .collect();
    assert_eq!(
        classes,
        [
            ("[method]descriptor.get-flags", ImportClass::Neutral),
            (
                "[method]descriptor.open-at",
                ImportClass::Needs(CapabilityKind::Fs)
            ),
        ]
    );
}

#[test]
fn interfaces_of_components_are_told_apart() {
    for (interface, function, kind) in [
        (
            "wasi:clocks/monotonic-clock@0.2.0",
            "now",
            CapabilityKind::Clock,
        ),
        (
            "wasi:clocks/system-clock@0.3.0",
            "now",
            CapabilityKind::Clock,
        ),
        (
            "wasi:clocks/wall-clock@0.2.12",
            "now",
            CapabilityKind::Clock,
        ),
        (
            "wasi:filesystem/types@0.3.0",
            "[method]descriptor.read-directory",
            CapabilityKind::Fs,
        ),
        ("wasi:http/client@0.3.0", "send", CapabilityKind::Http),
        (
            "wasi:http/outgoing-handler@0.2.4",
            "handle",
            CapabilityKind::Http,
        ),
        (
            "wasi:random/insecure-seed@0.2.6",
            "insecure-seed",
            CapabilityKind::Random,
        ),
        (
            "wasi:random/random@0.2.6",
            "get-random-bytes",
            CapabilityKind::Random,
        ),
        (
            "wasi:sockets/ip-name-lookup@0.2.6",
            "resolve-addresses",
            CapabilityKind::Net,
        ),
        (
            "wasi:sockets/tcp-create-socket@0.2.6",
            "create-tcp-socket",
            CapabilityKind::Net,
        ),
        (
            "wasi:sockets/types@0.3.0",
            "[static]udp-socket.create",
            CapabilityKind::Net,
        ),
    ] {
        assert_eq!(
            Import::component(interface, function).kind,
            Some(kind),
            "{interface}"
        );
    }
    for (interface, function) in [
        ("acme:host/api@1.0.0", "call"),
        ("acme:host/api@0.2.0", "[method]thing.open"),
        ("wasi:cli/exit", "exit"),
        ("wasi:cli/exit@0.2.0-rc-2023-12-05", "exit"),
        ("wasi:cli/exit@0.2.", "exit"),
        ("wasi:cli/exit@1.0.0", "exit"),
        ("wasi:cli/exit@0.2.6", "exit-loudly"),
        ("wasi:keyvalue/store@0.2.0", "open"),
    ] {
        assert_eq!(
            Import::component(interface, function).class,
            ImportClass::Unknown,
            "{interface}"
        );
    }
}

#[test]
fn bare_functions_and_nested_imports_of_components() {
    // A bare function is the author's own world; what a nested component imports is satisfied inside.
    let bytes = wasm(
        r#"(component
            (import "shout" (func))
            (component (import "import-func-run" (func)))
            (core module (import "env" "f" (func))))"#,
    );
    let imports = required_imports(&bytes).unwrap();
    assert_eq!(
        imports.iter().map(ToString::to_string).collect::<Vec<_>>(),
        ["shout"]
    );
    assert_eq!(imports[0].class, ImportClass::Unknown);
}

/// A component as the preview 1 adapter leaves it: the program, the adapter, and the interface behind both.
fn adapted(program: &str, more: &str) -> Vec<u8> {
    component(
        &[("wasi:clocks/wall-clock@0.2.12", &["now"])],
        &format!(
            r#"(core module (import "wasi_snapshot_preview1" "{program}" (func)) {more})
               (core module
                 (import "wasi:clocks/wall-clock@0.2.12" "now" (func))
                 (func (export "{program}")))"#
        ),
    )
}

#[test]
fn what_only_the_adapter_imports_is_not_the_programs() {
    assert_eq!(kinds(&adapted("poll_oneoff", "")), []);
    assert_eq!(
        kinds(&adapted("clock_time_get", "")),
        [CapabilityKind::Clock]
    );
    let direct = r#"(import "wasi:clocks/wall-clock@0.2.0" "now" (func))"#;
    assert_eq!(
        kinds(&adapted("poll_oneoff", direct)),
        [CapabilityKind::Clock]
    );
}

#[test]
fn the_report_names_the_import_and_the_line() {
    let report = check_imports(
        &required_imports(&program(&["path_open", "path_link"])).unwrap(),
        &Capabilities::default(),
    );
    let [missing] = report.undeclared.as_slice() else {
        panic!("{report:?}")
    };
    assert_eq!(
        missing.to_string(),
        "the program imports `wasi_snapshot_preview1#path_link` and 1 more, which the capability `fs` covers, and \
         Zero.toml does not declare it"
    );
    assert_eq!(
        missing.line,
        r#"fs = [{ from = "args", access = "read", reason = "reads the files you name" }]"#
    );
    assert!(!report.is_ok());
}

#[test]
fn a_declaration_that_no_import_can_use_is_reported() {
    let declared = Capabilities {
        env: vec![EnvRule {
            name: "LANG".parse().unwrap(),
            reason: None,
        }],
        clock: vec![ClockRule {
            clock: crate::capability::Clock::Wall,
            reason: None,
        }],
        random: Some(RandomRule::default()),
        ..Capabilities::default()
    };
    let imports = required_imports(&program(&["environ_get", "random_get"])).unwrap();
    let report = check_imports(&imports, &declared);
    assert_eq!(report.unused, [CapabilityKind::Clock]);
    assert!(report.is_ok());
    assert_eq!(check_imports(&[], &declared).unused.len(), 3);
}

#[test]
fn damaged_programs_are_errors() {
    assert!(required_imports(b"").is_err());
    assert!(required_imports(b"\0asm\x01\0\0\0\x02").is_err());
    let whole = component(&[("wasi:cli/exit@0.2.6", &["exit"])], "(core module)");
    // The preamble ends at byte 8 and the first section at byte 27: whole sections are a smaller component.
    for end in (0..27).filter(|end| *end != 8) {
        assert!(required_imports(&whole[..end]).is_err(), "{end}");
    }
}

#[test]
fn names_are_escaped_when_shown() {
    assert_eq!(
        Import::core("a\u{1b}[2J", "b\n").to_string(),
        "a\\u{1b}[2J#b\\n"
    );
}

proptest! {
    #[test]
    fn no_bytes_make_the_reader_panic(tail: Vec<u8>, component: bool) {
        let layer = if component { [0x0d, 0, 1, 0] } else { [1, 0, 0, 0] };
        let _ = required_imports(&[b"\0asm".as_slice(), &layer, &tail].concat());
    }

    #[test]
    fn no_flipped_byte_makes_the_reader_panic(index in 0_usize..400, value: u8) {
        let mut bytes = adapted("poll_oneoff", "");
        let index = index % bytes.len();
        bytes[index] = value;
        let _ = required_imports(&bytes);
    }
}
