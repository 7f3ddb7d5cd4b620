//! `owner`: who speaks for a package, and how that changes.

use std::path::Path;

use serde_json::{Value, json};
use zero_format::{PackageName, PublicKey};
use zero_registry::{Action, Distrust, PackageState, Role, SignedEvent, limits};

use crate::cli::{ChangeOwner, Owner, SignOwner, Writer};
use crate::host::Session;
use crate::keyring;
use crate::publisher::Publisher;
use crate::registries;
use crate::report::{Class, Failure, Report};
use crate::write;

pub(crate) fn run(session: &Session, args: &Owner) -> Result<Report, Failure> {
    match args {
        Owner::Show { package } => show(session, package),
        Owner::Change(args) => change(session, args),
        Owner::Sign(args) => sign(session, args),
        Owner::Submit { file, writer } => submit(session, file, writer),
    }
}

fn show(session: &Session, package: &str) -> Result<Report, Failure> {
    let (registry, _, state) = registries::package(session, package)?;
    let name = state.name();
    let mut text = format!("{name} in {registry}, after {} events\n", state.events());
    for (role, keys) in roles(&state) {
        text += &role_text(role, keys);
    }
    text += "release keys publish, yank and revoke; admin keys change the keys\n";
    let of = |role: Option<&Role>| role.map(role_json);
    let fields = json!({
        "package": name,
        "registry": registry,
        "events": state.events(),
        "release": of(state.release_role()),
        "admin": of(state.admin_role()),
    });
    Ok(Report::new(fields, text))
}

fn change(session: &Session, args: &ChangeOwner) -> Result<Report, Failure> {
    let name = name(&args.package)?;
    let publisher = Publisher::open(session, &args.writer)?;
    let (root, state) = publisher.state(&name)?;
    let action = action(session, args, &state)?;
    if let Some(path) = &args.output {
        let event = publisher.draft(&root, &state, action)?;
        write::create(path, event.line())?;
        let told = described(&event);
        let text = format!("wrote {}\n{}", path.display(), told.text);
        let next = format!("cargo zero owner sign {} --key KEY", path.display());
        return Ok(Report::new(told.fields, text).next(next));
    }
    let added = publisher.add(session, &name, false, &|state| {
        Ok(vec![(self::action(session, args, state)?, None)])
    })?;
    let event = added.events.first().map(described).unwrap_or_default();
    let mut fields = event.fields;
    fields["log_size"] = json!(added.log_size);
    Ok(Report::new(
        fields,
        format!("changed the keys of {name}\n{}", event.text),
    ))
}

/// The event that the arguments ask for, on top of what is in force.
fn action(session: &Session, args: &ChangeOwner, state: &PackageState) -> Result<Action, Failure> {
    let (Some(release), Some(admin)) = (state.release_role(), state.admin_role()) else {
        return Err(
            Failure::new(Class::NotFound, format!("{} is not claimed", state.name()))
                .hint("its first publication claims it: cargo zero publish"),
        );
    };
    let release = role(session, &args.release, args.release_threshold, release)?;
    let admin = role(session, &args.admin, args.admin_threshold, admin)?;
    let distrust = args.distrust.iter().map(|text| distrust(session, text));
    let distrust = distrust.collect::<Result<Vec<_>, _>>()?;
    Ok(if args.recover {
        Action::Recover {
            release,
            admin,
            distrust,
        }
    } else {
        Action::Keys {
            release,
            admin,
            distrust,
        }
    })
}

fn role(
    session: &Session,
    keys: &[String],
    threshold: Option<u32>,
    now: &Role,
) -> Result<Role, Failure> {
    let mut list = now.keys().to_vec();
    if !keys.is_empty() {
        let keys = keys.iter().map(|key| keyring::public(session, key));
        list = keys.collect::<Result<_, _>>()?;
    }
    let most = u32::try_from(list.len()).unwrap_or(u32::MAX);
    let threshold = threshold.unwrap_or_else(|| now.threshold().min(most));
    Role::new(list, threshold).map_err(|error| {
        Failure::usage("these keys and this threshold do not go together").because(&error)
    })
}

fn distrust(session: &Session, text: &str) -> Result<Distrust, Failure> {
    let (key, from) = text.rsplit_once('@').unwrap_or((text, "0"));
    let from = from.parse().map_err(|_| {
        Failure::usage(format!("`{from}` is no number of an event")).hint(
            "write --distrust KEY@SEQ; `cargo zero owner show PKG` says how many events there are",
        )
    })?;
    Ok(Distrust {
        key: keyring::public(session, key)?,
        from,
    })
}

fn sign(session: &Session, args: &SignOwner) -> Result<Report, Failure> {
    let event = read(&args.file)?;
    if !matches!(
        event.body().action,
        Action::Keys { .. } | Action::Recover { .. }
    ) {
        // Others are made where their content is seen; here a signature would be given away unread.
        return Err(Failure::usage(format!(
            "{} changes no keys: its event is another one",
            args.file.display()
        ))
        .hint("cargo zero owner change PKG … -o FILE writes one"));
    }
    let mut keys = Vec::new();
    for key in &args.key {
        keys.push(keyring::require(session, Some(key))?);
    }
    if keys.is_empty() {
        keys.push(keyring::require(session, None)?);
    }
    session.output.note(described(&event).text.trim_end());
    if !args.yes && !session.confirm("Sign this?")? {
        return Err(Failure::new(Class::Denied, "the event is not signed").hint("--yes"));
    }
    let keys: Vec<_> = keys.iter().collect();
    let signed = event
        .sign_also(&keys)
        .map_err(|error| Failure::failed("cannot sign the event").because(&error))?;
    write::replace(&args.file, signed.line())?;
    let report = described(&signed);
    let next = format!("cargo zero owner submit {}", args.file.display());
    let text = format!("signed {}\n", args.file.display());
    Ok(Report::new(report.fields, text).next(next))
}

fn submit(session: &Session, file: &Path, writer: &Writer) -> Result<Report, Failure> {
    let event = read(file)?;
    let publisher = Publisher::without_keys(session, writer)?;
    let mut described = described(&event);
    described.fields["log_size"] = json!(publisher.submit(session, event)?);
    Ok(Report::new(
        described.fields,
        format!("done\n{}", described.text),
    ))
}

fn read(path: &Path) -> Result<SignedEvent, Failure> {
    let unread = |error: &dyn std::error::Error| {
        Failure::failed(format!("cannot read {}", path.display())).because(error)
    };
    let length = std::fs::metadata(path)
        .map_err(|error| unread(&error))?
        .len();
    let bytes = if length <= u64::try_from(limits::MAX_LEAF_BYTES).unwrap_or(u64::MAX) {
        std::fs::read(path).map_err(|error| unread(&error))?
    } else {
        Vec::new()
    };
    SignedEvent::parse(&bytes).map_err(|error| {
        Failure::new(
            Class::Untrusted,
            format!("{} holds no event", path.display()),
        )
        .because(&error)
        .hint("cargo zero owner change PKG … -o FILE writes one")
    })
}

/// An event in both views.
struct Described {
    fields: Value,
    text: String,
}

impl Default for Described {
    fn default() -> Self {
        Self {
            fields: json!({}),
            text: String::new(),
        }
    }
}

fn described(event: &SignedEvent) -> Described {
    let body = event.body();
    let kind = format!("{:?}", body.kind()).to_lowercase();
    let mut text = format!(
        "event {} of {} in {}: {kind}, dated {}, {} signatures\n",
        body.seq,
        body.name,
        body.origin,
        body.time,
        event.signatures().len()
    );
    let mut fields = json!({
        "package": body.name,
        "origin": body.origin,
        "kind": kind,
        "seq": body.seq,
        "signatures": event.signatures().len(),
    });
    if let Action::Keys {
        release,
        admin,
        distrust,
    }
    | Action::Recover {
        release,
        admin,
        distrust,
    } = &body.action
    {
        text += &role_text("release", release);
        text += &role_text("admin", admin);
        for one in distrust {
            text += &format!("  distrusts {} from event {} on\n", one.key, one.from);
        }
        fields["release"] = role_json(release);
        fields["admin"] = role_json(admin);
        fields["distrust"] = distrust
            .iter()
            .map(|one| json!({ "key": one.key.to_base64(), "from": one.from }))
            .collect();
    }
    Described { fields, text }
}

fn roles(state: &PackageState) -> impl Iterator<Item = (&'static str, &Role)> {
    let release = state.release_role().map(|role| ("release", role));
    let admin = state.admin_role().map(|role| ("admin", role));
    release.into_iter().chain(admin)
}

fn role_text(what: &str, role: &Role) -> String {
    let count = role.keys().len();
    let mut text = format!("  {what} keys, {} of {count} must sign\n", role.threshold());
    for key in role.keys() {
        text += &format!("    {key}\n");
    }
    text
}

pub(super) fn role_json(role: &Role) -> Value {
    let keys: Vec<_> = role.keys().iter().map(PublicKey::to_base64).collect();
    json!({ "keys": keys, "threshold": role.threshold() })
}

fn name(text: &str) -> Result<PackageName, Failure> {
    text.parse().map_err(|error: zero_format::NameError| {
        Failure::usage(format!("`{text}` is not the name of a package"))
            .because(&error)
            .hint(error.hint())
    })
}
