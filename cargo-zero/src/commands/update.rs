//! `update`: installed packages, and the remembered versions of others, move to the newest that they may have.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use zero_format::{Capabilities, PackageRef, Version, printable};
use zero_registry::ResolveOptions;
use zrun::{GrantArgs, Installed, Resolution};

use super::{install, list};
use crate::cli::Update;
use crate::host::Session;
use crate::packages::{self, Obtained};
use crate::registries;
use crate::report::{Class, Failure, Report};

pub(crate) fn run(session: &Session, args: &Update) -> Result<Report, Failure> {
    let mut work = Work {
        session,
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
            work.attempt(|work| work.remembered(&one));
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
        .remembered(&list::secret(session)?)
        .map_err(|error| Failure::failed("cannot read what is remembered").because(&error))
}

struct Work<'s> {
    session: &'s Session,
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
        let obtained = self.newest(found)?;
        let to = obtained.resolution.version.clone();
        let declared = obtained.artifact.metadata().capabilities.clone();
        let moved = Move::between(one.launcher.to_string(), true, found, &to)
            .declaring(&one.capabilities, &declared);
        if let Some(moved) = &moved {
            // Before the question, so that the user knows what it is about.
            self.session.output.note(moved.text().trim_end());
        }
        let grants = GrantArgs {
            allow_declared,
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
        let obtained = self.newest(found)?;
        packages::remember(self.session, &obtained.resolution);
        let moved = Move::between(
            found.selector.clone(),
            false,
            found,
            &obtained.resolution.version,
        );
        // A run asks by itself when the new version wants more.
        let declared = &obtained.artifact.metadata().capabilities;
        self.moves
            .extend(moved.declaring(before.as_ref().unwrap_or(declared), declared));
        Ok(())
    }

    /// What the selector stands for now.
    fn newest(&mut self, found: &Resolution) -> Result<Obtained, Failure> {
        let (name, registry) = registries::of_origin(self.session, &found.origin)?;
        let asked: PackageRef =
            found
                .selector
                .parse()
                .map_err(|error: zero_format::PackageRefError| {
                    Failure::failed(format!("cannot read `{}`", printable(&found.selector)))
                        .because(&error)
                })?;
        let first = self.asked.insert(found.origin.clone());
        let options = ResolveOptions {
            refresh: first && !self.session.offline,
            ..ResolveOptions::default()
        };
        // The registry may have another name here than when it was asked first.
        let package = PackageRef::new(None, asked.name().clone(), asked.req().clone());
        packages::obtain(
            self.session,
            (&name, &registry),
            &package,
            &found.selector,
            &options,
        )
    }

    fn report(self) -> Result<Report, Failure> {
        if let Some(first) = self.failures.into_iter().next() {
            return Err(first);
        }
        let mut text: String = self
            .moves
            .iter()
            .filter(|one| !one.installed)
            .map(Move::text)
            .collect();
        if self.moves.is_empty() {
            text += "nothing newer\n";
        }
        let moves: Vec<Value> = self.moves.iter().map(Move::fields).collect();
        Ok(Report::new(json!({ "updated": moves }), text))
    }
}

impl Move {
    fn between(what: String, installed: bool, found: &Resolution, to: &Version) -> Self {
        Self {
            what,
            installed,
            from: found.version.clone(),
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
