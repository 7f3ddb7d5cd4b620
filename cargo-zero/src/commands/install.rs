//! `install`: a package becomes a program on PATH.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use zero_format::{PackageName, PackageRef, PublicKey, printable};
use zrun::{GrantArgs, Installed, RunArgs, is_launcher, is_launcher_name};

use super::run::{self, Subject, consent};
use super::target::Target;
use crate::cli::{Install, Run};
use crate::host::Session;
use crate::launchers;
use crate::packages::{self, Obtained, Wish};
use crate::registries;
use crate::report::{Failure, Report};

/// Seconds after which a launcher asks whether its version still stands: a revocation arrives within a day.
pub(super) const ASK_AGAIN: u64 = 24 * 60 * 60;

pub(crate) fn run(
    session: &Session,
    args: &Install,
    arguments: &[OsString],
) -> Result<Report, Failure> {
    let package = wanted(&args.package)?;
    let (name, registry) = registries::choose(session, package.registry())?;
    let launcher = launcher(args, &package)?;
    let folder = folder(session, args);
    let path = folder.join(format!("{launcher}{}", std::env::consts::EXE_SUFFIX));
    let before = taken(
        session,
        &launcher,
        &path,
        &package,
        registry.origin.as_str(),
    )?;
    if args.launcher.is_none() && before.is_none() {
        hides_nothing(session, &launcher, &path)?;
    }
    let zrun = launchers::zrun(session)?;
    let selector = packages::selector(session, &name, &args.package);
    let wish = Wish {
        update: !session.offline,
        min_age: args.min_age,
        ..Wish::default()
    };
    let options = wish.options(&registry);
    let obtained = packages::obtain(session, (&name, &registry), &package, &selector, &options)?;
    packages::announce(session, &obtained);
    let grants = GrantArgs {
        allow_declared: args.allow_declared,
        allow_fs: args.allow_fs.clone(),
        ..GrantArgs::default()
    };
    let installed = prepare(session, obtained, (launcher, path), grants, arguments)?;
    // The record first: a launcher without one would start nothing, a record without a launcher counts as none.
    session
        .home
        .keep_installed(&installed)
        .map_err(|error| Failure::failed("cannot keep the record").because(&error))?;
    launchers::make(&zrun, &installed.path, before.is_some())?;
    if let Some(before) = before.filter(|before| before.path != installed.path) {
        launchers::remove(&before.path)?;
    }
    Ok(report(session, &installed, &folder))
}

/// Asks for consent, compiles, and writes the record that is to be kept.
pub(super) fn prepare(
    session: &Session,
    obtained: Obtained,
    (launcher, path): (PackageName, PathBuf),
    grants: GrantArgs,
    arguments: &[OsString],
) -> Result<Installed, Failure> {
    let mut resolution = obtained.resolution.clone();
    let subject = Subject::from(obtained);
    let keeps = grants.allow_declared || !grants.allow_fs.is_empty();
    let flags = Run {
        args: RunArgs {
            grants,
            ..RunArgs::default()
        },
    };
    let decision = consent::decide_or_ask(session, &flags, &subject, arguments)?;
    run::warn_beyond(session, &decision);
    let metadata = subject.artifact.metadata();
    if keeps && !metadata.capabilities.is_empty() {
        consent::keep(session, &flags, &subject)?;
    }
    // As the launcher will want its code.
    let options = flags.args.engine(&metadata.limits);
    run::load(session, &subject.artifact, options)?;
    resolution.fresh_until = session.now.saturating_add(ASK_AGAIN);
    Ok(Installed {
        launcher,
        path,
        resolution,
        capabilities: metadata.capabilities.clone(),
        since: session.now,
    })
}

fn wanted(text: &str) -> Result<PackageRef, Failure> {
    match Target::parse(text)? {
        Target::Package(package) => Ok(package),
        Target::File(path) => Err(Failure::usage(format!(
            "{} is a file; packages of a registry are installed",
            path.display()
        ))
        .hint(format!("run it where it is: zrun {}", path.display()))),
    }
}

fn launcher(args: &Install, package: &PackageRef) -> Result<PackageName, Failure> {
    let text = args.launcher.as_deref();
    let text = text.unwrap_or_else(|| package.name().base());
    let name: PackageName = text.parse().map_err(|error| {
        Failure::usage(format!("a launcher cannot be called `{}`", printable(text)))
            .because(&error)
            .hint("lower-case letters, digits and single hyphens, as in a package's name")
    })?;
    if is_launcher_name(&name) {
        return Ok(name);
    }
    Err(
        Failure::usage(format!("a launcher cannot be called `{name}`")).hint(format!(
            "Zero's own programs go by that name; choose another: cargo zero install {} --as NAME",
            args.package
        )),
    )
}

fn folder(session: &Session, args: &Install) -> PathBuf {
    let folder = match (&args.bin_dir, &args.root) {
        (Some(folder), _) => folder.clone(),
        (None, Some(root)) => root.join("bin"),
        (None, None) => session.home.bin_dir().to_owned(),
    };
    std::path::absolute(&folder).unwrap_or(folder)
}

/// What this very package was installed as before under that name; an error if something else has the name.
fn taken(
    session: &Session,
    launcher: &PackageName,
    path: &Path,
    package: &PackageRef,
    origin: &str,
) -> Result<Option<Installed>, Failure> {
    let secret = session.secret()?;
    let before = session
        .home
        .installed(&secret, launcher)
        .filter(Installed::is_whole);
    if let Some(other) = before
        .as_ref()
        .map(|before| &before.resolution)
        .filter(|found| found.name != *package.name() || found.origin != origin)
    {
        return Err(Failure::failed(format!(
            "`{launcher}` is the launcher of {} from {}",
            other.name, other.origin
        ))
        .hint(format!(
            "choose another name with `--as NAME`, or remove that one: cargo zero uninstall {launcher}"
        )));
    }
    let ours = before.as_ref().is_some_and(|before| before.path == path);
    // A link to zrun without a record is what a kill left of an earlier installation, or of another home: not ours.
    if !ours && path.symlink_metadata().is_ok() {
        return Err(launchers::foreign(path));
    }
    Ok(before)
}

/// A package must not take the place of a program that the user has, unless the user says so.
fn hides_nothing(session: &Session, launcher: &PackageName, path: &Path) -> Result<(), Failure> {
    let file = format!("{launcher}{}", std::env::consts::EXE_SUFFIX);
    let hidden =
        launchers::on_path(session, &file).find(|other| other != path && !is_launcher(other));
    hidden.map_or(Ok(()), |hidden| {
        Err(Failure::failed(format!(
            "`{launcher}` is already the program {}",
            hidden.display()
        ))
        .hint(format!(
            "choose another name with `--as NAME`; `--as {launcher}` takes this one all the same"
        )))
    })
}

fn report(session: &Session, installed: &Installed, folder: &Path) -> Report {
    let on_path = launchers::is_on_path(session, folder);
    let found = &installed.resolution;
    let text = format!(
        "installed {} {} as {}\n",
        found.name,
        found.version,
        installed.path.display()
    );
    let mut fields = describe(installed);
    fields["on_path"] = on_path.into();
    let report = Report::new(fields, text);
    if on_path {
        return report.next(installed.launcher.to_string());
    }
    session.output.warn(&format!(
        "{} is not on your PATH: the launcher works by its full path only",
        folder.display()
    ));
    report.next(add_to_path(folder))
}

#[cfg(unix)]
fn add_to_path(folder: &Path) -> String {
    format!(
        "export PATH=\"{}:$PATH\"     (in ~/.profile to keep it)",
        folder.display()
    )
}

#[cfg(not(unix))]
fn add_to_path(folder: &Path) -> String {
    format!(
        "$env:Path = \"{};$env:Path\"     (in the system's settings to keep it)",
        folder.display()
    )
}

/// The members that `install`, `list` and `update` show of a package.
pub(super) fn describe(installed: &Installed) -> Value {
    let found = &installed.resolution;
    json!({
        "launcher": installed.launcher,
        "path": installed.path,
        "package": found.name,
        "version": found.version,
        "selector": found.selector,
        "registry": found.origin,
        "digest": found.digest,
        "signers": found.signers,
        "capabilities": installed.capabilities,
        "words": installed.capabilities.describe(),
        "since": installed.since,
    })
}

/// Lets the next start ask whether the version still stands.
pub(super) fn ask_before_next_start(session: &Session, installed: &Installed) {
    let mut due = installed.clone();
    due.resolution.fresh_until = session.now;
    if let Err(error) = session.home.keep_installed(&due) {
        session.output.detail(&format!("not remembered: {error}"));
    }
}

/// The words that install it again, just as it is.
pub(super) fn again(session: &Session, installed: &Installed) -> Vec<OsString> {
    let found = &installed.resolution;
    let mut words = ["cargo-zero", "install", &found.selector]
        .map(OsString::from)
        .to_vec();
    if installed.launcher.as_str() != found.name.base() {
        words.extend(["--as".into(), installed.launcher.as_str().into()]);
    }
    let folder = installed.path.parent();
    if let Some(folder) = folder.filter(|folder| *folder != session.home.bin_dir()) {
        words.extend(["--bin-dir".into(), folder.into()]);
    }
    words
}

/// The key numbers of those who signed it.
pub(super) fn signers(installed: &Installed) -> String {
    let keys = installed.resolution.keys().unwrap_or_default();
    let numbers: Vec<String> = keys.iter().map(PublicKey::key_id_hex).collect();
    numbers.join(", ")
}
