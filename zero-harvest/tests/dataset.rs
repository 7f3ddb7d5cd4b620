//! From records to a dataset: what it is written as, what stays, and runs that share the work.
#![expect(clippy::unwrap_used, reason = "what tests share are plain functions")]

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use parquet::file::reader::{FileReader as _, SerializedFileReader};
use parquet::record::RowAccessor as _;
use serde_json::Value;
use zero_harvest::source::Source;
use zero_harvest::{Format, Options, Phase, Progress, Style, Summary, Toolchain};

struct Silent;

impl Progress for Silent {
    fn repository(&self, _: &str, _: usize, _: usize) {}
    fn phase(&self, _: Phase, _: usize) {}
    fn advance(&self) {}
}

/// `None` where clang or wasi-libc are missing; that is an error under xtask.
#[expect(clippy::disallowed_methods, reason = "a test looks for its peers")]
fn toolchain() -> Option<Toolchain> {
    let path = std::env::var_os("PATH");
    let found = Toolchain::find(None, None, path.as_deref());
    assert!(found.is_ok() || std::env::var_os("XTASK_PEERS").is_none());
    found.ok()
}

/// Three repositories, one of which has copies of another's functions.
fn repositories(folder: &Path) -> Vec<PathBuf> {
    let sum = "int NAME(const unsigned char *bytes, unsigned length) {\n  unsigned all = 7;\n  for (unsigned i = 0; i < length; i++) { all = all * 31 + bytes[i]; all ^= all >> 3; }\n  if (length > 4) { all += (unsigned)bytes[0] << 8 | bytes[1]; all ^= bytes[2] * 5u; }\n  while (all > 100000u) { all = all / 7u + (all & 15u); if (all % 2u == 0) all++; else all -= 3u; }\n  switch (all & 3u) { case 0: all ^= 0x5a5au; break; case 1: all += length; break; default: break; }\n  return (int)(all & 0x7fffffff);\n}\n";
    let near = sum.replace("NAME", "close").replace(">> 3", ">> 4");
    let texts = [
        (
            "one",
            format!(
                "/** Mixes all bytes into one number. */\n{}",
                sum.replace("NAME", "mix")
            ),
        ),
        (
            "two",
            format!(
                "/** Blends bytes, with another name. */\n{}/** Nearly what the first one does. */\n{near}",
                sum.replace("NAME", "blend")
            ),
        ),
        (
            "three",
            String::from(
                "/** Adds two whole numbers with all of their care. */\nunsigned add(unsigned a, unsigned b) { return a + b; }\n/** Takes a number away from another. */\nunsigned sub(unsigned a, unsigned b) { return a - b; }\n",
            ),
        ),
    ];
    texts
        .into_iter()
        .map(|(name, text)| {
            let root = folder.join(name);
            fs::create_dir_all(&root).unwrap();
            fs::write(root.join("LICENSE"), "Permission is hereby granted, free of charge, to any person obtaining a copy of this software").unwrap();
            fs::write(root.join("a.c"), text).unwrap();
            root
        })
        .collect()
}

fn options(sources: Vec<Source>, out: &Path, toolchain: Toolchain) -> Options {
    let worker = vec![OsString::from(env!("CARGO_BIN_EXE_zero-harvest-reader"))];
    Options::new(sources, out.to_owned(), toolchain, worker)
}

fn folders(roots: &[PathBuf]) -> Vec<Source> {
    roots.iter().cloned().map(Source::Folder).collect()
}

fn harvest(options: &Options) -> Summary {
    zero_harvest::harvest(options, &Silent).unwrap()
}

/// All files below a folder, with their bytes.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    let mut open = vec![folder.to_owned()];
    while let Some(next) = open.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else {
                let name = path
                    .strip_prefix(folder)
                    .unwrap()
                    .to_string_lossy()
                    .into_owned();
                files.insert(name, fs::read(&path).unwrap());
            }
        }
    }
    files
}

fn extension(name: &str) -> Option<&str> {
    Path::new(name).extension()?.to_str()
}

/// The lines of all files in a folder with this ending, compressed or not.
fn lines(files: &BTreeMap<String, Vec<u8>>, folder: &str, end: &str) -> Vec<Value> {
    let meant = files
        .iter()
        .filter(|(name, _)| name.starts_with(folder) && name.ends_with(end));
    let texts = meant.map(|(name, bytes)| {
        let plain = if extension(name) == Some("zst") {
            zstd::stream::decode_all(bytes.as_slice()).unwrap()
        } else {
            bytes.clone()
        };
        String::from_utf8(plain).unwrap()
    });
    let texts: Vec<String> = texts.collect();
    texts
        .iter()
        .flat_map(|text| text.lines())
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[test]
fn every_format_holds_the_same_records_and_styles_what_trainers_read() {
    let Some(toolchain) = toolchain() else { return };
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let mut options = options(folders(&repositories(folder.path())), &out, toolchain);
    options.formats = vec![Format::Jsonl, Format::JsonlZst, Format::Parquet];
    options.styles = vec![
        Style::Alpaca,
        Style::Messages,
        Style::PromptCompletion,
        Style::Rl,
    ];
    let summary = harvest(&options);
    let files = files(&out);
    let records = lines(&files, "data/", ".jsonl");
    assert_eq!(records.len(), summary.total.records);
    assert_eq!(lines(&files, "data/", ".jsonl.zst"), records);
    let mut rows = Vec::new();
    for name in files
        .keys()
        .filter(|name| extension(name) == Some("parquet"))
    {
        let reader = SerializedFileReader::try_from(out.join(name).as_path()).unwrap();
        for row in reader.get_row_iter(None).unwrap() {
            let row = row.unwrap();
            rows.push((
                row.get_string(0).unwrap().clone(),
                row.get_string(3).unwrap().clone(),
            ));
        }
    }
    let field = |record: &Value, name: &str| record[name].as_str().unwrap().to_owned();
    let expected: Vec<_> = records
        .iter()
        .map(|one| (field(one, "id"), field(one, "output")))
        .collect();
    assert_eq!(rows, expected);
    for (style, answer) in [
        ("alpaca", "/output"),
        ("messages", "/messages/1/content"),
        ("prompt-completion", "/completion"),
    ] {
        let styled = lines(&files, &format!("styles/{style}/"), ".jsonl.zst");
        let answers: Vec<_> = styled
            .iter()
            .map(|line| line.pointer(answer).unwrap().clone())
            .collect();
        let outputs: Vec<_> = records.iter().map(|one| one["output"].clone()).collect();
        assert_eq!(answers, outputs, "{style}");
    }
    let tasks = lines(&files, "styles/rl/", ".jsonl.zst");
    assert_eq!(
        tasks.len(),
        summary.total.records,
        "all of these are executed"
    );
    assert!(tasks[0]["tests"].as_array().unwrap().len() >= 8);
}

#[test]
fn copies_benchmarks_and_what_is_too_much_of_one_repository_are_left_out() {
    let folder = tempfile::tempdir().unwrap();
    let roots = repositories(folder.path());
    let run = |name: &str, change: fn(&mut Options)| {
        let out = folder.path().join(name);
        let mut options = options(folders(&roots), &out, toolchain()?);
        change(&mut options);
        let summary = harvest(&options);
        let left_out: BTreeMap<String, String> = lines(&files(&out), "rejects", ".jsonl")
            .into_iter()
            .map(|reject| {
                let word = |name: &str| reject[name].as_str().unwrap_or_default().to_owned();
                (word("function"), word("reason"))
            })
            .collect();
        assert_eq!(
            summary.total.documented,
            summary.total.records + left_out.len()
        );
        Some(left_out)
    };
    let left_out = |pairs: &[(&str, &str)]| -> BTreeMap<String, String> {
        pairs
            .iter()
            .map(|(a, b)| ((*a).to_owned(), (*b).to_owned()))
            .collect()
    };
    let Some(copies) = run("copies", |_| {}) else {
        return;
    };
    assert_eq!(
        copies,
        left_out(&[("blend", "duplicate"), ("close", "near-duplicate")])
    );
    let kept = run("kept", |options| options.curation.duplicates = false).unwrap();
    assert_eq!(kept, left_out(&[]));
    let asked = run("asked", |options| {
        options.curation.duplicates = false;
        options.curation.benchmarks = vec![
            String::from("Please write: adds two whole numbers with all of their care, quickly"),
            String::from("takes a number"),
        ];
    });
    assert_eq!(asked.unwrap(), left_out(&[("add", "contaminated")]));
    let capped = run("capped", |options| {
        options.curation.duplicates = false;
        options.curation.most = Some(1);
    });
    assert_eq!(
        capped.unwrap(),
        left_out(&[("close", "over-cap"), ("sub", "over-cap")])
    );
}

#[test]
fn shards_that_are_done_in_any_order_and_twice_make_the_same_dataset() {
    let folder = tempfile::tempdir().unwrap();
    let roots = repositories(folder.path());
    let run = |out: &Path, shard: Option<&str>, resume: bool| {
        let mut options = options(folders(&roots), out, toolchain()?);
        options.formats = vec![Format::Jsonl, Format::Parquet];
        options.shard = shard.map(|shard| shard.parse().unwrap());
        options.resume = resume;
        Some(harvest(&options))
    };
    let (whole, shared) = (folder.path().join("whole"), folder.path().join("shared"));
    if run(&whole, None, false).is_none() {
        return;
    }
    for shard in ["2/2", "1/2", "2/2"] {
        run(&shared, Some(shard), false);
        assert!(!shared.join("manifest.json").exists());
    }
    // What a run left that was killed in the middle of a part.
    fs::create_dir(shared.join("parts/.unfinished-x")).unwrap();
    run(&shared, None, true);
    assert_eq!(files(&shared), files(&whole));
}

#[test]
fn a_repository_is_cloned_once_for_each_commit() {
    let folder = tempfile::tempdir().unwrap();
    let root = repositories(folder.path()).remove(0);
    let git = |args: &[&str]| {
        let mut git = Command::new("git");
        git.current_dir(&root)
            .args(["-c", "user.name=x", "-c", "user.email=x@x.example"]);
        let done = git.args(args).output().unwrap();
        assert!(
            done.status.success(),
            "{}",
            String::from_utf8_lossy(&done.stderr)
        );
        String::from_utf8(done.stdout).unwrap().trim().to_owned()
    };
    git(&["init", "--quiet"]);
    let mut commits = Vec::new();
    for (number, text) in [
        "",
        "/** Returns the same number again. */\nint same(int a) { return a; }\n",
    ]
    .iter()
    .enumerate()
    {
        let before = fs::read_to_string(root.join("a.c")).unwrap();
        fs::write(root.join("a.c"), before + text).unwrap();
        git(&["add", "."]);
        git(&["commit", "--quiet", "--allow-empty", "-m", "x"]);
        commits.push(git(&["rev-parse", "HEAD"]));
        for again in 0..2 {
            let Some(toolchain) = toolchain() else { return };
            let url = format!("file://{}", root.display());
            let out = folder.path().join(format!("out-{number}-{again}"));
            let mut options = options(Source::parse(&url).unwrap(), &out, toolchain);
            options.cache = Some(folder.path().join("cache"));
            let summary = harvest(&options);
            assert_eq!(summary.total.records, number + 1);
            let records = lines(&files(&out), "data/", ".jsonl");
            assert_eq!(records[0]["provenance"]["commit"], commits[number].as_str());
            assert_eq!(records[0]["provenance"]["repo"], "one");
        }
        assert_eq!(
            fs::read_dir(folder.path().join("cache")).unwrap().count(),
            number + 1
        );
    }
}

#[test]
fn a_clone_that_would_fill_the_disk_is_refused_before_it_does() {
    let folder = tempfile::tempdir().unwrap();
    let git = |args: &[&str], input: &str| {
        let mut git = Command::new("git");
        git.current_dir(folder.path())
            .args(["-c", "user.name=x", "-c", "user.email=x@x.example"])
            .args(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        let mut child = git.spawn().unwrap();
        child
            .stdin
            .take()
            .unwrap()
            .write_all(input.as_bytes())
            .unwrap();
        let done = child.wait_with_output().unwrap();
        assert!(done.status.success(), "{args:?}");
        String::from_utf8(done.stdout).unwrap().trim().to_owned()
    };
    git(&["init", "--quiet"], "");
    let file = git(&["hash-object", "-w", "--stdin"], "int x;\n");
    let tree = |kind: &str, object: &str, end: &str| {
        let line = |number| format!("{kind} {object}\t{number}{end}\n");
        git(&["mktree"], &(0..10).map(line).collect::<String>())
    };
    // Ten of ten of ten …: ten thousand million files in some hundred bytes.
    let mut bomb = tree("100644 blob", &file, ".c");
    for _ in 0..9 {
        bomb = tree("040000 tree", &bomb, "");
    }
    let commit = git(&["commit-tree", &bomb, "-m", "x"], "");
    git(&["update-ref", "HEAD", &commit], "");
    let Some(toolchain) = toolchain() else { return };
    let url = format!("file://{}", folder.path().display());
    let out = folder.path().join("out");
    let summary = harvest(&options(Source::parse(&url).unwrap(), &out, toolchain));
    let (_, error) = &summary.failed[0];
    assert!(
        error.to_string().contains("more than 500000 files"),
        "{error}"
    );
    assert!(error.hint().is_some());
}
