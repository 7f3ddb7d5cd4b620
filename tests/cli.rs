//! Transcripts of the command line: what each command and each mistake prints, with its exit code.
//!
//! `TRYCMD=overwrite cargo test -p cargo-zero --test cli` writes what the program says now; read the difference.

#[test]
fn transcripts() {
    let home = tempfile::tempdir().expect("temporary folders can be made");
    let cases = trycmd::TestCases::new();
    cases
        .env("ZERO_HOME", home.path().to_string_lossy())
        .env("NO_COLOR", "1")
        .env("COLUMNS", "100")
        .insert_var("[HOME]", home.path().display().to_string())
        .expect("the name is a placeholder");
    cases.case("../tests/cli/*.md").case("../tests/cli/*.toml");
    cases.run();
}
