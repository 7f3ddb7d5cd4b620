//! spec/hostile-input.md names checks; here each of them is looked for.

use std::{
    fs,
    path::{Path, PathBuf},
};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// All Rust files below a folder of the repository.
fn sources(folder: &Path, found: &mut String) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            *found += &fs::read_to_string(&path).expect("text");
        }
    }
}

fn has_vector(area: &str, prefix: &str) -> bool {
    let folder = root().join("spec/vectors").join(area);
    let index = fs::read_to_string(folder.join("index.json")).expect("an index");
    index.contains(&format!("\"{prefix}"))
}

#[test]
fn every_check_that_the_table_names_exists() {
    let table = fs::read_to_string(root().join("spec/hostile-input.md")).expect("the table");
    let mut code = String::new();
    for folder in ["zero-registry", "zero-format", "tests"] {
        sources(&root().join(folder), &mut code);
    }
    let rows = table
        .lines()
        .filter(|line| line.starts_with("| ") && line.contains('`'));
    assert_eq!(rows.count(), 25);
    let words = table.split('`').skip(1).step_by(2);
    let mut looked_at = 0;
    for word in words.filter(|word| !word.contains(['.', ' ']) && word.len() > 6) {
        let exists = match word.split_once('/') {
            Some((area, prefix)) => has_vector(area, prefix),
            None if word.contains('_') => code.contains(&format!("fn {word}(")),
            None => continue,
        };
        assert!(exists, "{word}");
        looked_at += 1;
    }
    assert!(looked_at > 60, "{looked_at}");
}
