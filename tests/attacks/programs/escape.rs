//! Tries to leave its folder. It was granted `/data`, for reading and writing, and nothing else.
//!
//! `held …` for what was refused, `ESCAPED …` with what was seen for what was not. Whoever runs this looks at the host, too.

use std::fs::{self, File, OpenOptions};
use std::io::Read;

/// The raw calls: Rust's library would resolve paths itself or refuse some before the host sees them.
mod raw {
    #[link(wasm_import_module = "wasi_snapshot_preview1")]
    unsafe extern "C" {
        pub fn path_open(
            fd: u32,
            follow: u32,
            path: *const u8,
            length: usize,
            flags: u32,
            rights: u64,
            inheriting: u64,
            fdflags: u32,
            opened: *mut u32,
        ) -> u16;
        pub fn path_symlink(
            old: *const u8,
            old_length: usize,
            fd: u32,
            new: *const u8,
            new_length: usize,
        ) -> u16;
        pub fn path_link(
            old_fd: u32,
            follow: u32,
            old: *const u8,
            old_length: usize,
            new_fd: u32,
            new: *const u8,
            new_length: usize,
        ) -> u16;
        pub fn path_rename(
            old_fd: u32,
            old: *const u8,
            old_length: usize,
            new_fd: u32,
            new: *const u8,
            new_length: usize,
        ) -> u16;
    }
}

const SECRET: &str = "TOP-SECRET";

/// Every descriptor that the host could have left open.
const DESCRIPTORS: std::ops::Range<u32> = 0..16;

fn report(what: &str, succeeded: Option<String>) {
    match succeeded {
        None => println!("held {}", what.escape_debug()),
        Some(seen) => println!("ESCAPED {}: {}", what.escape_debug(), seen.escape_debug()),
    }
}

/// What of `text` nobody may see: all that is not of `/data` itself.
fn secret(text: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(text);
    (text.contains(SECRET) || text.contains("root:")).then(|| text.into_owned())
}

fn read(path: &str) {
    let mut content = Vec::new();
    let seen = File::open(path)
        .and_then(|mut file| file.read_to_end(&mut content))
        .ok()
        .and_then(|_| secret(&content));
    report(&format!("read {}", &path[..path.len().min(80)]), seen);
}

fn open_raw(path: &str, flags: u32) {
    for fd in DESCRIPTORS {
        for follow in [0, 1] {
            let mut opened = u32::MAX;
            // SAFETY: the pointers are those of live values.
            let errno = unsafe {
                raw::path_open(
                    fd,
                    follow,
                    path.as_ptr(),
                    path.len(),
                    flags,
                    0x42,
                    0x42,
                    0,
                    &mut opened,
                )
            };
            let seen = (errno == 0).then(|| format!("descriptor {opened} by {fd}"));
            report(&format!("path_open {path}"), seen);
        }
    }
}

/// Links made by the program itself, and what can be read through them. Making them is no escape.
fn links(target: &str) {
    let link = b"made-link";
    for fd in DESCRIPTORS {
        // SAFETY: the pointers are those of live values.
        unsafe {
            raw::path_symlink(target.as_ptr(), target.len(), fd, link.as_ptr(), link.len());
        }
    }
    read("/data/made-link/key.txt");
    read("/data/made-link");
    let _ = fs::remove_file("/data/made-link");
}

/// Hard links to and renames of what lies outside, by all descriptors. A link in the folder may be renamed, and a second
/// name made for it: what it leads to must not follow.
fn relocate(path: &str) {
    let outside = path.starts_with('/') || path.starts_with("..") || path.starts_with("link/");
    let inside = b"taken";
    for from in DESCRIPTORS {
        for to in DESCRIPTORS {
            for follow in [0, 1] {
                // SAFETY: the pointers are those of live values.
                let errno = unsafe {
                    raw::path_link(
                        from,
                        follow,
                        path.as_ptr(),
                        path.len(),
                        to,
                        inside.as_ptr(),
                        inside.len(),
                    )
                };
                if errno == 0 && outside {
                    report(&format!("link {path}"), Some("linked".into()));
                }
                if errno == 0 {
                    read("/data/taken");
                    let _ = fs::remove_file("/data/taken");
                }
            }
            // SAFETY: as above.
            let errno = unsafe {
                raw::path_rename(
                    from,
                    path.as_ptr(),
                    path.len(),
                    to,
                    inside.as_ptr(),
                    inside.len(),
                )
            };
            if errno == 0 && outside {
                report(&format!("rename {path}"), Some("renamed".into()));
            }
        }
    }
    report(&format!("link and rename {path}"), None);
}

/// Writing, making and removing outside; the host looks for the traces.
fn change(folder: &str) {
    let inside = |name: &str| format!("{folder}/{name}");
    let planted = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .open(inside("planted"));
    report(
        &format!("create in {folder}"),
        planted.ok().map(|_| "created".into()),
    );
    let truncated = OpenOptions::new()
        .write(true)
        .truncate(true)
        .open(inside("key.txt"));
    report(
        &format!("truncate in {folder}"),
        truncated.ok().map(|_| "truncated".into()),
    );
    report(
        &format!("mkdir in {folder}"),
        fs::create_dir(inside("made")).ok().map(|()| "made".into()),
    );
    report(
        &format!("remove in {folder}"),
        fs::remove_file(inside("key.txt"))
            .ok()
            .map(|()| "removed".into()),
    );
    // A link itself may be removed; that is why the host looks whether the folder is still there.
    let _ = fs::remove_dir_all(folder);
    let moved = fs::rename("/data/own.txt", inside("moved"));
    report(
        &format!("rename into {folder}"),
        moved.ok().map(|()| "moved".into()),
    );
    let listed = fs::read_dir(folder).ok().and_then(|entries| {
        let names: Vec<_> = entries.flatten().map(|entry| entry.file_name()).collect();
        let found = names.iter().any(|name| name == "key.txt");
        found.then(|| format!("{names:?}"))
    });
    report(&format!("list {folder}"), listed);
}

fn main() {
    // The host's own path of the folder beside /data, as somebody who guesses well would know it.
    let outside = std::env::args()
        .nth(1)
        .expect("the path of what must not be reached");
    let deep = format!("/data/{}secret/key.txt", "../".repeat(40));
    let long = format!("/data/{}../../secret/key.txt", "own/../".repeat(2000));
    let key = format!("{outside}/key.txt");
    for path in [
        "../secret/key.txt",
        "secret/key.txt",
        "/secret/key.txt",
        "/../secret/key.txt",
        "/data/../secret/key.txt",
        "/data/../../secret/key.txt",
        "/data//..//secret//key.txt",
        "/data/./../secret/key.txt",
        "/data/sub/../../secret/key.txt",
        "/data/link/key.txt",
        "/data/link/../secret/key.txt",
        "/data/absolute/key.txt",
        "/data/file-link",
        "/data/absolute-file",
        "/data/chain/key.txt",
        "/data/parent/secret/key.txt",
        "/data/..\\secret\\key.txt",
        "/data/own.txt/../../secret/key.txt",
        "/data/%2e%2e/secret/key.txt",
        "/data/\u{2024}\u{2024}/secret/key.txt",
        "/data\0/../secret/key.txt",
        "/etc/passwd",
        "/data/../etc/passwd",
        "/proc/self/environ",
        "/proc/self/root/etc/passwd",
        "/proc/self/cwd/secret/key.txt",
        "/proc/self/fd/3/../secret/key.txt",
        "/data/proc/self/environ",
        "/data/proc/self/root/etc/passwd",
        "/dev/fd/3",
        "/data/self/root/etc/passwd",
        "/app/../secret/key.txt",
        &deep,
        &long,
        &key,
    ] {
        read(path);
    }
    for path in [
        "..",
        "/",
        "/etc",
        "../secret",
        "sub/../..",
        "link",
        "absolute",
        "parent",
        "proc",
    ] {
        // As a directory (2), and as a file to make (1).
        open_raw(path, 2);
    }
    open_raw("../planted", 1);
    open_raw("link/planted", 1);
    for target in [
        "/",
        "..",
        "../secret",
        "/etc",
        "sub/../../secret",
        &outside,
        &key,
        "made-link",
    ] {
        links(target);
    }
    for path in [
        "../secret/key.txt",
        "link/key.txt",
        "file-link",
        "absolute/key.txt",
        &key,
        "/etc/passwd",
    ] {
        relocate(path);
    }
    for folder in [
        "/data/../secret",
        "/data/link",
        "/data/absolute",
        "/data/parent/secret",
        &outside,
    ] {
        change(folder);
    }
    println!("done");
}
