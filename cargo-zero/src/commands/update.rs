//! `update`: installed packages, and the remembered versions of others, move to the newest that they may have.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Value, json};
use zero_format::{Capabilities, FsScope, PackageRef, Version, printable};
use zero_registry::ResolveOptions;
use zrun::{Folder, FsFlag, GrantArgs, Installed, LockFile, Locked, Resolution};

use super::{install, list};
use crate::cli::Update;
use crate::host::Session;
use crate::lock;
use crate::packages::{self, Obtained, Wish};
use crate::registries;
use crate::report::{Class, Failure, Report};

pub(crate) fn run(session: &Session, args: &Update) -> Result<Report, Failure> {
    let mut work = Work {
        session,
        min_age: args.min_age,
        asked: BTreeSet::new(),
        moves: Vec::new(),
        failures: Vec::new(),
    };
    let wanted = |names: &[&str]| {
        args.packages.is_empty()
            || args
                .packages
                .iter()
                .any(|one| names.contains(&one.as_str()))
    };
    let mut met = false;
    for one in list::installed(session)? {
        let found = &one.resolution;
        if wanted(&[one.launcher.as_str(), found.name.as_str(), &found.selector]) {
            met = true;
            work.attempt(|work| work.installed(&one, args.allow_declared));
        }
    }
    for one in remembered(session)? {
        if wanted(&[one.name.as_str(), &one.selector]) {
            met = true;
            // What was asked for exactly, or locked, has no newer version to go to.
            if exact(&one.selector) {
                continue;
            }
            work.attempt(|work| work.remembered(&one));
        }
    }
    if let Some(file) = lock::nearest(session)? {
        for one in file.entries() {
            if wanted(&[one.name.as_str(), &one.request]) {
                met = true;
                work.attempt(|work| work.locked(&file, one));
            }
        }
    }
    if !met && !args.packages.is_empty() {
        return Err(Failure::new(
            Class::NotFound,
            format!(
                "nothing here is called {}",
                printable(&args.packages.join(" or "))
            ),
        )
        .hint("`cargo zero list` shows what is installed"));
    }
    work.report()
}

fn remembered(session: &Session) -> Result<Vec<Resolution>, Failure> {
    session
        .home
        .remembered(&session.secret()?)
        .map_err(|error| Failure::failed("cannot read what is remembered").because(&error))
}

fn exact(selector: &str) -> bool {
    selected(selector).is_ok_and(|asked| asked.req().as_exact().is_some())
}

/// The folders of the version before, where the new one declares the same: consent is for one set of capabilities, but
/// the user has said what `/data` is. One that may do more there has to be told again.
fn folders(session: &Session, obtained: &Obtained) -> Vec<FsFlag> {
    let metadata = obtained.artifact.metadata();
    let same = |folder: &Folder| {
        metadata.capabilities.fs.iter().any(|rule| {
            rule.scope == FsScope::Guest(folder.guest.clone()) && rule.access == folder.access
        })
    };
    let before = obtained.artifact.signers().first().and_then(|signer| {
        let origin = &obtained.resolution.origin;
        session
            .home
            .previous_consent(origin, &metadata.package.name, signer)
    });
    let folders = before.map(|before| before.folders).unwrap_or_default();
    folders
        .into_iter()
        .filter(same)
        .map(|folder| FsFlag {
            host: folder.host,
            guest: Some(folder.guest),
            access: folder.access,
        })
        .collect()
}

fn selected(text: &str) -> Result<PackageRef, Failure> {
    text.parse().map_err(|error: zero_format::PackageRefError| {
        Failure::failed(format!("cannot read `{}`", printable(text))).because(&error)
    })
}

struct Work<'s> {
    session: &'s Session,
    min_age: Option<Duration>,
    /// Registries that were asked for their newest state; once is enough.
    asked: BTreeSet<String>,
    moves: Vec<Move>,
    failures: Vec<Failure>,
}

/// A package that went to another version.
struct Move {
    /// The launcher, or the selector of what was only remembered.
    what: String,
    installed: bool,
    from: Version,
    to: Version,
    wider: Vec<String>,
    narrower: Vec<String>,
}

impl Work<'_> {
    /// One package that cannot be moved keeps no other from it.
    fn attempt(&mut self, step: impl FnOnce(&mut Self) -> Result<(), Failure>) {
        if let Err(failure) = step(self) {
            self.failures.push(failure);
        }
    }

    fn installed(&mut self, one: &Installed, allow_declared: bool) -> Result<(), Failure> {
        self.renew(one, allow_declared).inspect_err(|failure| {
            // The installed version stays; the registry may just have said that it must not run any more.
            if failure.class() != Class::Unreachable {
                install::ask_before_next_start(self.session, one);
            }
        })
    }

    fn renew(&mut self, one: &Installed, allow_declared: bool) -> Result<(), Failure> {
        let found = &one.resolution;
        let obtained = self.newest(&found.selector, &found.origin, &found.version)?;
        let to = obtained.resolution.version.clone();
        let declared = obtained.artifact.metadata().capabilities.clone();
        let moved = Move::between(one.launcher.to_string(), true, &found.version, &to)
            .declaring(&one.capabilities, &declared);
        if let Some(moved) = &moved {
            // Before the question, so that the user knows what it is about.
            self.session.output.note(moved.text().trim_end());
        }
        let folders = if allow_declared {
            folders(self.session, &obtained)
        } else {
            Vec::new()
        };
        let grants = GrantArgs {
            allow_declared,
            allow_fs: folders,
            ..GrantArgs::default()
        };
        let launcher = (one.launcher.clone(), one.path.clone());
        let again = install::again(self.session, one);
        let mut renewed = install::prepare(self.session, obtained, launcher, grants, &again)?;
        if moved.is_none() {
            renewed.since = one.since;
        }
        self.session
            .home
            .keep_installed(&renewed)
            .map_err(|error| Failure::failed("cannot keep the record").because(&error))?;
        self.moves.extend(moved);
        Ok(())
    }

    fn remembered(&mut self, found: &Resolution) -> Result<(), Failure> {
        let before =
            packages::stored(found).map(|artifact| artifact.metadata().capabilities.clone());
        let obtained = self
            .newest(&found.selector, &found.origin, &found.version)
            .inspect_err(|failure| {
                // The registry may just have said that it must not run: no run may start it from memory any more.
                if failure.class() != Class::Unreachable {
                    let _ = self.session.home.forget(&found.selector);
                }
            })?;
        packages::remember(self.session, &obtained.resolution);
        let moved = Move::between(
            found.selector.clone(),
            false,
            &found.version,
            &obtained.resolution.version,
        );
        // A run asks by itself when the new version wants more.
        let declared = &obtained.artifact.metadata().capabilities;
        self.moves
            .extend(moved.declaring(before.as_ref().unwrap_or(declared), declared));
        Ok(())
    }

    /// An entry of the project's lock file.
    fn locked(&mut self, file: &LockFile, one: &Locked) -> Result<(), Failure> {
        let obtained = self.newest(&one.request, &one.registry, &one.version)?;
        let found = &obtained.resolution;
        let asked = selected(&one.request)?;
        if found.version == one.version || found.log < one.log {
            lock::check(one, &asked, found)?;
        }
        let moved = Move::between(one.request.clone(), false, &one.version, &found.version);
        // What the locked version declared stands in a file that may not be here; a run asks when the new one wants more.
        let declared = &obtained.artifact.metadata().capabilities;
        self.moves.extend(moved.declaring(declared, declared));
        let entry = Locked {
            request: one.request.clone(),
            ..Locked::new(&asked, found)
        };
        lock::record(self.session, file, entry);
        Ok(())
    }

    /// What a selector stands for now. A version that is too young is not chosen newly, but one that is there is not
    /// taken back for its youth.
    fn newest(
        &mut self,
        selector: &str,
        origin: &str,
        current: &Version,
    ) -> Result<Obtained, Failure> {
        let (name, registry) = registries::of_origin(self.session, origin)?;
        let asked = selected(selector)?;
        let first = self.asked.insert(origin.to_owned());
        let wish = Wish {
            update: first && !self.session.offline,
            min_age: self.min_age,
            ..Wish::default()
        };
        // The registry may have another name here than when it was asked first.
        let package = PackageRef::new(None, asked.name().clone(), asked.req().clone());
        let obtain = |options: &ResolveOptions| {
            let registry = (&name, &registry);
            packages::obtain(self.session, registry, &package, selector, options)
        };
        let options = wish.options(&registry);
        let obtained = obtain(&options);
        let back = match &obtained {
            Ok(found) => {
                let lower = found.resolution.version.cmp_precedence(current).is_lt();
                lower && found.passed_over.is_some()
            }
            Err(failure) => !options.min_age.is_zero() && failure.class() == Class::NotFound,
        };
        if !back {
            if let Ok(found) = &obtained {
                packages::note_passed_over(self.session, found);
            }
            return obtained;
        }
        obtain(&ResolveOptions {
            lock: Some(current.clone()),
            refresh: false,
            ..options
        })
    }

    /// What moved and what could not. Of several failures the command ends with the gravest.
    fn report(mut self) -> Result<Report, Failure> {
        let mut text: String = self
            .moves
            .iter()
            .filter(|one| !one.installed)
            .map(Move::text)
            .collect();
        let untrusted = |failure: &Failure| failure.class() == Class::Untrusted;
        let gravest = self.failures.iter().position(untrusted).unwrap_or(0);
        if !self.failures.is_empty() {
            let last = self.failures.remove(gravest);
            if !text.is_empty() {
                self.session.output.note(text.trim_end());
            }
            for failure in &self.failures {
                self.session.output.warn(&failure.message());
            }
            return Err(last);
        }
        if self.moves.is_empty() {
            text += "nothing newer\n";
        }
        let moves: Vec<Value> = self.moves.iter().map(Move::fields).collect();
        Ok(Report::new(json!({ "updated": moves }), text))
    }
}

impl Move {
    fn between(what: String, installed: bool, from: &Version, to: &Version) -> Self {
        Self {
            what,
            installed,
            from: from.clone(),
            to: to.clone(),
            wider: Vec::new(),
            narrower: Vec::new(),
        }
    }

    /// What the new version may do more, and less; none if it is the version that was there.
    fn declaring(mut self, before: &Capabilities, now: &Capabilities) -> Option<Self> {
        let words = |one: &Capabilities, other: &Capabilities| {
            let wider = one.widened_by(other);
            wider.iter().map(ToString::to_string).collect()
        };
        self.wider = words(before, now);
        self.narrower = words(now, before);
        (self.from != self.to).then_some(self)
    }

    fn text(&self) -> String {
        let mut text = format!(
            "{:<16} {} → {}\n",
            printable(&self.what),
            self.from,
            self.to
        );
        for one in &self.wider {
            text += &format!("  + may {one}\n");
        }
        for one in &self.narrower {
            text += &format!("  - may no longer {one}\n");
        }
        text
    }

    fn fields(&self) -> Value {
        json!({
            "what": self.what,
            "installed": self.installed,
            "from": self.from,
            "to": self.to,
            "wider": self.wider,
            "narrower": self.narrower,
        })
    }
}
