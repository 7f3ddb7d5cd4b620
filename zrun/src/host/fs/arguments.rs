//! Arguments that name files: designation is authorisation (spec/capabilities.md, "Files named as arguments").

use std::fs;
use std::io;
use std::path::Path;

use wasmtime_wasi::FsPerms;
use zero_format::Access;

use super::directory::Stamp;
use super::output::{Output, Target};
use super::stage::{Stage, natural};
use super::{Place, Preopen, ViewError, copy, holds};

/// An argument, split where the path in it begins.
struct Designation<'a> {
    /// `--output=` and the like.
    option: &'a str,
    path: &'a Path,
    /// Whether the word could as well be an option.
    dashed: bool,
}

impl<'a> Designation<'a> {
    /// What an argument may name: itself, or what follows the `=` of an option. `-` means a stream.
    fn of(argument: &'a str) -> Option<Self> {
        let dashed = argument.starts_with('-');
        let path_at = match argument.find('=') {
            Some(equals) if dashed => equals + 1,
            _ => 0,
        };
        let (option, path) = argument.split_at_checked(path_at)?;
        (!path.is_empty() && path != "-").then(|| Self {
            option,
            path: Path::new(path),
            dashed: dashed && option.is_empty(),
        })
    }

    fn with(&self, guest: &str) -> String {
        format!("{}{guest}", self.option)
    }
}

/// What an argument may name, whether or not something is there.
pub(crate) fn named(argument: &str) -> Option<&Path> {
    Designation::of(argument).map(|named| named.path)
}

impl Stage<'_> {
    /// Gives the program what its arguments name. An argument keeps its text where it can.
    pub(super) fn arguments(&mut self, args: &mut [String]) -> Result<(), ViewError> {
        let mut done = Vec::with_capacity(args.len());
        // Directories first: what lies inside a named directory is visible there already.
        for (at, argument) in args.iter_mut().enumerate() {
            done.push(self.directory(at, argument));
        }
        for (at, argument) in args.iter_mut().enumerate() {
            if done.get(at) == Some(&false) {
                self.file(at, argument)?;
            }
        }
        Ok(())
    }

    /// A directory is used in place; whether the argument named one.
    fn directory(&mut self, at: usize, argument: &mut String) -> bool {
        let Some(named) = Designation::of(argument) else {
            return false;
        };
        let Ok(host) = fs::canonicalize(named.path) else {
            return false;
        };
        if !host.is_dir() {
            return false;
        }
        // The whole machine is never meant by a word, and the runtime's own state is not the program's business.
        if host.parent().is_none() || holds(&host, self.cache()) || self.shows(named.path, &host) {
            return true;
        }
        let (guest, stands) = self.guest_for(at, named.path, &host);
        if stands {
            return true;
        }
        if natural(named.path).as_ref() != Some(&guest) {
            *argument = named.with(&guest);
        }
        let perms = match self.access {
            Access::Read => FsPerms::ReadOnly,
            Access::ReadWrite => FsPerms::ReadWrite,
        };
        self.take(&guest, host.clone());
        self.view.preopens.push(Preopen {
            host,
            guest,
            perms,
            place: Place::Granted,
        });
        true
    }

    fn file(&mut self, at: usize, argument: &mut String) -> Result<(), ViewError> {
        let Some(named) = Designation::of(argument) else {
            return Ok(());
        };
        let path = named.path;
        let file = match copy::regular(path) {
            Ok(Some(file)) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let guest = self.absent(at, &named)?;
                if let Some(guest) = guest {
                    *argument = named.with(&guest);
                }
                return Ok(());
            }
            // Not a file, or not one that the user may read: the program sees the text and gets "denied".
            _ => return Ok(()),
        };
        let host = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        if self.shows(path, &host) {
            return Ok(());
        }
        let (guest, stands) = self.guest_for(at, path, &host);
        if !stands {
            match self.access {
                Access::Read => self.show(&file, &guest)?,
                Access::ReadWrite => self.output(&file, &guest, &host)?,
            }
            self.take(&guest, host);
        }
        if natural(path).as_ref() != Some(&guest) {
            *argument = named.with(&guest);
        }
        Ok(())
    }

    /// A file that the program may change: it gets a copy of its own, which replaces the file in the end.
    fn output(&mut self, file: &fs::File, guest: &str, host: &Path) -> Result<(), ViewError> {
        let unusable = |source| ViewError::Grant {
            path: host.to_owned(),
            source,
        };
        let target = Target::of(host, &mut self.directories).map_err(unusable)?;
        let before = Stamp::of(file).map_err(unusable)?;
        // Two arguments for one file have to stay one file.
        let twin = self.view.outputs.staged_for(&target).map(Path::to_owned);
        let staged = self.put(guest, |path| match twin {
            Some(twin) => fs::hard_link(twin, path),
            None => copy::private(file, path),
        })?;
        self.view.outputs.push(Output {
            guest: guest.to_owned(),
            staged,
            target,
            before: Some(before),
            touched: false,
        });
        Ok(())
    }

    /// An argument that names nothing: whoever may write may make it, everybody else may hear that it is not there.
    /// Returns the guest path if the argument cannot keep its text.
    fn absent(&mut self, at: usize, named: &Designation<'_>) -> Result<Option<String>, ViewError> {
        // A link that leads nowhere says where something should be that is not the user's word.
        let dangling = named.path.symlink_metadata().is_ok();
        let target = match self.access {
            Access::ReadWrite if !named.dashed && !dangling => {
                Target::of(named.path, &mut self.directories).ok()
            }
            _ => None,
        };
        let Some(target) = target else {
            self.view.absent.extend(natural(named.path));
            return Ok(None);
        };
        if self.in_writable_directory(named.path) {
            return Ok(None);
        }
        let host = target.path().to_owned();
        let (guest, stands) = self.guest_for(at, named.path, &host);
        if !stands {
            let staged = self.put(&guest, |_| Ok(()))?;
            self.take(&guest, host);
            self.view.outputs.push(Output {
                guest: guest.clone(),
                staged,
                target,
                before: None,
                touched: false,
            });
        }
        Ok((natural(named.path).as_ref() != Some(&guest)).then_some(guest))
    }

    /// Whether a path lies in a directory that the program can write as it is.
    fn in_writable_directory(&self, path: &Path) -> bool {
        let Some(parent) = path
            .parent()
            .filter(|parent| !parent.as_os_str().is_empty())
        else {
            return false;
        };
        fs::canonicalize(parent).is_ok_and(|host| self.shows(parent, &host))
    }
}
