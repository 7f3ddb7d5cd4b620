//! From a folder of C to a dataset: what becomes a record, what does not, and that nothing depends on the machine.
#![expect(clippy::unwrap_used, reason = "what tests share are plain functions")]

use std::ffi::OsString;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use zero_harvest::recipe::Recipe;
use zero_harvest::source::Source;
use zero_harvest::{HarvestError, Options, Phase, Progress, Summary, Toolchain};

struct Silent;

impl Progress for Silent {
    fn repository(&self, _: &str, _: usize, _: usize) {}
    fn phase(&self, _: Phase, _: usize) {}
    fn advance(&self) {}
}

/// `None` where clang or wasi-libc are missing; that is an error under xtask.
#[expect(
    clippy::disallowed_methods,
    clippy::print_stderr,
    reason = "a test that leaves something out says so"
)]
fn toolchain() -> Option<Toolchain> {
    let path = std::env::var_os("PATH");
    let found = Toolchain::find(None, None, path.as_deref());
    match found {
        Ok(toolchain) => Some(toolchain),
        Err(error) if std::env::var_os("XTASK_PEERS").is_some() => panic!("{error}"),
        Err(error) => {
            eprintln!("left out: {error}");
            None
        }
    }
}

fn options(sources: &[&Path], out: &Path, toolchain: Toolchain) -> Options {
    let mut options = Options::new(
        sources
            .iter()
            .map(|path| Source::Folder(path.to_path_buf()))
            .collect(),
        out.to_owned(),
        toolchain,
        vec![OsString::from(env!("CARGO_BIN_EXE_zero-harvest-reader"))],
    );
    options.jobs = 2;
    options
}

fn repository(folder: &Path, files: &[(&str, &str)]) -> PathBuf {
    let root = folder.join("lib");
    for (path, text) in files {
        let path = root.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    root
}

fn lines(path: &Path) -> Vec<Value> {
    let text = fs::read_to_string(path).unwrap();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn records(out: &Path) -> Vec<Value> {
    let mut files: Vec<PathBuf> = fs::read_dir(out.join("data"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.retain(|path| path.extension().is_some_and(|end| end == "jsonl"));
    files.sort();
    files.iter().flat_map(|file| lines(file)).collect()
}

fn run(sources: &[&Path], out: &Path, toolchain: Toolchain) -> Summary {
    zero_harvest::harvest(&options(sources, out, toolchain), &Silent).unwrap()
}

const SMALL: [(&str, &str); 5] = [
    (
        "LICENSE",
        "Permission is hereby granted, free of charge, to any person obtaining a copy of this software",
    ),
    (
        "include/lib/bits.h",
        "/** Counts the bits in which two numbers differ.\n * @param[in] a the one\n * @param b the other\n * @return how many\n */\nint hamming(unsigned a, unsigned b);\n/*! \\brief Text of a weekday, or of none. */\nconst char *day(int number);\n",
    ),
    (
        "src/bits.c",
        "#include \"lib/bits.h\"\nstatic const char *names[] = {\"Monday\", \"Tuesday\"};\nint hamming(unsigned a, unsigned b) { return __builtin_popcount(a ^ b); }\nconst char *day(int number) { return number < 0 || number > 1 ? 0 : names[number]; }\n",
    ),
    (
        "src/sum.c",
        "#include <string.h>\n/// Adds two numbers and forgets nothing.\nstatic inline int plus(int a, int b) { return a + b; }\nint three(void) { return plus(1, 2); }\n/** Measures the length of a text and doubles it. */\nunsigned twice(const char *text) { return 2 * strlen(text); }\n/** Calls something that nobody has. */\nint lost(void) { extern int nobody(int); return nobody(3); }\n",
    ),
    (
        "src/broken.c",
        "/** Adds one to a number. */\nint one(int a) { return a + 1; }\nint two( {\n",
    ),
];

#[test]
fn documented_functions_become_records() {
    let Some(toolchain) = toolchain() else { return };
    let folder = tempfile::tempdir().unwrap();
    let root = repository(folder.path(), &SMALL);
    let out = folder.path().join("out");
    let summary = run(&[&root], &out, toolchain);
    let records = records(&out);
    let find = |symbol: &str| {
        records
            .iter()
            .find(|record| record["provenance"]["symbol"] == symbol)
            .unwrap_or_else(|| panic!("no record of {symbol}"))
    };
    let hamming = find("hamming");
    assert_eq!(
        hamming["instruction"],
        "Counts the bits in which two numbers differ."
    );
    assert_eq!(hamming["doc_tags"]["params"][0]["direction"], "in");
    let text = hamming["output"].as_str().unwrap();
    assert!(
        text.contains("(param $a i32) (param $b i32) (result i32)"),
        "{text}"
    );
    assert_eq!(hamming["provenance"]["path"], "src/bits.c");
    // A static function that everyone inlines keeps its parameters.
    assert_eq!(find("plus")["signature_wasm"], "(i32, i32) -> i32");
    // Data and the pointers in it come along, and what the C library offers.
    assert!(find("day")["output"].as_str().unwrap().contains("Tuesday"));
    assert_eq!(find("twice")["imports"], serde_json::json!([]));
    assert_eq!(find("lost")["imports"], serde_json::json!(["env.nobody"]));
    let rejects = lines(&out.join("rejects.jsonl"));
    let one = rejects
        .iter()
        .find(|reject| reject["function"] == "one")
        .unwrap();
    assert_eq!(one["reason"], "does-not-compile");
    assert_eq!(summary.total.documented, 6);
    assert_eq!(
        summary.total.records
            + rejects
                .iter()
                .filter(|reject| !reject["function"].is_null())
                .count(),
        6
    );
}

#[test]
fn neither_the_folder_nor_the_number_of_jobs_changes_a_byte() {
    let mut seen = Vec::new();
    for jobs in [1, 3] {
        let Some(toolchain) = toolchain() else { return };
        let folder = tempfile::tempdir().unwrap();
        let root = repository(&folder.path().join(format!("at{jobs}")), &SMALL);
        let out = folder.path().join("out");
        let mut options = options(&[&root], &out, toolchain);
        options.jobs = jobs;
        zero_harvest::harvest(&options, &Silent).unwrap();
        let read = |name: &str| fs::read(out.join(name)).unwrap();
        let rejects = read("rejects.jsonl");
        seen.push((records(&out), rejects, read("manifest.json")));
    }
    assert_eq!(seen[0], seen[1]);
}

#[test]
fn what_clang_cannot_read_is_accounted_for() {
    let Some(toolchain) = toolchain() else { return };
    let folder = tempfile::tempdir().unwrap();
    let root = repository(folder.path(), &[("LICENSE", "MIT License"), ("deep.c", "")]);
    let nested = format!("int x = {}1{};", "(".repeat(100_000), ")".repeat(100_000));
    fs::write(root.join("deep.c"), nested).unwrap();
    fs::write(
        root.join("garbage.c"),
        (0..=255).cycle().take(4096).collect::<Vec<u8>>(),
    )
    .unwrap();
    fs::write(
        root.join("latin.c"),
        b"/** Z\xe4hlt die Zeichen im Text. */\nint z(int a) { return a; }\n",
    )
    .unwrap();
    let out = folder.path().join("out");
    run(&[&root], &out, toolchain);
    let rejects = lines(&out.join("rejects.jsonl"));
    assert_eq!(rejects.len(), 2, "{rejects:?}");
    let records = records(&out);
    assert_eq!(
        records[0]["instruction"],
        "Z\u{fffd}hlt die Zeichen im Text."
    );
}

#[test]
fn a_source_that_takes_too_long_or_too_much_memory_costs_only_itself() {
    // Each line doubles what the one before it expands to.
    let mut bomb = String::from("#define A0 1+1\n");
    for number in 1..40 {
        let before = number - 1;
        let _ = writeln!(bomb, "#define A{number} A{before}+A{before}");
    }
    bomb += "/** Adds up far too many ones. */\nint bomb(void) { return A39; }\n";
    let good = "/** Adds one to a number. */\nunsigned next(unsigned a) { return a + 1; }\n";
    let license = "Permission is hereby granted, free of charge, to any person obtaining a copy of this software";
    let limits: [fn(&mut zero_harvest::limits::Budget); 2] = [
        |budget| budget.time = std::time::Duration::from_secs(2),
        |budget| budget.memory = 512 << 20,
    ];
    for limit in limits {
        let Some(toolchain) = toolchain() else { return };
        let folder = tempfile::tempdir().unwrap();
        let after = good.replace("next", "after");
        let files = [
            ("LICENSE", license),
            ("a.c", good),
            ("b.c", bomb.as_str()),
            ("c.c", after.as_str()),
        ];
        let root = repository(folder.path(), &files);
        let out = folder.path().join("out");
        let mut options = options(&[&root], &out, toolchain);
        limit(&mut options.budget);
        options.verify = zero_harvest::check::Level::L1;
        options.curation.duplicates = false;
        zero_harvest::harvest(&options, &Silent).unwrap();
        assert_eq!(records(&out).len(), 2);
        let rejects = lines(&out.join("rejects.jsonl"));
        assert_eq!(rejects[0]["path"], "b.c");
        assert_eq!(rejects[0]["reason"], "crashed", "{rejects:?}");
    }
}

#[test]
fn a_header_of_a_gigabyte_costs_only_the_source_that_includes_it() {
    let Some(toolchain) = toolchain() else { return };
    let good = "/** Adds one to a number. */\nunsigned next(unsigned a) { return a + 1; }\n";
    let after = good.replace("next", "after").replace("one", "1");
    let bad = format!("#include \"large.h\"\n{}", good.replace("next", "never"));
    let files = [
        ("LICENSE", "MIT License"),
        ("a.c", good),
        ("b.c", bad.as_str()),
        ("c.c", after.as_str()),
        ("large.h", ""),
    ];
    let folder = tempfile::tempdir().unwrap();
    let root = repository(folder.path(), &files);
    // A hole: it takes no room on the disk, but in whatever reads it.
    let header = fs::File::create(root.join("large.h")).unwrap();
    header.set_len(1 << 30).unwrap();
    let out = folder.path().join("out");
    let mut options = options(&[&root], &out, toolchain);
    options.budget.memory = 512 << 20;
    options.verify = zero_harvest::check::Level::L1;
    options.curation.duplicates = false;
    zero_harvest::harvest(&options, &Silent).unwrap();
    assert_eq!(records(&out).len(), 2);
    let rejects = lines(&out.join("rejects.jsonl"));
    assert!(
        rejects.iter().all(|reject| reject["path"] == "b.c"),
        "{rejects:?}"
    );
    assert!(!rejects.is_empty());
}

#[test]
fn modules_that_are_too_large_are_rejected_by_what_there_is_too_much_of() {
    let mut reasons = Vec::new();
    let cases: [fn(&mut zero_harvest::limits::Sizes); 4] = [
        |sizes| sizes.functions = 0,
        |sizes| sizes.instructions = 2,
        |sizes| sizes.data = 8,
        |sizes| sizes.text = 80,
    ];
    for case in cases {
        let Some(toolchain) = toolchain() else { return };
        let folder = tempfile::tempdir().unwrap();
        let root = repository(
            folder.path(),
            &[
                ("LICENSE", "MIT License"),
                (
                    "a.c",
                    "/** Names the colour of the sky. */\nconst char *f(int night) { return night ? \"dark blue\" : \"light blue\"; }",
                ),
            ],
        );
        let out = folder.path().join("out");
        let mut options = options(&[&root], &out, toolchain);
        case(&mut options.sizes);
        zero_harvest::harvest(&options, &Silent).unwrap();
        let rejects = lines(&out.join("rejects.jsonl"));
        assert_eq!(rejects[0]["reason"], "too-large", "{rejects:?}");
        let detail = rejects[0]["detail"].as_str().unwrap();
        reasons.push(detail.split_whitespace().rev().nth(5).map(str::to_owned));
        assert!(records(&out).is_empty());
    }
    let said: Vec<&str> = reasons.iter().flatten().map(String::as_str).collect();
    assert_eq!(said[..3], ["functions", "instructions", "data"]);
}

#[test]
fn an_earlier_run_with_other_options_is_not_taken_over() {
    let folder = tempfile::tempdir().unwrap();
    let root = repository(folder.path(), &[("a.c", SMALL[3].1)]);
    let out = folder.path().join("out");
    for (licenses, expected) in [("any", 3), ("permissive", 0)] {
        let Some(toolchain) = toolchain() else { return };
        let mut options = options(&[&root], &out, toolchain);
        options.licenses = licenses.parse().unwrap();
        options.resume = true;
        zero_harvest::harvest(&options, &Silent).unwrap();
        assert_eq!(records(&out).len(), expected, "{licenses}");
    }
}

#[test]
fn an_empty_repository_is_an_empty_dataset() {
    let Some(toolchain) = toolchain() else { return };
    let folder = tempfile::tempdir().unwrap();
    let root = repository(folder.path(), &[("README", "nothing")]);
    let out = folder.path().join("out");
    let summary = run(&[&root], &out, toolchain);
    assert_eq!(summary.total.documented, 0);
    assert!(records(&out).is_empty());
}

/// What must not get into any dataset.
#[cfg(unix)]
const SECRET: &str = "hunter2-hunter2";

#[cfg(unix)]
#[test]
fn no_source_gets_at_a_file_outside_its_repository() {
    use std::os::unix::fs::symlink;
    let Some(toolchain) = toolchain() else { return };
    let folder = tempfile::tempdir().unwrap();
    let here = fs::canonicalize(folder.path()).unwrap();
    let secret = here.join("secret.h");
    fs::write(&secret, format!("\"{SECRET}\"")).unwrap();
    let secret = secret.display().to_string();
    let root = repository(&here, &[SMALL[0], ("inside.h", "\"inside\"")]);
    fs::create_dir_all(root.join("sub")).unwrap();
    fs::create_dir_all(root.join(r"a\b")).unwrap();
    fs::create_dir_all(root.join(".git")).unwrap();
    fs::write(root.join(".git/config"), format!("\"{SECRET}\"")).unwrap();
    for link in ["file.h", "sub/deep.h", r"a\b/odd.h", "new\nline.h"] {
        symlink(&secret, root.join(link)).unwrap();
    }
    symlink(&here, root.join("out")).unwrap();
    symlink(root.join("sub"), root.join("alias")).unwrap();
    let quoted = [
        "inside.h",
        &secret,
        "../secret.h",
        "sub/../../secret.h",
        "file.h",
        "./sub/..//file.h",
        "out/secret.h",
        "alias/deep.h",
        "sub/deep.h",
        r"a\b/odd.h",
        r"a\b/../../secret.h",
        ".git/config",
    ];
    let name = |number: usize, how: &str| format!("{how}{number}.c");
    for (number, path) in quoted.iter().enumerate() {
        for how in ["include", "embed"] {
            let text = format!(
                "/** Gives a letter of a text by its number. */\nint letter_{how}{number}(unsigned at) {{\n  static const char text[] = {{\n#{how} \"{path}\"\n  }};\n  return text[at % sizeof text];\n}}\n"
            );
            fs::write(root.join(name(number, how)), text).unwrap();
        }
        let text = format!(
            "#if __has_include(\"{path}\")\nint there[-1];\n#endif\n/** Adds this very number to another. */\nint seen{number}(int a) {{ return a + {number}; }}\n"
        );
        fs::write(root.join(name(number, "seen")), text).unwrap();
    }
    for (number, word) in ["incbin", "include"].iter().enumerate() {
        let text = format!(
            "__asm__(\".section .data.x,\\\"\\\",@\\nx:\\n.{word} \\\"{secret}\\\"\\n.size x,9\\n\");\nextern char x[];\n/** Gives a letter of a text by its number. */\nint asm{number}(unsigned at) {{ return x[at % 9]; }}\n"
        );
        fs::write(root.join(name(number, "asm")), text).unwrap();
    }
    let out = folder.path().join("dataset");
    let mut options = options(&[&root], &out, toolchain);
    options.curation.duplicates = false;
    zero_harvest::harvest(&options, &Silent).unwrap();
    let mut symbols: Vec<String> = records(&out)
        .iter()
        .map(|record| record["provenance"]["symbol"].as_str().unwrap().to_owned())
        .collect();
    symbols.sort();
    // Whether a file is there is not told either; the first is.
    let mut expected: Vec<String> = (1..quoted.len()).map(|n| format!("seen{n}")).collect();
    expected.extend(["letter_include0", "letter_embed0"].map(String::from));
    expected.sort();
    assert_eq!(symbols, expected);
    let rejects = fs::read_to_string(out.join("rejects.jsonl")).unwrap();
    assert!(!rejects.contains(SECRET), "{rejects}");
}

#[cfg(unix)]
#[test]
fn a_failure_of_the_machine_is_no_reject() {
    use std::os::unix::fs::PermissionsExt;
    if toolchain().is_none() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let root = repository(folder.path(), &SMALL);
    let out = folder.path().join("out");
    let clang = folder.path().join("clang");
    fs::write(&clang, "#!/bin/sh\nexec clang-19 \"$@\"\n").unwrap();
    fs::set_permissions(&clang, PermissionsExt::from_mode(0o700)).unwrap();
    let path = Some(clang.as_path());
    let mut gone = options(&[&root], &out, Toolchain::find(path, None, None).unwrap());
    let aside = folder.path().join("aside");
    fs::rename(&clang, &aside).unwrap();
    let error = zero_harvest::harvest(&gone, &Silent).unwrap_err();
    assert!(matches!(error, HarvestError::Temporary(_)), "{error}");
    fs::rename(&aside, &clang).unwrap();
    gone.resume = true;
    let summary = zero_harvest::harvest(&gone, &Silent).unwrap();
    assert_eq!(summary.total.records, 5);
}

#[test]
fn no_folder_is_taken_over_that_is_no_dataset() {
    let folder = tempfile::tempdir().unwrap();
    let root = repository(folder.path(), &SMALL);
    let foreign = folder.path().join("project");
    fs::create_dir_all(foreign.join("data")).unwrap();
    fs::create_dir_all(foreign.join("parts/wheel")).unwrap();
    fs::write(foreign.join("data/mine"), "mine").unwrap();
    for (resume, shard) in [(false, None), (true, None), (false, Some("1/1"))] {
        let Some(toolchain) = toolchain() else { return };
        let mut options = options(&[&root], &foreign, toolchain);
        options.resume = resume;
        options.shard = shard.map(|shard| shard.parse().unwrap());
        let error = zero_harvest::harvest(&options, &Silent).unwrap_err();
        assert!(!error.hint().unwrap().contains("--resume"), "{error}");
        assert_eq!(fs::read(foreign.join("data/mine")).unwrap(), b"mine");
    }
}

#[test]
fn headers_of_a_recipe_are_the_same_in_every_run() {
    let folder = tempfile::tempdir().unwrap();
    let text = "#include \"made.h\"\n/** Names the file that it was made of. */\nconst char *made(int a) { return a ? file() : \"\"; }\n";
    let root = repository(folder.path(), &[SMALL[0], ("a.c", text)]);
    let recipe = "name = \"x\"\nrepositories = [\"lib\"]\n[headers]\n\"made.h\" = \"static const char *file(void) { return __FILE__; }\"";
    let once = |name: &str| {
        let out = folder.path().join(name);
        let mut options = options(&[&root], &out, toolchain()?);
        options.recipes = vec![Recipe::parse(recipe).unwrap()];
        zero_harvest::harvest(&options, &Silent).unwrap();
        Some(records(&out))
    };
    let Some(first) = once("first") else { return };
    assert_eq!(first.len(), 1);
    assert_eq!(once("second"), Some(first));
}

#[test]
fn a_unit_that_is_mostly_zeros_or_pointers_costs_only_itself() {
    let Some(toolchain) = toolchain() else { return };
    let folder = tempfile::tempdir().unwrap();
    let files = [
        SMALL[0],
        (
            "a.c",
            "char heap[80 << 20];\n/** Gives a byte of the heap. */\nint byte(unsigned at) { return heap[at]; }\n",
        ),
        (
            "b.c",
            "union U { char c; void *p[100000000]; };\n/** Gives the first byte of many. */\nint first(union U *u) { return u->c; }\n",
        ),
    ];
    let root = repository(folder.path(), &files);
    let out = folder.path().join("out");
    run(&[&root], &out, toolchain);
    assert_eq!(records(&out)[0]["provenance"]["symbol"], "first");
    let rejects = lines(&out.join("rejects.jsonl"));
    assert_eq!(rejects[0]["reason"], "too-large", "{rejects:?}");
}

#[test]
fn a_manifest_names_what_could_not_be_fetched_and_is_never_that_of_an_earlier_run() {
    let folder = tempfile::tempdir().unwrap();
    let root = repository(folder.path(), &SMALL);
    let damaged = folder.path().join("damaged-1.0.tar.gz");
    fs::write(&damaged, "no archive").unwrap();
    let out = folder.path().join("out");
    let run = || {
        let mut options = options(&[&root], &out, toolchain()?);
        options.sources.push(Source::Archive(damaged.clone()));
        options.resume = true;
        Some(zero_harvest::harvest(&options, &Silent))
    };
    let Some(summary) = run() else { return };
    assert_eq!(summary.unwrap().failed.len(), 1);
    let manifest = fs::read(out.join("manifest.json")).unwrap();
    let manifest: Value = serde_json::from_slice(&manifest).unwrap();
    assert_eq!(manifest["failed"], serde_json::json!(["damaged-1.0"]));
    let parts: Vec<PathBuf> = fs::read_dir(out.join("parts"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    assert_eq!(parts.len(), 1, "{parts:?}");
    fs::write(parts[0].join("records.jsonl"), "damaged").unwrap();
    assert!(run().unwrap().is_err());
    assert!(!out.join("manifest.json").exists());
}

#[cfg(unix)]
#[test]
fn a_part_that_was_made_with_another_c_library_is_not_taken_over() {
    if toolchain().is_none() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let root = repository(folder.path(), &[SMALL[0], SMALL[3]]);
    let sysroot = folder.path().join("sysroot");
    for (from, to) in [
        ("/usr/include/wasm32-wasi", "include"),
        ("/usr/lib/wasm32-wasi", "lib"),
    ] {
        fs::create_dir_all(sysroot.join(to)).unwrap();
        let mut copy = std::process::Command::new("cp");
        copy.arg("-r").arg(from).arg(sysroot.join(to));
        assert!(copy.status().unwrap().success());
    }
    let out = folder.path().join("out");
    let headers = sysroot.join("include/wasm32-wasi");
    for parts in [1, 1, 2] {
        if parts == 2 {
            fs::write(headers.join("string.h"), "unsigned strlen(const char *);").unwrap();
        }
        let clang = Path::new("/usr/bin/clang-19");
        let toolchain = Toolchain::find(Some(clang), Some(&sysroot), None).unwrap();
        let mut options = options(&[&root], &out, toolchain);
        options.resume = true;
        zero_harvest::harvest(&options, &Silent).unwrap();
        assert_eq!(fs::read_dir(out.join("parts")).unwrap().count(), parts);
    }
}
