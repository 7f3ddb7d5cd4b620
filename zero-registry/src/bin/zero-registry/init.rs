//! `init`: keys, root, first commit.

use std::{fmt::Write as _, path::Path};

use serde_json::json;
use zero_format::{PublicKey, SecretKey};
use zero_registry::{
    ClaimPolicy, ErrorClass, Init, InitError, Role, Root, RootFields, Timestamp, init_with,
};

use crate::{
    cli::{self, Claims},
    commands,
    keys::{self, Key, Passwords},
    place,
    report::{Failure, Report},
    witness,
};

const DAY: u64 = 24 * 3600;

pub(crate) fn run(args: &cli::Init, now: Timestamp) -> Result<Report, Failure> {
    let origin = args.origin.parse().map_err(|error| {
        Failure::usage(
            format!("`{}` cannot be a registry's origin", args.origin),
            "use something like packages.example.org/team",
        )
        .because(&error as &zero_registry::OriginError)
    })?;
    for key in args.root_keys.iter().chain([&args.log_key]) {
        refuse_served_key(&args.directory, key)?;
    }
    if args.directory.join("head").exists() {
        return Err(Failure::plain(
            ErrorClass::Failed,
            format!(
                "there is a registry in {} already",
                args.directory.display()
            ),
            Some("choose an empty directory".into()),
        ));
    }
    // What cannot be read is found out before keys are made.
    let witness = args.witnesses.as_deref().map(witness::policy).transpose()?;
    let storage = place::open_new(&args.directory)?;
    let mut made = Vec::new();
    let mut passwords = Passwords::default();
    let mut roots = Vec::new();
    for path in &args.root_keys {
        let comment = format!("root key of {}", args.origin);
        roots.push(obtain(path, &comment, args, &mut passwords, &mut made)?);
    }
    let comment = format!("log key of {}", args.origin);
    let log = match obtain(&args.log_key, &comment, args, &mut passwords, &mut made)? {
        Key::Secret(key) => key,
        Key::Public(_) => keys::secret(&args.log_key, &mut passwords)?,
    };
    let public: Vec<PublicKey> = roots.iter().map(Key::public).collect();
    let signers: Vec<&SecretKey> = roots
        .iter()
        .filter_map(|key| match key {
            Key::Secret(key) => Some(key),
            Key::Public(_) => None,
        })
        .collect();
    let role = Role::new(public, args.threshold).map_err(|error| {
        Failure::usage(
            "these root keys and this threshold do not go together",
            "zero-registry init --help",
        )
        .because(&error)
    })?;
    let fields = RootFields {
        origin,
        version: 1,
        prev: None,
        expires: now.plus(u64::from(args.root_days) * DAY),
        role: role.clone(),
        log: log.public_key(),
        head_lifetime: u64::from(args.head_days) * DAY,
        claims: match args.claims {
            Claims::Open => ClaimPolicy::Open,
            Claims::Root => ClaimPolicy::Root,
        },
        mirrors: args.mirrors.clone(),
        witness,
        anchor: None,
    };
    let failed = |error: &dyn std::error::Error, hint| Failure::of(ErrorClass::Failed, error, hint);
    let root = Root::new(fields).map_err(|error| failed(&error, None))?;
    let start = Init::signed(root, &signers).map_err(|error| {
        let hint = Some("name enough secret root keys to reach the threshold".to_owned());
        failed(&error, error.hint().or(hint))
    })?;
    let commit = init_with(storage, &start, log, Some(witness::network()), now).map_err(
        |error| match &error {
            InitError::Commit(error) => commands::commit_failure(error, &args.directory),
            _ => failed(&error, error.hint()),
        },
    )?;
    Ok(report(args, &role, &made, commit.snapshot.expires))
}

/// A key of a file, which is made when it is a missing secret one.
fn obtain(
    path: &Path,
    comment: &str,
    args: &cli::Init,
    passwords: &mut Passwords,
    made: &mut Vec<String>,
) -> Result<Key, Failure> {
    let public = path.extension().is_some_and(|extension| extension == "pub");
    if path.exists() || public {
        return keys::read(path, passwords);
    }
    let key = keys::create(path, comment, !args.no_password, passwords)?;
    made.push(path.display().to_string());
    Ok(Key::Secret(key))
}

/// Whatever serves the directory would serve the key with it.
fn refuse_served_key(directory: &Path, key: &Path) -> Result<(), Failure> {
    let absolute = |path: &Path| {
        let folder = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        folder.canonicalize().unwrap_or(folder)
    };
    let folder = key.parent().unwrap_or(Path::new(""));
    let folder = if folder.as_os_str().is_empty() {
        Path::new(".")
    } else {
        folder
    };
    if !absolute(folder).starts_with(absolute(directory)) {
        return Ok(());
    }
    Err(Failure::usage(
        format!(
            "the key {} would lie in the directory that is served",
            key.display()
        ),
        "keep keys elsewhere: --root-key FILE, --log-key FILE",
    ))
}

fn report(args: &cli::Init, role: &Role, made: &[String], expires: Timestamp) -> Report {
    let directory = args.directory.display();
    let mut text = format!("made the registry {} in {directory}\n", args.origin);
    for key in role.keys() {
        let _ = writeln!(text, "  root key  {}", key.to_base64());
    }
    let _ = writeln!(text, "  head      valid until {expires}");
    for path in made {
        let _ = writeln!(
            text,
            "made the secret key {path}: keep it safe, and a copy of it"
        );
    }
    let _ = writeln!(
        text,
        "\nnext: zero-registry serve {directory}\n      cargo zero registry add NAME URL {}",
        role.to_arguments()
    );
    let mut report = Report {
        text,
        ..Report::default()
    };
    let keys: Vec<_> = role.keys().iter().map(PublicKey::to_base64).collect();
    for (name, value) in [
        ("directory", json!(args.directory)),
        ("origin", json!(args.origin)),
        ("root_keys", json!(keys)),
        ("threshold", json!(args.threshold)),
        ("keys_made", json!(made)),
        ("head_expires", json!(expires)),
    ] {
        report.members.insert(name.to_owned(), value);
    }
    report
}
