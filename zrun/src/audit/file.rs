//! The audit file: one line of JSON for each event, appended.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::{Map, Value, json};
use zero_format::{Access, Clock};

use super::{Event, Listener, Started, Use, What};
use crate::host::fs::named;
use crate::limits::{LimitReached, Limits};
use crate::policy::Grants;

/// An audit file that runs append to, one after the other or at the same time.
#[derive(Clone, Debug)]
pub struct Audit {
    file: Arc<File>,
}

/// The audit of one run: a [`Listener`].
#[derive(Debug)]
pub struct AuditRun {
    file: Arc<File>,
    id: String,
    time: u64,
}

/// Why an audit cannot be kept.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AuditError {
    /// The file cannot be opened, or not be appended to.
    #[error("append to the audit file {}", .path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The program could change its own audit.
    #[error(
        "keep the audit in {}: the program may write to {}, which holds it", .path.display(), .folder.display()
    )]
    Writable {
        /// The file.
        path: PathBuf,
        /// What is granted for writing: a folder, or the file itself.
        folder: PathBuf,
    },
}

impl AuditError {
    /// What the user can do about it.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Io { .. } => {
                "name a file that can be written: with --audit nothing runs unrecorded".to_owned()
            }
            Self::Writable { .. } => "name a file outside of what the program may write".to_owned(),
        })
    }
}

impl Audit {
    /// Opens the file, or makes it for the user alone. What is there stays.
    ///
    /// # Errors
    /// When it cannot be opened for appending, or lies where a program with these grants and arguments may write.
    pub fn open(path: &Path, grants: &Grants, args: &[OsString]) -> Result<Self, AuditError> {
        let failed = |source| AuditError::Io {
            path: path.to_owned(),
            source,
        };
        let mut options = OpenOptions::new();
        options.append(true).create(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(path).map_err(failed)?;
        if let Some(folder) = writable(path, grants, args) {
            return Err(AuditError::Writable {
                path: path.to_owned(),
                folder,
            });
        }
        // A run that was cut off in the middle of a line does not take the next one's first line with it.
        if ends_inside_a_line(path) {
            file.write_all(b"\n").map_err(failed)?;
        }
        Ok(Self {
            file: Arc::new(file),
        })
    }

    /// The audit of a run that begins at `time`, in seconds since 1970.
    ///
    /// # Errors
    /// When the system gives no random bytes for its name.
    pub fn run(&self, time: u64) -> io::Result<AuditRun> {
        let mut id = [0; 8];
        getrandom::fill(&mut id).map_err(io::Error::other)?;
        Ok(AuditRun {
            file: Arc::clone(&self.file),
            id: format!("{:016x}", u64::from_be_bytes(id)),
            time,
        })
    }
}

/// What is granted for writing, by a flag or as an argument, and holds the file or is it.
fn writable(path: &Path, grants: &Grants, args: &[OsString]) -> Option<PathBuf> {
    let file = fs::canonicalize(path).ok()?;
    let granted = grants
        .fs
        .iter()
        .filter(|grant| grant.access == Access::ReadWrite)
        .map(|grant| grant.host.as_path());
    let args = match grants.args {
        Some(Access::ReadWrite) => args,
        _ => &[],
    };
    let named = args.iter().filter_map(|argument| named(argument.to_str()?));
    granted
        .chain(named)
        .find(|path| fs::canonicalize(path).is_ok_and(|folder| file.starts_with(folder)))
        .map(Path::to_owned)
}

fn ends_inside_a_line(path: &Path) -> bool {
    let is_file = fs::metadata(path).is_ok_and(|metadata| metadata.is_file());
    let last = || {
        let mut file = File::open(path).ok()?;
        file.seek(SeekFrom::End(-1)).ok()?;
        let mut byte = [0];
        file.read_exact(&mut byte).ok()?;
        Some(byte)
    };
    is_file && last().is_some_and(|last| last != *b"\n")
}

impl Listener for AuditRun {
    /// One line, one call of the system: lines of two runs do not mix.
    fn hear(&mut self, event: &Event<'_>) -> io::Result<()> {
        let mut line = Map::new();
        line.insert("run".to_owned(), self.id.clone().into());
        let millis = u64::try_from(event.at.as_millis()).unwrap_or(u64::MAX);
        line.insert("ms".to_owned(), millis.into());
        let (name, fields) = self.fields(&event.what);
        line.insert("event".to_owned(), name.into());
        if let Value::Object(fields) = fields {
            line.extend(fields);
        }
        let mut text = Value::Object(line).to_string();
        text.push('\n');
        (&*self.file).write_all(text.as_bytes())
    }
}

impl AuditRun {
    fn fields(&self, what: &What<'_>) -> (&'static str, Value) {
        match what {
            What::Started(started) => ("start", self.start(started)),
            What::Used(one) => ("use", used(one)),
            What::Denied(one, reason) => {
                let mut fields = used(one);
                if let Value::Object(fields) = &mut fields {
                    fields.insert("reason".to_owned(), reason.as_str().into());
                }
                ("denied", fields)
            }
            What::Reached(limit) => ("limit", reached(limit)),
            What::Ended(ended) => (
                "exit",
                json!({
                    "outcome": ended.outcome,
                    "code": ended.code,
                    "fuel": ended.fuel,
                    "uses": ended.uses,
                    "denials": ended.denials,
                }),
            ),
        }
    }

    fn start(&self, started: &Started<'_>) -> Value {
        let signers: Vec<String> = started
            .signers
            .iter()
            .map(zero_format::PublicKey::to_base64)
            .collect();
        json!({
            "time": self.time,
            "package": started.package.name,
            "version": started.package.version,
            "digest": started.digest,
            "registry": started.registry,
            "signers": signers,
            "grants": granted(started.grants),
            "limits": limits(started.limits),
        })
    }
}

fn used(one: &Use) -> Value {
    let capability = one.kind().as_str();
    match one {
        Use::Clock(which) => {
            json!({ "capability": capability, "action": "read", "clock": clock(*which) })
        }
        Use::Connect { address, names } => {
            json!({ "capability": capability, "action": "connect", "address": address, "names": names })
        }
        Use::Env { names } => {
            json!({ "capability": capability, "action": "read", "names": names })
        }
        Use::Fs { path, access } => {
            json!({ "capability": capability, "action": action(*access), "path": path })
        }
        Use::Http { method, url } => {
            json!({ "capability": capability, "action": "request", "method": method, "url": url })
        }
        Use::Listen => json!({ "capability": capability, "action": "listen" }),
        Use::Lookup { name } => {
            json!({ "capability": capability, "action": "lookup", "name": name })
        }
        Use::Network => json!({ "capability": capability, "action": "open" }),
        Use::Random => json!({ "capability": capability, "action": "draw" }),
    }
}

fn reached(limit: &LimitReached) -> Value {
    json!({ "limit": limit.name(), "value": limit.value() })
}

fn granted(grants: &Grants) -> Value {
    let fs: Vec<Value> = grants
        .fs
        .iter()
        .map(|grant| {
            json!({ "guest": grant.guest, "host": grant.host.to_string_lossy(), "access": grant.access })
        })
        .collect();
    let net: Vec<String> = grants.net.granted.iter().map(ToString::to_string).collect();
    let http: Vec<String> = grants
        .http
        .granted
        .iter()
        .map(ToString::to_string)
        .collect();
    let env: Vec<&str> = grants.env.iter().map(|(name, _)| name.as_str()).collect();
    let clocks = [
        (Clock::Monotonic, grants.monotonic_clock),
        (Clock::Wall, grants.wall_clock),
    ];
    let clocks: Vec<&str> = clocks
        .into_iter()
        .filter(|(_, granted)| *granted)
        .map(|(which, _)| clock(which))
        .collect();
    json!({ "fs": fs, "args": grants.args, "net": net, "http": http, "env": env, "clock": clocks, "random": grants.random })
}

fn limits(limits: &Limits) -> Value {
    let millis = u64::try_from(limits.time.as_millis()).unwrap_or(u64::MAX);
    json!({
        "memory": limits.memory,
        "time_ms": millis,
        "output": limits.output,
        "write": limits.write,
        "handles": limits.handles,
        "fuel": limits.fuel,
    })
}

const fn clock(clock: Clock) -> &'static str {
    match clock {
        Clock::Monotonic => "monotonic",
        Clock::Wall => "wall",
    }
}

const fn action(access: Access) -> &'static str {
    match access {
        Access::Read => "read",
        Access::ReadWrite => "write",
    }
}
