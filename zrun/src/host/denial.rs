//! What a program is told, and what its user reads, when it uses something that it may not use.
//!
//! The program gets WASI's "denied". The user gets one line for each thing, which names the flag that would allow it,
//! or the line that the developer has to add when the package does not declare it.

use std::collections::BTreeSet;
use std::fmt;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use zero_format::{Access, Capabilities, Clock, FsRule, FsScope, GuestPath, printable};

use super::stdio::Sink;
use crate::audit::{Reason, Recorder, Use};
#[cfg(feature = "http")]
use crate::http::{HttpScope, HttpTarget};
use crate::net::NetScope;
use crate::policy::Refusal;

/// Lines that one run prints at most.
const MAX_LINES: usize = 16;

/// Something that a program tried.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Denied {
    MonotonicClock,
    WallClock,
    /// A path that leads out of the directory that holds it.
    Escape {
        path: String,
    },
    /// Writing to the files that the package brought along.
    Bundled {
        path: String,
    },
    Read {
        path: String,
    },
    Write {
        path: String,
    },
    Connect {
        address: SocketAddr,
        /// The names that resolved to it in this run.
        names: Vec<String>,
        /// Whether the package declares it, and whether the user refused it: only the network's policy can tell.
        declared: bool,
        refused: bool,
    },
    Listen,
    /// An HTTP request to a host of which no address may be reached.
    #[cfg_attr(
        not(feature = "http"),
        expect(dead_code, reason = "nothing sends requests")
    )]
    Address {
        host: String,
        address: SocketAddr,
        refused: bool,
    },
    /// An HTTP request.
    #[cfg_attr(
        not(feature = "http"),
        expect(dead_code, reason = "nothing sends requests")
    )]
    Request {
        method: String,
        url: String,
        /// A pattern that means it.
        pattern: Option<String>,
        declared: bool,
        refused: bool,
    },
    Lookup {
        name: String,
    },
    Network,
    Random,
}

/// Collects denials, prints each once, and traps when the user asked for that. Clones report to the same place: the
/// network's policy object lives outside the store.
#[derive(Clone)]
pub(crate) struct Denials {
    declared: Arc<Capabilities>,
    sink: Sink,
    refused: Arc<Vec<Refusal>>,
    quiet: bool,
    strict: bool,
    recorder: Recorder,
    said: Said,
    /// What was denied where the program could not be ended at once.
    pending: Arc<Mutex<Option<String>>>,
}

/// What the user has been told. Several runs may share it, so that nothing is said twice.
#[derive(Clone, Default)]
pub(crate) struct Said(Arc<Mutex<Seen>>);

#[derive(Default)]
struct Seen {
    denied: BTreeSet<Denied>,
    cut_off: bool,
}

/// The trap of `--strict`, and of functions that have no way to say "denied".
#[derive(Debug, thiserror::Error)]
#[error("denied: {what}")]
pub struct DeniedTrap {
    what: String,
}

impl Denials {
    pub(crate) fn new(
        declared: Capabilities,
        refused: Vec<Refusal>,
        sink: Sink,
        quiet: bool,
        strict: bool,
        recorder: Recorder,
    ) -> Self {
        let (declared, refused) = (Arc::new(declared), Arc::new(refused));
        Self {
            declared,
            refused,
            sink,
            quiet,
            strict,
            recorder,
            said: Said::default(),
            pending: Arc::default(),
        }
    }

    /// The same, in a run that shares what was said with others.
    #[must_use]
    pub(crate) fn after(mut self, said: Said) -> Self {
        self.said = said;
        self
    }

    /// Who hears of it, and of what was not denied.
    pub(crate) fn recorder(&self) -> &Recorder {
        &self.recorder
    }

    /// Reports a denied use that the program can be told about.
    pub(crate) fn deny(&self, denied: Denied) -> wasmtime::Result<()> {
        if self.strict {
            return Err(self.trap(denied));
        }
        self.report(denied);
        self.recorder.go_on()
    }

    /// Reports a denied use in a function that cannot fail: the program ends here.
    pub(crate) fn trap(&self, denied: Denied) -> wasmtime::Error {
        let what = denied.to_string();
        self.report(denied);
        wasmtime::Error::new(DeniedTrap { what })
    }

    /// Reports a denied use from a place that cannot end the program; [`Denials::settle`] does that.
    pub(crate) fn note(&self, denied: Denied) {
        if self.strict {
            let mut pending = self.pending.lock().unwrap_or_else(PoisonError::into_inner);
            pending.get_or_insert_with(|| denied.to_string());
        }
        self.report(denied);
    }

    /// Ends the program if something was noted that `--strict` does not let pass.
    pub(crate) fn settle(&self) -> wasmtime::Result<()> {
        let mut pending = self.pending.lock().unwrap_or_else(PoisonError::into_inner);
        match pending.take() {
            Some(what) => Err(wasmtime::Error::new(DeniedTrap { what })),
            None => self.recorder.go_on(),
        }
    }

    /// Prints what is new.
    fn report(&self, denied: Denied) {
        self.recorder
            .denied(|| (denied.attempt(), self.reason(&denied)));
        let mut seen = self.said.0.lock().unwrap_or_else(PoisonError::into_inner);
        if self.quiet || seen.denied.contains(&denied) {
            return;
        }
        if seen.denied.len() >= MAX_LINES {
            if !std::mem::replace(&mut seen.cut_off, true) {
                self.print("zrun: denied: more, which is not shown");
            }
            return;
        }
        let line = format!("zrun: denied: {denied} — {}", self.advice(&denied));
        self.print(&line);
        seen.denied.insert(denied);
    }

    /// Whether the package declares a request. A policy that grants nothing does not know.
    #[cfg(feature = "http")]
    pub(crate) fn declares_request(&self, target: &HttpTarget) -> bool {
        let mut rules = self.declared.http.iter();
        rules.any(|rule| HttpScope::of(rule).matches(target))
    }

    /// Says something else that the user should know.
    pub(crate) fn tell(&self, what: &str) {
        if !self.quiet {
            self.print(&format!("zrun: {what}"));
        }
    }

    fn print(&self, line: &str) {
        // The program chose parts of the line: it must not move the cursor or fake another line.
        let mut line = printable(line);
        line.push('\n');
        // A closed stderr is no reason to end the program.
        let _ = self.sink.write_unmetered(line.as_bytes());
    }

    fn advice(&self, denied: &Denied) -> String {
        if let Some(flag) = self.refusing_flag(denied) {
            return format!("it is refused with {flag}");
        }
        let declared = &self.declared;
        match denied {
            Denied::MonotonicClock | Denied::WallClock if !declared.clock.is_empty() => {
                "allow with --allow-clock".to_owned()
            }
            Denied::MonotonicClock => undeclared(r#"clock = ["monotonic"]"#),
            Denied::WallClock => undeclared(r#"clock = ["wall"]"#),
            Denied::Escape { .. } => {
                "a path may not lead out of the directory that was granted".to_owned()
            }
            Denied::Bundled { .. } => "the package's own files are read-only".to_owned(),
            Denied::Read { path } => self.fs_advice(path, Access::Read),
            Denied::Write { path } => self.fs_advice(path, Access::ReadWrite),
            Denied::Connect {
                address, declared, ..
            } => connect_advice(*address, *declared),
            Denied::Address { address, .. } => {
                format!("a private address is reached only when it is named: --allow-net {address}")
            }
            Denied::Request {
                method,
                pattern,
                declared,
                ..
            } => request_advice(method, pattern.as_deref(), *declared),
            Denied::Listen => "programs cannot listen for connections".to_owned(),
            Denied::Lookup { name }
                if declared.net.iter().any(|rule| rule.host.matches_name(name)) =>
            {
                format!("allow with --allow-net {name}")
            }
            Denied::Lookup { name } => undeclared(&format!(r#"net = [{{ host = "{name}" }}]"#)),
            Denied::Network if declared.net.is_empty() => {
                undeclared(r#"net = [{ host = "…", ports = […] }]"#)
            }
            Denied::Network => format!("allow with {}", self.net_flags()),
            Denied::Random if declared.random.is_some() => "allow with --allow-random".to_owned(),
            Denied::Random => undeclared("random = true"),
        }
    }

    /// Why it is denied, in one word.
    fn reason(&self, denied: &Denied) -> Reason {
        if self.refusing_flag(denied).is_some() {
            return Reason::Refused;
        }
        let declared = &self.declared;
        let is_declared = match denied {
            Denied::Bundled { .. } => return Reason::PackageFiles,
            Denied::Escape { .. } => return Reason::Outside,
            Denied::Listen => return Reason::Unsupported,
            Denied::Address { .. } => true,
            Denied::MonotonicClock | Denied::WallClock => !declared.clock.is_empty(),
            Denied::Read { path } => self.declares_path(path, Access::Read),
            Denied::Write { path } => self.declares_path(path, Access::ReadWrite),
            Denied::Connect { declared, .. } | Denied::Request { declared, .. } => *declared,
            Denied::Lookup { name } => declared.net.iter().any(|rule| rule.host.matches_name(name)),
            Denied::Network => !declared.net.is_empty(),
            Denied::Random => declared.random.is_some(),
        };
        if is_declared {
            Reason::NotGranted
        } else {
            Reason::Undeclared
        }
    }

    fn declares_path(&self, path: &str, access: Access) -> bool {
        self.scope_of(path, access).is_some() || self.declares_arguments(access)
    }

    /// The flag by which the user refused this use. A use that is not declared is denied with or without it.
    fn refusing_flag(&self, denied: &Denied) -> Option<&'static str> {
        let declared = &self.declared;
        let (refusal, flag, declared) = match denied {
            Denied::MonotonicClock | Denied::WallClock => {
                (Refusal::Clock, "--deny-clock", !declared.clock.is_empty())
            }
            Denied::Read { .. } | Denied::Write { .. } => {
                (Refusal::Fs, "--deny-fs", !declared.fs.is_empty())
            }
            Denied::Connect { refused: true, .. } | Denied::Address { refused: true, .. } => {
                return Some("--deny-net");
            }
            Denied::Request { refused: true, .. } => return Some("--deny-http"),
            Denied::Request { declared: true, .. } if self.refused.contains(&Refusal::Net) => {
                return Some("--deny-net");
            }
            Denied::Request { declared, .. } => (Refusal::Http, "--deny-http", *declared),
            Denied::Lookup { .. } | Denied::Network => {
                (Refusal::Net, "--deny-net", !declared.net.is_empty())
            }
            Denied::Random => (Refusal::Random, "--deny-random", declared.random.is_some()),
            _ => return None,
        };
        (declared && self.refused.contains(&refusal)).then_some(flag)
    }

    fn fs_advice(&self, path: &str, access: Access) -> String {
        let (mode, word) = match access {
            Access::Read => ("ro", "read"),
            Access::ReadWrite => ("rw", "read-write"),
        };
        match self.scope_of(path, access) {
            Some(scope) => format!("allow with --allow-fs DIR:{mode}={scope}"),
            _ if self.declares_arguments(access) => {
                "allow by naming the file as an argument, without --deny-fs".to_owned()
            }
            _ => undeclared(&format!(
                r#"fs = [{{ guest = "{path}", access = "{word}" }}]"#
            )),
        }
    }

    /// The declared folder that holds a path.
    fn scope_of(&self, path: &str, access: Access) -> Option<&GuestPath> {
        let wanted = path.parse::<GuestPath>().ok()?;
        let mut rules = self.declared.fs.iter();
        rules.find_map(|rule| match &rule.scope {
            FsScope::Guest(scope) if scope.contains(&wanted) && rule.access >= access => {
                Some(scope)
            }
            _ => None,
        })
    }

    /// Whether files that are named on the command line could have been used this way.
    fn declares_arguments(&self, access: Access) -> bool {
        let covers = |rule: &FsRule| rule.scope == FsScope::Args && rule.access >= access;
        self.declared.fs.iter().any(covers)
    }

    fn net_flags(&self) -> String {
        let flags = self
            .declared
            .net
            .iter()
            .map(|rule| format!("--allow-net {}", NetScope::of(rule)));
        flags.collect::<Vec<_>>().join(" ")
    }
}

fn connect_advice(address: SocketAddr, declared: bool) -> String {
    if declared {
        // An address with its port reads back as the flag's value, brackets included.
        return format!("allow with --allow-net {address}");
    }
    undeclared(&format!(
        r#"net = [{{ host = "{}", ports = [{}] }}]"#,
        address.ip(),
        address.port()
    ))
}

fn request_advice(method: &str, pattern: Option<&str>, declared: bool) -> String {
    match pattern {
        Some(pattern) if declared => format!("allow with --allow-http \"{method} {pattern}\""),
        Some(pattern) => undeclared(&format!(
            r#"http = [{{ url = "{pattern}", methods = ["{method}"] }}]"#
        )),
        None => "no pattern can mean such a URL".to_owned(),
    }
}

fn undeclared(line: &str) -> String {
    format!(
        "the package does not declare it; its developer would add `{line}` to [capabilities] in Zero.toml"
    )
}

impl Denied {
    /// What the program tried.
    fn attempt(&self) -> Use {
        match self {
            Self::MonotonicClock => Use::Clock(Clock::Monotonic),
            Self::WallClock => Use::Clock(Clock::Wall),
            Self::Escape { path } | Self::Read { path } => Use::Fs {
                path: path.clone(),
                access: Access::Read,
            },
            Self::Bundled { path } | Self::Write { path } => Use::Fs {
                path: path.clone(),
                access: Access::ReadWrite,
            },
            Self::Connect { address, names, .. } => Use::Connect {
                address: *address,
                names: names.clone(),
            },
            Self::Listen => Use::Listen,
            Self::Address { host, address, .. } => Use::Connect {
                address: *address,
                names: vec![host.clone()],
            },
            Self::Request { method, url, .. } => Use::Http {
                method: method.clone(),
                url: url.clone(),
            },
            Self::Lookup { name } => Use::Lookup { name: name.clone() },
            Self::Network => Use::Network,
            Self::Random => Use::Random,
        }
    }
}

impl fmt::Display for Denied {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::MonotonicClock => f.write_str("read the monotonic clock"),
            Self::WallClock => f.write_str("read the wall clock"),
            Self::Escape { path } => write!(f, "leave the granted directory: {path}"),
            Self::Bundled { path } | Self::Write { path } => write!(f, "write {path}"),
            Self::Read { path } => write!(f, "read {path}"),
            Self::Connect { address, .. } => write!(f, "connect to {address}"),
            Self::Address { host, address, .. } => {
                write!(f, "send a request for {host} to {address}")
            }
            Self::Request { method, url, .. } => write!(f, "send {method} {url}"),
            Self::Listen => f.write_str("listen for connections"),
            Self::Lookup { name } => write!(f, "look up {name}"),
            Self::Network => f.write_str("use the network"),
            Self::Random => f.write_str("draw random numbers"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::stdio::{Capture, Io, Streams};
    use super::*;

    fn denials(declared: Capabilities, strict: bool) -> (Denials, Capture) {
        let capture = Capture::default();
        let streams = Streams::new(
            Io {
                stderr: capture.output(),
                ..Io::default()
            },
            0,
        );
        (
            Denials::new(
                declared,
                Vec::new(),
                streams.stderr(),
                false,
                strict,
                Recorder::default(),
            ),
            capture,
        )
    }

    fn lines(capture: &Capture) -> Vec<String> {
        String::from_utf8(capture.take())
            .unwrap()
            .lines()
            .map(ToOwned::to_owned)
            .collect()
    }

    fn read(path: &str) -> Denied {
        Denied::Read {
            path: path.to_owned(),
        }
    }

    fn data() -> Capabilities {
        Capabilities {
            fs: vec![FsRule {
                scope: FsScope::Guest("/data".parse().unwrap()),
                access: Access::Read,
                reason: None,
            }],
            ..Capabilities::default()
        }
    }

    #[test]
    fn undeclared_and_ungranted_uses_read_differently() {
        let (denials, capture) = denials(data(), false);
        denials.deny(read("/data/x.csv")).unwrap();
        denials
            .deny(Denied::Write {
                path: "/data/x.csv".to_owned(),
            })
            .unwrap();
        assert_eq!(
            lines(&capture),
            [
                "zrun: denied: read /data/x.csv — allow with --allow-fs DIR:ro=/data",
                "zrun: denied: write /data/x.csv — the package does not declare it; its developer would add \
                 `fs = [{ guest = \"/data/x.csv\", access = \"read-write\" }]` to [capabilities] in Zero.toml",
            ]
        );
    }

    #[test]
    fn files_that_arguments_may_name_are_not_called_undeclared() {
        let mut declared = data();
        for rule in &mut declared.fs {
            rule.scope = FsScope::Args;
        }
        let (denials, capture) = denials(declared, false);
        denials.deny(read("/x.csv")).unwrap();
        assert_eq!(
            lines(&capture),
            [
                "zrun: denied: read /x.csv — allow by naming the file as an argument, without --deny-fs"
            ]
        );
    }

    #[test]
    fn the_flag_for_a_connection_is_one_that_works() {
        let (denials, capture) = denials(Capabilities::default(), false);
        let to = |address: &str, declared, refused| {
            denials.note(Denied::Connect {
                address: address.parse().unwrap(),
                names: Vec::new(),
                declared,
                refused,
            });
            lines(&capture).concat()
        };
        assert!(to("[fd00::1]:80", true, false).ends_with("allow with --allow-net [fd00::1]:80"));
        assert!(
            to("10.0.0.1:80", false, false)
                .contains(r#"net = [{ host = "10.0.0.1", ports = [80] }]"#)
        );
        assert!(to("10.0.0.2:80", true, true).ends_with("it is refused with --deny-net"));
    }

    #[test]
    fn what_cannot_trap_at_once_is_settled_later() {
        let (denials, _) = denials(Capabilities::default(), true);
        assert!(denials.settle().is_ok());
        denials.note(Denied::Listen);
        let error = denials.settle().unwrap_err();
        assert_eq!(error.to_string(), "denied: listen for connections");
        assert!(denials.settle().is_ok());
    }

    #[test]
    fn the_same_denial_is_said_once_and_many_are_cut_off() {
        let (denials, capture) = denials(Capabilities::default(), false);
        for round in 0..3 {
            for at in 0..40 {
                denials.deny(read(&format!("/{at}"))).unwrap();
            }
            assert_eq!(
                lines(&capture).len(),
                if round == 0 { MAX_LINES + 1 } else { 0 }
            );
        }
    }

    #[test]
    fn a_program_cannot_write_control_characters_through_a_denial() {
        let (denials, capture) = denials(Capabilities::default(), false);
        denials.deny(read("/a\n\u{1b}[2Jb")).unwrap();
        let text = String::from_utf8(capture.take()).unwrap();
        assert_eq!(text.chars().filter(|c| c.is_control()).count(), 1);
    }

    #[test]
    fn strict_traps_and_still_says_why() {
        let (denials, capture) = denials(Capabilities::default(), true);
        let error = denials.deny(Denied::Random).unwrap_err();
        assert_eq!(
            error.downcast_ref::<DeniedTrap>().unwrap().to_string(),
            "denied: draw random numbers"
        );
        assert_eq!(lines(&capture).len(), 1);
    }
}
