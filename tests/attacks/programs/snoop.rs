//! Prints all that it can find out about the user: variables, arguments, its folder, and what names and errors tell.

fn main() {
    for (name, value) in std::env::vars_os() {
        println!("variable {name:?}={value:?}");
    }
    for argument in std::env::args_os().skip(1) {
        println!("argument {argument:?}");
    }
    println!("program {:?}", std::env::args_os().next());
    println!("folder {:?}", std::env::current_dir());
    for name in ["HOME", "PATH", "USER", "SNOOPED", "ZERO_KEY_PASSWORD"] {
        println!("{name} {:?}", std::env::var_os(name).is_some());
    }
    if let Ok(entries) = std::fs::read_dir("/") {
        for entry in entries.flatten() {
            println!(
                "entry {:?} {:?}",
                entry.file_name(),
                std::fs::canonicalize(entry.path())
            );
        }
    }
    // A host's message could hold the host's own path.
    println!("error {:?}", std::fs::File::open("/data/missing"));
}
