//! `new`: a project that builds and runs at once.

use std::path::Path;

use serde_json::json;
use zero_format::PackageName;

use crate::cli::{Language, New};
use crate::host::Session;
use crate::report::{Failure, Report};
use crate::write;

pub(crate) fn run(session: &Session, args: &New) -> Result<Report, Failure> {
    if args.component && args.lang != Language::Rust {
        return Err(Failure::usage("`--component` makes Rust projects only")
            .hint("a C or text project becomes one with `component = true` under [build] in Zero.toml"));
    }
    let path = &args.path;
    let name = path
        .file_name()
        .and_then(|name| name.to_str())
        .unwrap_or_default();
    let name: PackageName = name.parse().map_err(|error: zero_format::NameError| {
        Failure::usage(format!("`{name}` cannot be the name of a package"))
            .because(&error)
            .hint(error.hint())
    })?;
    if path.exists() {
        return Err(Failure::failed(format!("{} exists already", path.display()))
            .hint("choose another name; an existing folder becomes a package with a Zero.toml of your own"));
    }
    let files = match args.lang {
        Language::Rust => rust(&name, args.component),
        Language::C => c(&name),
        Language::Wat => wat(&name),
    };
    // Made beside its place and renamed: a half-made project never appears.
    let parent = path
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    let cannot = |error: &std::io::Error| write::cannot_write(path, error);
    std::fs::create_dir_all(parent).map_err(|error| cannot(&error))?;
    let scratch = tempfile::Builder::new()
        .prefix(".zero-new-")
        .tempdir_in(parent)
        .map_err(|error| cannot(&error))?;
    let made = scratch.path().join("project");
    for (file, text) in &files {
        write::create(&made.join(file), text.as_bytes())?;
    }
    std::fs::rename(&made, path).map_err(|error| cannot(&error))?;
    let names: Vec<&str> = files.iter().map(|(file, _)| *file).collect();
    session
        .output
        .detail(&format!("wrote {}", names.join(", ")));
    let fields = json!({ "path": path, "name": name, "files": names });
    Ok(Report::new(fields, format!("made {}\n", path.display()))
        .next(format!("cd {} && cargo zero run", path.display())))
}

type Files = Vec<(&'static str, String)>;

fn manifest(name: &PackageName, build: &str, rest: &str) -> String {
    format!(
        "[package]\nname = \"{name}\"\nversion = \"0.1.0\"\ndescription = \"Says hello\"\nlicense = \"MIT\"\n\
         readme = \"README.md\"\n\n[build]\n{build}\n\n\
         # What the program may ask for. Standard streams and arguments are always there; all else is denied\n\
         # unless it stands here, with the reason that its users will see, for instance:\n\
         # fs = [{{ from = \"args\", access = \"read\", reason = \"reads the files you name\" }}]\n\
         [capabilities]\n\n[limits]\nmemory = \"64 MiB\"\ntime = \"30 s\"\n{rest}"
    )
}

fn readme(name: &PackageName, uses: &str) -> String {
    format!(
        "# {name}\n\nBuilt and run with `cargo zero`.\n\n```console\n{uses}```\n\n\
         `cargo zero build` writes `target/zero/{base}-0.1.0.zero`; `cargo zero key generate` makes the key that signs it.\n",
        base = name.base()
    )
}

fn rust(name: &PackageName, component: bool) -> Files {
    let base = name.base();
    let (target, dependencies) = if component {
        (
            "wasm32-wasip2",
            "\n[dependencies]\nwit-bindgen = { version = \"0.50\", default-features = false, features = [\"macros\", \"realloc\"] }\n",
        )
    } else {
        ("wasm32-wasip1", "")
    };
    let cargo = format!(
        "[package]\nname = \"{base}\"\nversion = \"0.1.0\"\nedition = \"2024\"\nlicense = \"MIT\"\npublish = false\n{dependencies}\n\
         [profile.release]\nopt-level = \"s\"\ncodegen-units = 1\npanic = \"abort\"\n\n[workspace]\n"
    );
    let build = format!("kind = \"cargo\"\ntarget = \"{target}\"");
    let mut files = vec![
        ("Cargo.toml", cargo),
        (".gitignore", String::from("/target\n")),
    ];
    if component {
        let exports = "\n# Types and docs come from wit/world.wit; these examples are executed at every build.\n\
                       [exports.greet]\nexamples = [{ args = [\"you\"], result = \"Hello, you!\" }]\npure = true\n";
        let interface = format!(
            "package local:{base};\n\n/// Greetings.\ninterface greetings {{\n  /// A greeting for `name`.\n  greet: func(name: string) -> string;\n}}\n\n\
             world program {{\n  export greetings;\n}}\n"
        );
        let module = base.replace('-', "_");
        let source = format!(
            "mod bindings {{\n    wit_bindgen::generate!({{ world: \"program\", path: \"wit\" }});\n}}\n\nstruct Program;\n\n\
             impl bindings::exports::local::{module}::greetings::Guest for Program {{\n    fn greet(name: String) -> String {{\n        greet(&name)\n    }}\n}}\n\n\
             bindings::export!(Program with_types_in bindings);\n\nfn greet(name: &str) -> String {{\n    format!(\"Hello, {{name}}!\")\n}}\n\n\
             fn main() {{\n    let name = std::env::args().nth(1);\n    println!(\"{{}}\", greet(name.as_deref().unwrap_or(\"world\")));\n}}\n"
        );
        files.push(("Zero.toml", manifest(name, &build, exports)));
        files.push(("wit/world.wit", interface));
        files.push(("src/main.rs", source));
    } else {
        files.push(("Zero.toml", manifest(name, &build, "")));
        files.push((
            "src/main.rs",
            String::from(
                "fn main() {\n    let name = std::env::args().nth(1);\n    println!(\"Hello, {}!\", name.as_deref().unwrap_or(\"world\"));\n}\n",
            ),
        ));
    }
    files.push((
        "README.md",
        readme(
            name,
            "$ cargo zero run\nHello, world!\n$ cargo zero run -- you\nHello, you!\n",
        ),
    ));
    files
}

fn c(name: &PackageName) -> Files {
    let source = "#include <stdio.h>\n\nint main(int argc, char **argv)\n{\n    printf(\"Hello, %s!\\n\", argc > 1 ? argv[1] : \"world\");\n    return 0;\n}\n";
    vec![
        (
            "Zero.toml",
            manifest(
                name,
                "kind = \"clang\"\nsources = [\"src/main.c\"]\nflags = [\"-O2\"]",
                "",
            ),
        ),
        (".gitignore", String::from("/target\n")),
        ("src/main.c", String::from(source)),
        (
            "README.md",
            readme(
                name,
                "$ cargo zero run\nHello, world!\n$ cargo zero run -- you\nHello, you!\n",
            ),
        ),
    ]
}

fn wat(name: &PackageName) -> Files {
    let source = "(module\n  (import \"wasi_snapshot_preview1\" \"fd_write\"\n    (func $fd_write (param i32 i32 i32 i32) (result i32)))\n  \
                  (memory (export \"memory\") 1)\n  ;; One buffer descriptor at 0: address 16, length 14. The number of bytes written goes to 8.\n  \
                  (data (i32.const 0) \"\\10\\00\\00\\00\\0e\\00\\00\\00\")\n  (data (i32.const 16) \"Hello, world!\\n\")\n  \
                  (func (export \"_start\")\n    (drop\n      (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))))\n";
    vec![
        (
            "Zero.toml",
            manifest(name, "kind = \"module\"\nmodule = \"main.wat\"", ""),
        ),
        (".gitignore", String::from("/target\n")),
        ("main.wat", String::from(source)),
        (
            "README.md",
            readme(name, "$ cargo zero run\nHello, world!\n"),
        ),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_module_is_valid() {
        let files = wat(&"hello".parse().unwrap());
        let (_, source) = files.iter().find(|(name, _)| *name == "main.wat").unwrap();
        assert!(::wat::parse_str(source).is_ok());
    }
}
