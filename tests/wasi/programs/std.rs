//! What Rust's standard library does through WASI, one line a check. `/data` is an empty folder to read and write.

use std::collections::HashMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, Read, Seek, SeekFrom, Write};
use std::time::{Duration, Instant, SystemTime};

/// Prints a check's outcome: a value, or the kind of the error.
fn check<T: std::fmt::Debug>(name: &str, outcome: io::Result<T>) {
    match outcome {
        Ok(value) => println!("{name}: {value:?}"),
        Err(error) => println!("{name}: error {:?}", error.kind()),
    }
}

fn main() {
    process();
    clocks();
    files();
    seeking();
    folders();
    links();
    limits();
    streams();
}

fn process() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    println!("args: {args:?}");
    println!("variable: {:?}", std::env::var("GIVEN"));
    println!("absent variable: {:?}", std::env::var("ABSENT"));
    println!("variables: {}", std::env::vars().count());
    println!(
        "folder: {:?}",
        std::env::current_dir().map_err(|e| e.kind())
    );
    println!(
        "temporary folder exists: {:?}",
        fs::exists("/tmp").map_err(|e| e.kind())
    );
    check(
        "spawn",
        std::process::Command::new("/bin/true").spawn().map(|_| ()),
    );
    check(
        "thread",
        std::thread::Builder::new().spawn(|| ()).map(|_| ()),
    );
}

fn clocks() {
    let (start, wall) = (Instant::now(), SystemTime::now());
    std::thread::sleep(Duration::from_millis(20));
    println!("slept: {}", start.elapsed() >= Duration::from_millis(20));
    println!("wall went on: {}", wall.elapsed().is_ok());
    let since = wall
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    println!("after 2025: {}", since.as_secs() > 1_735_689_600);
    // Draws random numbers to seed its hasher.
    let map: HashMap<u32, u32> = (0..10).map(|n| (n, n * n)).collect();
    println!("hash map: {}", map[&7]);
}

fn files() {
    check("write", fs::write("/data/a", "hello"));
    check("read", fs::read_to_string("/data/a"));
    check("read missing", fs::read("/data/none"));
    check("read folder", fs::read("/data"));
    check(
        "append",
        OpenOptions::new()
            .append(true)
            .open("/data/a")
            .and_then(|mut f| f.write_all(b" world")),
    );
    check("read appended", fs::read_to_string("/data/a"));
    check(
        "create new over old",
        File::create_new("/data/a").map(|_| ()),
    );
    check("create new", File::create_new("/data/new").map(|_| ()));
    check(
        "truncate",
        OpenOptions::new()
            .write(true)
            .truncate(true)
            .open("/data/new")
            .map(|_| ()),
    );
    check(
        "write to a file opened for reading",
        File::open("/data/a").and_then(|mut f| f.write(b"x")),
    );
    check(
        "read from a file opened for writing",
        File::create("/data/w").and_then(|mut f| f.read(&mut [0; 4])),
    );
    check("copy", fs::copy("/data/a", "/data/b"));
    check("rename", fs::rename("/data/b", "/data/c"));
    check("rename missing", fs::rename("/data/b", "/data/d"));
    check(
        "rename over",
        fs::write("/data/d", "old").and_then(|()| fs::rename("/data/c", "/data/d")),
    );
    check("renamed", fs::read_to_string("/data/d"));
    check("remove", fs::remove_file("/data/d"));
    check("remove missing", fs::remove_file("/data/d"));
    check(
        "metadata",
        fs::metadata("/data/a").map(|m| (m.len(), m.is_file(), m.is_dir())),
    );
    check(
        "modified",
        fs::metadata("/data/a")
            .and_then(|m| m.modified())
            .map(|t| t.elapsed().is_ok()),
    );
    check("hard link", fs::hard_link("/data/a", "/data/hard"));
    check("through the hard link", fs::read_to_string("/data/hard"));
    check(
        "permissions",
        fs::metadata("/data/a").map(|m| m.permissions().readonly()),
    );
    check(
        "trailing slash",
        fs::metadata("/data/a/").map(|m| m.is_file()),
    );
    check("below a file", File::open("/data/a/b").map(|_| ()));
    check("empty path", File::open("").map(|_| ()));
    check("zero byte", File::open("a\0b").map(|_| ()));
    check("dots", fs::read_to_string("/data/./sub/../a"));
    check(
        "dots out",
        fs::read_to_string("/data/../etc/passwd").map(|_| ()),
    );
}

fn seeking() {
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(true)
        .open("/data/seek");
    let Ok(mut file) = file else {
        println!("seek: cannot open");
        return;
    };
    check("write ten", file.write(b"0123456789"));
    check("seek to start", file.seek(SeekFrom::Start(3)));
    let mut two = [0; 2];
    check("read two", file.read(&mut two).map(|_| two));
    check("seek on", file.seek(SeekFrom::Current(-1)));
    check("seek to end", file.seek(SeekFrom::End(-2)));
    check("position", file.stream_position());
    check("seek before start", file.seek(SeekFrom::Current(-100)));
    check("seek beyond end", file.seek(SeekFrom::Start(20)));
    check("write beyond end", file.write(b"x"));
    check("length", file.metadata().map(|m| m.len()));
    check("set length", file.set_len(4));
    check("length then", file.metadata().map(|m| m.len()));
    check("read at end", file.read(&mut two));
    check("sync", file.sync_all());
    check("sync data", file.sync_data());
    let time = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000);
    check("set modified", file.set_modified(time));
    check(
        "modified then",
        file.metadata()
            .and_then(|m| m.modified())
            .map(|t| t == time),
    );
    check("try clone", file.try_clone().map(|_| ()));
}

fn folders() {
    check("mkdir", fs::create_dir("/data/dir"));
    check("mkdir again", fs::create_dir("/data/dir"));
    check("mkdir deep", fs::create_dir_all("/data/dir/x/y/z"));
    check("mkdir below nothing", fs::create_dir("/data/no/dir"));
    for name in ["one", "two", "three"] {
        check("fill", fs::write(format!("/data/dir/{name}"), name));
    }
    check("list", names("/data/dir"));
    check("list a file", names("/data/a"));
    check("list missing", names("/data/none"));
    check(
        "many",
        (0..500).try_for_each(|n| fs::write(format!("/data/dir/x/{n}"), "")),
    );
    check("list many", names("/data/dir/x").map(|names| names.len()));
    check("kinds", kinds("/data/dir"));
    check("rename folder", fs::rename("/data/dir", "/data/moved"));
    check(
        "rename folder over full one",
        fs::create_dir_all("/data/full/x").and_then(|()| fs::rename("/data/moved", "/data/full")),
    );
    check("remove full", fs::remove_dir("/data/moved"));
    check("remove as file", fs::remove_file("/data/moved"));
    check("remove file as folder", fs::remove_dir("/data/a"));
    check("remove all", fs::remove_dir_all("/data/moved"));
    check("gone", fs::exists("/data/moved"));
}

fn names(path: &str) -> io::Result<Vec<String>> {
    let mut names: Vec<String> = fs::read_dir(path)?
        .map(|entry| entry.map(|e| e.file_name().to_string_lossy().into_owned()))
        .collect::<io::Result<_>>()?;
    names.sort();
    Ok(names)
}

fn kinds(path: &str) -> io::Result<Vec<(String, bool)>> {
    let mut kinds = Vec::new();
    for entry in fs::read_dir(path)? {
        let entry = entry?;
        kinds.push((
            entry.file_name().to_string_lossy().into_owned(),
            entry.file_type()?.is_dir(),
        ));
    }
    kinds.sort();
    Ok(kinds)
}

fn links() {
    // The host made `host-link` to `linked` and `out-link` to what lies outside.
    check("through a link", fs::read_to_string("/data/host-link"));
    check(
        "link itself",
        fs::symlink_metadata("/data/host-link").map(|m| m.file_type().is_symlink()),
    );
    check("what it says", fs::read_link("/data/host-link"));
    check("link out", File::open("/data/out-link").map(|_| ()));
    check("loop", File::open("/data/loop").map(|_| ()));
    check(
        "canonicalize",
        fs::canonicalize("/data/host-link").map(|_| ()),
    );
    check("remove link", fs::remove_file("/data/host-link"));
    check("target stays", fs::exists("/data/linked"));
}

fn limits() {
    let long = "x".repeat(300);
    check("long name", fs::write(format!("/data/{long}"), ""));
    let deep = "d/".repeat(3000);
    check("long path", File::open(format!("/data/{deep}")).map(|_| ()));
    check(
        "unicode name",
        fs::write("/data/Zähler-単語-😀", "x")
            .and_then(|()| names("/data").map(|n| n.iter().any(|n| n.contains('😀')))),
    );
    check("case", fs::exists("/data/A"));
    check(
        "large",
        File::create("/data/large").and_then(|mut f| {
            for _ in 0..64 {
                f.write_all(&[7; 65536])?;
            }
            f.metadata().map(|m| m.len())
        }),
    );
}

fn streams() {
    let mut lines = io::stdin().lock().lines();
    check("first line", lines.next().transpose());
    let mut rest = String::new();
    drop(lines);
    check("rest", io::stdin().read_to_string(&mut rest).map(|_| rest));
    check("at the end", io::stdin().read(&mut [0; 8]));
    check("flush", io::stdout().flush());
    eprintln!("to standard error");
}
