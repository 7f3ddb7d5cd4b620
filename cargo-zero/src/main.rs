//! The command line of Zero.
fn main() {}
