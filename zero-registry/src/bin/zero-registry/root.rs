//! `root`: a new root by people on different machines, in three steps.

use std::{
    fmt::Write as _,
    fs,
    io::{self, Write as _},
    path::Path,
};

use serde_json::json;
use zero_format::PublicKey;
use zero_registry::{
    ClaimPolicy, CommitError, ErrorClass, Progress, Proposal, ProposalError, Role, RootFields,
    RotateError, Timestamp, WitnessPolicy, anchor, current_root, limits::MAX_ROOT_BYTES, rotate,
};

use crate::{
    cli::{ClaimsPolicy, Finish, Propose, Root, Show, Sign},
    commands, host,
    keys::{self, Passwords},
    place,
    report::{self, Failure, Report},
    witness,
};

const DAY: u64 = 24 * 3600;
/// Two roots and their signatures.
const MAX_PROPOSAL_BYTES: u64 = 4 * MAX_ROOT_BYTES + 96 * 2048;

pub(crate) fn run(json: bool, args: &Root) -> Result<Report, Failure> {
    match args {
        Root::Propose(args) => propose(args, host::now()),
        Root::Show(args) => show(args),
        Root::Sign(args) => sign(json, args),
        Root::Finish(args) => finish(args, host::now()),
    }
}

fn propose(args: &Propose, now: Timestamp) -> Result<Report, Failure> {
    let storage = place::open(&args.directory)?;
    let unread = |error: CommitError| commands::commit_failure(&error, &args.directory);
    let current = current_root(&storage).map_err(unread)?;
    let wanted = Wanted::read(args)?;
    let anchored = if args.anchor.is_some() || wanted.log.is_some() {
        Some(anchor(&storage, args.anchor.flatten()).map_err(unread)?)
    } else {
        None
    };
    let mut refused = None;
    let proposal = Proposal::new(&current.bytes, current.signatures, |fields| {
        refused = wanted.apply(args, fields).err();
        fields.expires = now.plus(u64::from(args.root_days) * DAY);
        if anchored.is_some() {
            fields.anchor.clone_from(&anchored);
        }
    });
    if let Some(failure) = refused {
        return Err(failure);
    }
    let proposal = proposal.map_err(|error| proposal_failure(&error))?;
    create(&args.output, &proposal.encode())?;
    let mut report = describe(&proposal)?;
    let file = args.output.display();
    report.text = format!(
        "proposed root {} in {file}\n{}",
        proposal.root().version(),
        report.text
    );
    let _ = writeln!(
        report.text,
        "\nnext: zero-registry root sign {file} --key ROOT.key, by each of the key holders"
    );
    report.members.insert("file".into(), json!(args.output));
    Ok(report)
}

/// What a proposal changes, as values.
struct Wanted {
    add: Vec<PublicKey>,
    remove: Vec<PublicKey>,
    log: Option<PublicKey>,
    claims: Vec<PublicKey>,
    witnesses: Option<WitnessPolicy>,
}

impl Wanted {
    fn read(args: &Propose) -> Result<Self, Failure> {
        let all = |names: &[String]| -> Result<Vec<_>, Failure> {
            names.iter().map(|name| keys::public(name)).collect()
        };
        Ok(Self {
            add: all(&args.add)?,
            remove: all(&args.remove)?,
            log: args.log_key.as_deref().map(keys::public).transpose()?,
            claims: all(&args.claims_keys)?,
            witnesses: args.witnesses.as_deref().map(witness::policy).transpose()?,
        })
    }

    fn apply(&self, args: &Propose, fields: &mut RootFields) -> Result<(), Failure> {
        let mut list = fields.role.keys().to_vec();
        for key in &self.remove {
            if !list.contains(key) {
                let key = key.to_base64();
                return Err(Failure::usage(
                    format!("{key} is not a root key and cannot be removed"),
                    "zero-registry root show FILE lists the keys",
                ));
            }
            list.retain(|other| other != key);
        }
        list.extend(&self.add);
        let threshold = args.threshold.unwrap_or(fields.role.threshold());
        fields.role = role(list, threshold)?;
        if let Some(log) = self.log {
            fields.log = log;
        }
        if let Some(days) = args.head_days {
            fields.head_lifetime = u64::from(days) * DAY;
        }
        if !args.mirrors.is_empty() {
            fields.mirrors.clone_from(&args.mirrors);
        }
        if args.no_witnesses || self.witnesses.is_some() {
            fields.witness.clone_from(&self.witnesses);
        }
        fields.claims = match args.claims {
            None => fields.claims.clone(),
            Some(ClaimsPolicy::Open) => ClaimPolicy::Open,
            Some(ClaimsPolicy::Root) => ClaimPolicy::Root,
            Some(ClaimsPolicy::Keys) => {
                ClaimPolicy::Keys(role(self.claims.clone(), args.claims_threshold)?)
            }
        };
        Ok(())
    }
}

fn role(keys: Vec<PublicKey>, threshold: u32) -> Result<Role, Failure> {
    Role::new(keys, threshold).map_err(|error| {
        Failure::usage(
            "these keys and this threshold do not go together",
            "zero-registry root propose --help",
        )
        .because(&error)
    })
}

fn show(args: &Show) -> Result<Report, Failure> {
    describe(&read(&args.file)?)
}

fn sign(json: bool, args: &Sign) -> Result<Report, Failure> {
    let mut proposal = read(&args.file)?;
    if !json {
        report::say(false, &describe(&proposal)?);
    }
    let mut passwords = Passwords::default();
    let keys = args
        .keys
        .iter()
        .map(|path| keys::secret(path, &mut passwords));
    let keys = keys.collect::<Result<Vec<_>, _>>()?;
    if !args.yes && !host::confirm("Sign this root? [y/N] ").unwrap_or(false) {
        return Err(Failure::plain(
            ErrorClass::Failed,
            "the root is not signed: nobody agreed to it".to_owned(),
            Some("look at what it changes, then add --yes".into()),
        ));
    }
    for key in &keys {
        proposal
            .sign(key)
            .map_err(|error| proposal_failure(&error))?;
    }
    replace(&args.file, &proposal.encode())?;
    let mut report = describe(&proposal)?;
    report.text = format!("signed root {}\n", proposal.root().version());
    report.text += &progress_text(&proposal)?;
    let file = args.file.display();
    let _ = if is_complete(&proposal)? {
        writeln!(
            report.text,
            "\nnext: zero-registry root finish {file} DIRECTORY"
        )
    } else {
        writeln!(
            report.text,
            "\nnext: mail {file} to the others, who sign it too"
        )
    };
    Ok(report)
}

fn finish(args: &Finish, now: Timestamp) -> Result<Report, Failure> {
    let proposal = read(&args.file)?;
    let key = keys::secret(&args.log_key, &mut Passwords::default())?;
    if key.public_key() != *proposal.root().log_key() {
        return Err(Failure::plain(
            ErrorClass::Failed,
            format!(
                "{} is not the log key of the new root",
                args.log_key.display()
            ),
            Some(format!(
                "name the secret half of {}: --log-key FILE",
                proposal.root().log_key().to_base64()
            )),
        ));
    }
    let storage = place::open(&args.directory)?;
    rotate(&storage, &proposal, args.discard).map_err(|error| match &error {
        RotateError::Commit(error) => commands::commit_failure(error, &args.directory),
        _ => Failure::of(ErrorClass::Failed, &error, error.hint()),
    })?;
    let unwritten = |error: CommitError| commands::commit_failure(&error, &args.directory);
    let writer = place::writer(&args.directory, key)?;
    let commit = writer.refresh(now).map_err(unwritten)?;
    let version = proposal.root().version();
    let expires = commit.snapshot.expires;
    let mut report = Report {
        text: format!("root {version} is in force; the head is valid until {expires}\n"),
        ..Report::default()
    };
    report.members.insert("version".into(), json!(version));
    report
        .members
        .insert("size".into(), json!(commit.tree.size));
    report.members.insert("head_expires".into(), json!(expires));
    Ok(report)
}

fn is_complete(proposal: &Proposal) -> Result<bool, Failure> {
    let (old, new) = progress(proposal)?;
    Ok(old.is_met() && new.is_met())
}

fn progress(proposal: &Proposal) -> Result<(Progress, Progress), Failure> {
    proposal
        .progress()
        .map_err(|error| proposal_failure(&error))
}

fn describe(proposal: &Proposal) -> Result<Report, Failure> {
    let root = proposal.root();
    let mut text = format!("root {} of {} changes:\n", root.version(), root.origin());
    let changes = proposal.changes();
    for change in &changes {
        let _ = writeln!(text, "  {change}");
    }
    if changes.is_empty() {
        text += "  nothing\n";
    }
    text += &progress_text(proposal)?;
    let (old, new) = progress(proposal)?;
    let mut report = Report {
        text,
        ..Report::default()
    };
    let side = |side: &Progress| {
        let keys = |keys: &[PublicKey]| keys.iter().map(PublicKey::to_base64).collect::<Vec<_>>();
        json!({"signed": keys(&side.signed), "missing": keys(&side.missing), "threshold": side.threshold})
    };
    for (name, value) in [
        ("origin", json!(root.origin())),
        ("version", json!(root.version())),
        ("changes", json!(changes)),
        ("old", side(&old)),
        ("new", side(&new)),
        ("complete", json!(old.is_met() && new.is_met())),
    ] {
        report.members.insert(name.to_owned(), value);
    }
    Ok(report)
}

fn progress_text(proposal: &Proposal) -> Result<String, Failure> {
    let (old, new) = progress(proposal)?;
    let mut text = String::new();
    for (keys, side) in [("keys in force", old), ("new keys", new)] {
        let signed = side.signed.len();
        let _ = writeln!(
            text,
            "signed by {signed} of the {keys}, needed are {}",
            side.threshold
        );
        if !side.is_met() {
            for key in &side.missing {
                let _ = writeln!(text, "  not yet by {}", key.to_base64());
            }
        }
    }
    Ok(text)
}

fn read(path: &Path) -> Result<Proposal, Failure> {
    let bytes = keys::read_file(
        path,
        MAX_PROPOSAL_BYTES,
        "zero-registry root propose DIR -o FILE",
    )?;
    Proposal::decode(&bytes).map_err(|error| {
        let failure = proposal_failure(&error);
        failure.about(path)
    })
}

fn proposal_failure(error: &ProposalError) -> Failure {
    let (class, hint) = match error {
        ProposalError::Key(_) => (ErrorClass::Failed, "sign with a root key: --key FILE"),
        _ => (
            ErrorClass::Untrusted,
            "ask whoever proposed it for the file as it was written",
        ),
    };
    Failure::of(class, error, Some(hint.to_owned()))
}

fn create(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let mut options = fs::OpenOptions::new();
    let file = options.write(true).create_new(true).open(path);
    file.and_then(|mut file| {
        file.write_all(bytes)?;
        file.sync_all()
    })
    .map_err(|error| unwritable(path, &error))
}

/// A proposal whose rewriting is interrupted keeps the signatures that it had.
fn replace(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    let write = || -> io::Result<()> {
        let mut file = tempfile::NamedTempFile::new_in(folder.unwrap_or(Path::new(".")))?;
        file.write_all(bytes)?;
        file.as_file().sync_all()?;
        file.persist(path)?;
        Ok(())
    };
    write().map_err(|error| unwritable(path, &error))
}

fn unwritable(path: &Path, error: &io::Error) -> Failure {
    let hint = match error.kind() {
        io::ErrorKind::AlreadyExists => "choose another file: -o FILE",
        _ => "check the permissions of its folder",
    };
    let message = format!("cannot write {}", path.display());
    Failure::plain(ErrorClass::Failed, message, Some(hint.to_owned())).because(error)
}
