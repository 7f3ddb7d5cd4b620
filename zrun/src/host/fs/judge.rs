//! What a failed call on a path meant: nothing in particular, or a use that was denied.

use wasmtime_wasi::FsPerms;
use zero_format::Access;

use super::{Place, Preopen, View};
use crate::host::denial::Denied;

/// What a call wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Intent {
    Read,
    /// Giving something another name.
    Rename,
    Write,
}

impl Intent {
    /// The access that it takes.
    pub(crate) const fn access(self) -> Access {
        match self {
            Self::Read => Access::Read,
            Self::Rename | Self::Write => Access::ReadWrite,
        }
    }
}

/// How a call failed, as far as it matters here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    /// There is no such file.
    NotFound,
    /// The sandbox said no.
    NotPermitted,
    /// Everything else, including what the host's own file rights forbid.
    Other,
}

/// A verdict on a failed call.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Verdict {
    pub(crate) denied: Denied,
    /// Whether "not found" is to be told as "access denied": in the root, absence means that nothing was granted.
    pub(crate) as_access: bool,
}

impl View {
    /// Judges a call on `path` below the open directory `base` that failed.
    pub(crate) fn judge(
        &self,
        base: &str,
        path: &str,
        intent: Intent,
        failure: Failure,
    ) -> Option<Verdict> {
        let (full, escapes) = join(base, path);
        let denied = match intent {
            Intent::Read => Denied::Read { path: full.clone() },
            Intent::Rename | Intent::Write => Denied::Write { path: full.clone() },
        };
        if failure == Failure::Other {
            return None;
        }
        let place = self.place(base);
        if place == Place::Root && failure == Failure::NotFound && !self.is_read_only(base) {
            // Where the program may write, what is not there is simply not there.
            return None;
        }
        if place == Place::Root {
            // Parents of what was granted exist for nobody; asking for them is no attempt at anything.
            let harmless = full == "/" || self.is_parent(&full);
            let absent = failure == Failure::NotFound
                && intent == Intent::Read
                && self.absent.contains(&full);
            return (!harmless && !absent).then_some(Verdict {
                denied,
                as_access: true,
            });
        }
        if failure == Failure::NotFound {
            return None;
        }
        let denied = if place == Place::Bundled && intent != Intent::Read {
            Denied::Bundled { path: full }
        } else if escapes || intent == Intent::Read {
            Denied::Escape { path: full }
        } else if self.is_read_only(base) {
            denied
        } else {
            return None;
        };
        Some(Verdict {
            denied,
            as_access: false,
        })
    }

    pub(super) fn holder(&self, path: &str) -> Option<&Preopen> {
        let holding = self
            .preopens
            .iter()
            .filter(|preopen| contains(&preopen.guest, path));
        holding.max_by_key(|preopen| preopen.guest.len())
    }

    pub(super) fn place(&self, path: &str) -> Place {
        self.holder(path)
            .map_or(Place::Root, |preopen| preopen.place)
    }

    /// Whether the package itself brought what is at this path.
    pub(crate) fn is_bundled(&self, path: &str) -> bool {
        self.place(path) == Place::Bundled
    }

    fn is_read_only(&self, path: &str) -> bool {
        self.holder(path)
            .is_some_and(|preopen| preopen.perms == FsPerms::ReadOnly)
    }

    fn is_parent(&self, path: &str) -> bool {
        self.preopens
            .iter()
            .any(|preopen| contains(path, &preopen.guest))
    }
}

/// Whether `inner` is `outer` or lies below it; both are absolute and normal.
pub(super) fn contains(outer: &str, inner: &str) -> bool {
    let rest = inner.strip_prefix(outer.trim_end_matches('/'));
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// The absolute guest path of `path` in `base`, by its text alone, and whether it climbs out of `base`.
pub(crate) fn join(base: &str, path: &str) -> (String, bool) {
    let mut parts: Vec<&str> = base.split('/').filter(|part| !part.is_empty()).collect();
    let depth = parts.len();
    let mut escapes = path.starts_with('/');
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
                escapes |= parts.len() < depth;
            }
            name => parts.push(name),
        }
    }
    (format!("/{}", parts.join("/")), escapes)
}
