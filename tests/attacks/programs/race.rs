//! Opens a path again and again while the host swaps one of its parts between a folder and a link that leads outside.

use std::fs;
use std::io::Write;

fn main() {
    let rounds: u32 = std::env::args()
        .nth(1)
        .and_then(|text| text.parse().ok())
        .expect("a number of rounds");
    let mut seen = [0_u32; 3];
    for round in 0..rounds {
        match fs::read_to_string("/data/flip/key.txt") {
            Ok(text) if text.contains("TOP-SECRET") => println!("ESCAPED read in round {round}"),
            Ok(_) => seen[0] += 1,
            Err(_) => seen[1] += 1,
        }
        // What is created through the link would lie outside.
        if let Ok(mut file) = fs::File::create(format!("/data/flip/planted-{}", round % 8)) {
            let _ = file.write_all(b"planted");
            seen[2] += 1;
        }
        let _ = fs::rename("/data/own.txt", "/data/flip/planted-own");
        let _ = fs::rename("/data/flip/planted-own", "/data/own.txt");
        if let Ok(entries) = fs::read_dir("/data/flip") {
            for entry in entries.flatten() {
                if entry.file_name() == "only-outside" {
                    println!("ESCAPED listing in round {round}");
                }
            }
        }
    }
    println!("read {} refused {} written {}", seen[0], seen[1], seen[2]);
}
