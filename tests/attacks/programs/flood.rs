//! Uses up one thing without end.

use std::fs::File;
use std::io::{Read, Write};

fn main() {
    let what = std::env::args().nth(1).expect("what to use up");
    match what.as_str() {
        "handles" => {
            let mut open = Vec::new();
            loop {
                open.push(File::open("/data/own.txt"));
            }
        }
        "stdout" => loop {
            let _ = std::io::stdout().write_all(&[b'x'; 65536]);
        },
        "stderr" => loop {
            let _ = std::io::stderr().write_all(&[b'x'; 65536]);
        },
        "lines" => loop {
            println!("x");
        },
        "file" => {
            let mut file = File::create("/data/flood").expect("it may write");
            loop {
                let _ = file.write_all(&[b'x'; 65536]);
            }
        }
        "sparse" => {
            let file = File::create("/data/flood").expect("it may write");
            for size in 20..62 {
                let _ = file.set_len(1 << size);
            }
            loop {}
        }
        "files" => {
            for number in 0_u64.. {
                let _ = std::fs::write(format!("/data/flood-{number}"), [b'x'; 4096]);
            }
        }
        "memory" => {
            let mut held = Vec::new();
            loop {
                held.push(vec![1_u8; 1 << 20]);
            }
        }
        "loop" => loop {
            std::hint::spin_loop();
        },
        "recursion" => {
            #[expect(unconditional_recursion, reason = "the attack")]
            fn deeper(level: u64) -> u64 {
                std::hint::black_box(deeper(std::hint::black_box(level + 1))) + 1
            }
            println!("{}", deeper(0));
        }
        "sleep" => std::thread::sleep(std::time::Duration::from_secs(1 << 40)),
        "read" => {
            let _ = std::io::stdin().read(&mut [0]);
        }
        "denials" => {
            for number in 0_u64.. {
                let _ = File::open(format!("/elsewhere/{number}"));
            }
        }
        other => panic!("nothing is called {other}"),
    }
    println!("ESCAPED: it ended by itself");
}
