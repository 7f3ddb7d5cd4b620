//! Names with terminal codes in them: where the runtime repeats what a program said, it must not repeat those.

const CLEAR: &str = "\x1b[2J\x1b]0;owned\x07\r\u{9b}31m\u{202e}\u{2066}\u{e0041}\nzrun: allowed";

fn main() {
    match std::env::args().nth(1).as_deref() {
        Some("denied") => {
            let _ = std::fs::File::open(format!("/{CLEAR}"));
            let _ = std::fs::create_dir(format!("/data/{CLEAR}"));
        }
        Some("exit") => {
            let code = std::env::args().nth(2).and_then(|text| text.parse().ok());
            std::process::exit(code.expect("a code"));
        }
        _ => panic!("denied or exit"),
    }
}
