//! The root of one run: what was named is put there, each at a guest path of its own.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use wasmtime_wasi::FsPerms;
use zero_format::{Access, GuestPath};

use super::directory::Directory;
use super::judge::contains;
use super::staging::Staging;
use super::{Place, Preopen, View, ViewError, copy};
use crate::disk;
use crate::policy::FsGrant;

/// Builds a view by putting things into its root.
pub(super) struct Stage<'a> {
    cache: &'a Path,
    pub(super) view: View,
    /// How files that arguments name may be used.
    pub(super) access: Access,
    /// What stands at which guest path.
    taken: BTreeMap<String, PathBuf>,
    /// The directories that outputs go to, each opened once.
    pub(super) directories: BTreeMap<PathBuf, Arc<Directory>>,
}

impl<'a> Stage<'a> {
    pub(super) fn new(cache: &'a Path, view: View, access: Access) -> Self {
        Self {
            cache,
            view,
            access,
            taken: BTreeMap::new(),
            directories: BTreeMap::new(),
        }
    }

    /// The private directory that the program sees as `/`, made when the first thing is put there.
    pub(super) fn root(&mut self) -> Result<PathBuf, ViewError> {
        if let Some(staging) = &self.view.staging {
            return Ok(staging.root());
        }
        let staging = self.view.staging.insert(Staging::create(self.cache)?);
        Ok(staging.root())
    }

    /// Shows a single file that a flag grants.
    pub(super) fn granted_file(&mut self, grant: &FsGrant) -> Result<(), ViewError> {
        let unusable = |source| ViewError::Grant {
            path: grant.host.clone(),
            source,
        };
        let file = copy::regular(&grant.host)
            .map_err(unusable)?
            .ok_or_else(|| unusable(io::ErrorKind::InvalidInput.into()))?;
        let guest = grant.guest.as_str();
        let host = fs::canonicalize(&grant.host).map_err(unusable)?;
        self.show(&file, guest)?;
        self.take(guest, host);
        Ok(())
    }

    /// Shows a file at a guest path where nobody can write.
    pub(super) fn show(&mut self, file: &File, guest: &str) -> Result<(), ViewError> {
        // Where the program may write, a link to the user's own inode would let it write that.
        let place = match self.access {
            Access::Read => copy::show,
            Access::ReadWrite => copy::private,
        };
        self.put(guest, |path| place(file, path)).map(drop)
    }

    /// Makes something at a guest path, and the directories above it.
    pub(super) fn put(
        &mut self,
        guest: &str,
        make: impl FnOnce(&Path) -> io::Result<()>,
    ) -> Result<PathBuf, ViewError> {
        let path = self.root()?.join(guest.trim_start_matches('/'));
        let ready = match path.parent() {
            Some(parent) => disk::private_dir(parent),
            None => Ok(()),
        };
        ready
            .and_then(|()| make(&path))
            .map_err(|source| ViewError::Staging {
                path: path.clone(),
                source,
            })?;
        Ok(path)
    }

    /// Where something that an argument names appears: at the path as it was typed if that can be, else at
    /// `/args/N/NAME`. Says also whether it stands there already.
    pub(super) fn guest_for(&self, at: usize, named: &Path, host: &Path) -> (String, bool) {
        let name = || named.file_name().or(host.file_name());
        let moved = || {
            let name = name().and_then(|name| name.to_str()).unwrap_or("file");
            (format!("/args/{at}/{name}"), false)
        };
        match natural(named) {
            Some(guest) if self.taken.get(&guest).is_some_and(|other| other == host) => {
                (guest, true)
            }
            Some(guest) if self.is_free(&guest) => (guest, false),
            _ => moved(),
        }
    }

    pub(super) fn take(&mut self, guest: &str, host: PathBuf) {
        self.taken.insert(guest.to_owned(), host);
    }

    /// Whether something can be put at a guest path: into the root, and neither above nor below what stands there.
    fn is_free(&self, guest: &str) -> bool {
        let above = guest
            .char_indices()
            .filter(|(at, c)| *c == '/' && *at > 0)
            .filter_map(|(at, _)| guest.get(..at));
        let below = format!("{guest}/");
        let next = self.taken.range(below.clone()..).next();
        guest != "/"
            && self.view.place(guest) == Place::Root
            && !self.taken.contains_key(guest)
            && !above.into_iter().any(|path| self.taken.contains_key(path))
            && !next.is_some_and(|(path, _)| path.starts_with(&below))
    }

    /// Whether the program sees this very thing at a guest path already, inside a directory that it was given.
    pub(super) fn shows(&self, named: &Path, host: &Path) -> bool {
        let Some(guest) = natural(named) else {
            return false;
        };
        let Some(holder) = self.view.holder(&guest) else {
            return false;
        };
        let enough = self.access == Access::Read || holder.perms == FsPerms::ReadWrite;
        let rest = guest.get(holder.guest.trim_end_matches('/').len()..);
        let seen = rest.map(|rest| holder.host.join(rest.trim_start_matches('/')));
        holder.place == Place::Granted
            && enough
            && seen.and_then(|seen| fs::canonicalize(seen).ok()).as_deref() == Some(host)
    }

    pub(super) fn cache(&self) -> &Path {
        self.cache
    }

    /// The finished view. Where outputs go, the program can write: a private directory, of which only they are kept.
    pub(super) fn finish(mut self) -> Result<View, ViewError> {
        let root = match &self.view.staging {
            Some(staging) => staging.root(),
            None => empty_root(self.cache)?,
        };
        let mut parents: Vec<String> = self.view.outputs.parents().collect();
        parents.sort_unstable();
        let mut private: Vec<String> = Vec::new();
        for parent in parents {
            if !private.iter().any(|outer| contains(outer, &parent)) {
                private.push(parent);
            }
        }
        let preopen = |guest: &str, perms| Preopen {
            host: match guest.trim_start_matches('/') {
                "" => root.clone(),
                inner => root.join(inner),
            },
            guest: guest.to_owned(),
            perms,
            place: Place::Root,
        };
        let mut roots = Vec::new();
        if private.first().is_none_or(|first| first != "/") {
            roots.push(preopen("/", FsPerms::ReadOnly));
        }
        roots.extend(
            private
                .iter()
                .map(|guest| preopen(guest, FsPerms::ReadWrite)),
        );
        roots.append(&mut self.view.preopens);
        self.view.preopens = roots;
        self.view.staged = self.taken;
        Ok(self.view)
    }
}

/// An empty directory that every run without files shares.
fn empty_root(cache: &Path) -> Result<PathBuf, ViewError> {
    let path = cache.join("empty");
    disk::private_dir(&path).map_err(|source| ViewError::Staging {
        path: path.clone(),
        source,
    })?;
    Ok(path)
}

/// The guest path that equals what the user typed, if there is one.
pub(super) fn natural(host: &Path) -> Option<String> {
    let mut parts = Vec::new();
    for component in host.components() {
        match component {
            Component::CurDir | Component::RootDir => {}
            Component::Normal(part) => parts.push(part.to_str()?),
            Component::ParentDir | Component::Prefix(_) => return None,
        }
    }
    let guest: GuestPath = format!("/{}", parts.join("/")).parse().ok()?;
    Some(guest.to_string())
}
