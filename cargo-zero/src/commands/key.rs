//! `key`: the user's own signing keys, and the keys of others that the user trusts.

use std::path::Path;

use serde_json::{Value, json};
use zero_format::{PublicKey, SecretKey, printable};
use zrun::Trust;

use crate::cli::Key;
use crate::config::Config;
use crate::host::{Session, entropy, stdout};
use crate::keyring::{self, Entry};
use crate::report::{Class, Failure, Report};
use crate::write;

pub(crate) fn run(session: &Session, args: &Key) -> Result<Report, Failure> {
    match args {
        Key::Generate { name, no_password } => generate(session, name, *no_password),
        Key::List => list(session),
        Key::Import { source, name } => import(session, source, name.as_deref()),
        Key::Export {
            name,
            secret,
            output,
        } => export(session, name.as_deref(), *secret, output.as_deref()),
        Key::Password { name, no_password } => password(session, name.as_deref(), *no_password),
        Key::Default { name } => set_default(session, name),
    }
}

fn generate(session: &Session, name: &str, no_password: bool) -> Result<Report, Failure> {
    keyring::check_name(name)?;
    if session.home.keys_dir().join(format!("{name}.pub")).exists() {
        return Err(
            Failure::failed(format!("there is a key `{name}` already")).hint(format!(
                "choose another name: cargo zero key generate {name}-2"
            )),
        );
    }
    let password = chosen_password(session, no_password)?;
    let entry = {
        let _step = session.output.step("encrypting the key");
        keyring::generate(session, name, password.as_deref())?
    };
    Ok(made(&entry, "made")
        .next("keep a copy of the .key file in a safe place; nobody can make it again"))
}

fn chosen_password(session: &Session, no_password: bool) -> Result<Option<String>, Failure> {
    if no_password {
        return Ok(None);
    }
    if session.env.key_password.is_none() && !session.interactive {
        return Err(Failure::usage(
            "a new key needs a password, and there is no terminal to ask at",
        )
        .hint("set ZERO_KEY_PASSWORD, or say `--no-password` to store the key unencrypted"));
    }
    session
        .new_password("A password for the new key: ")
        .map(Some)
}

fn made(entry: &Entry, verb: &str) -> Report {
    let mut text = format!("{verb} key {} {}\n", entry.name, entry.public.key_id_hex());
    text += &format!("public key  {}\n", entry.public);
    if let Some(path) = &entry.secret {
        text += &format!("secret key  {}\n", path.display());
    }
    if entry.default {
        text += "it signs when no other key is named\n";
    }
    Report::new(json!({ "key": describe(entry) }), text)
}

fn describe(entry: &Entry) -> Value {
    json!({
        "name": entry.name,
        "public": entry.public.to_base64(),
        "number": entry.public.key_id_hex(),
        "secret": entry.secret,
        "default": entry.default,
    })
}

fn list(session: &Session) -> Result<Report, Failure> {
    let own = keyring::list(session)?;
    let trust = trust(session)?;
    let others: Vec<_> = trust.entries().iter().filter(|entry| !entry.own).collect();
    let mut text = String::new();
    for entry in &own {
        let mark = if entry.default { "*" } else { " " };
        let note = if entry.secret.is_some() {
            ""
        } else {
            "  (public half only)"
        };
        text += &format!("{mark} {:<16} {}{note}\n", entry.name, entry.public);
    }
    if !others.is_empty() {
        text += if own.is_empty() {
            "trusted:\n"
        } else {
            "\ntrusted:\n"
        };
        for entry in &others {
            text += &format!("  {:<16} {}\n", printable(&entry.comment), entry.key);
        }
    }
    let fields = json!({
        "keys": own.iter().map(describe).collect::<Vec<_>>(),
        "trusted": others
            .iter()
            .map(|entry| json!({ "name": entry.comment, "public": entry.key.to_base64(), "number": entry.key.key_id_hex() }))
            .collect::<Vec<_>>(),
    });
    let report = Report::new(fields, text);
    Ok(if own.is_empty() {
        report.next("cargo zero key generate")
    } else {
        report
    })
}

fn trust(session: &Session) -> Result<Trust, Failure> {
    Trust::load(&session.home)
        .map_err(|error| Failure::failed("cannot read the trusted keys").because(&error))
}

fn import(session: &Session, source: &str, name: Option<&str>) -> Result<Report, Failure> {
    let path = Path::new(source);
    let (text, stem) = if path.is_file() {
        (
            keyring::read(path)?,
            path.file_stem()
                .map(|stem| stem.to_string_lossy().to_lowercase()),
        )
    } else {
        (source.to_owned(), None)
    };
    // A public key is a decision to trust; a secret key is one's own.
    if let Ok(key) = PublicKey::parse(&text) {
        let name = name
            .map(String::from)
            .or(stem)
            .unwrap_or_else(|| key.key_id_hex());
        return import_public(session, &key, &name);
    }
    if SecretKey::is_encrypted(&text).is_err() {
        let error = PublicKey::parse(&text).err();
        let what = if path.is_file() {
            path.display().to_string()
        } else {
            format!("`{source}`")
        };
        let failure = Failure::new(
            Class::NotFound,
            format!("{what} is neither a key file nor a public key"),
        );
        let failure = match &error {
            Some(error) => failure.because(error),
            None => failure,
        };
        return Err(
            failure.hint("give a minisign .key or .pub file, or the line that starts with `RW`")
        );
    }
    let name = name.map(String::from).or(stem).ok_or_else(|| {
        Failure::usage("the key needs a name").hint("cargo zero key import FILE --name NAME")
    })?;
    keyring::check_name(&name)?;
    let secret = keyring::open_file(session, path)?;
    // The copy keeps its protection: the same password, or none.
    let encrypted = SecretKey::is_encrypted(&text).unwrap_or(true);
    let password = if encrypted {
        Some(session.new_password("A password for the copy: ")?)
    } else {
        None
    };
    let entry = keyring::store(session, &name, &secret, password.as_deref())?;
    Ok(made(&entry, "imported"))
}

fn import_public(session: &Session, key: &PublicKey, name: &str) -> Result<Report, Failure> {
    let added = trust(session)?
        .add(&session.home, key, name)
        .map_err(|error| Failure::failed("cannot store the trusted key").because(&error))?;
    let text = if added {
        format!(
            "files signed with {key} are trusted from now on, as {}\n",
            printable(name)
        )
    } else {
        format!("{key} is trusted already\n")
    };
    Ok(Report::new(
        json!({ "trusted": { "name": name, "public": key.to_base64() }, "added": added }),
        text,
    ))
}

fn export(
    session: &Session,
    name: Option<&str>,
    secret: bool,
    output: Option<&Path>,
) -> Result<Report, Failure> {
    let text = if secret {
        keyring::read(&secret_file(session, name)?)?
    } else {
        let own = keyring::list(session)?;
        let entry = match name {
            Some(name) => own.iter().find(|entry| entry.name == name),
            None => own.iter().find(|entry| entry.default),
        };
        let entry = entry.ok_or_else(|| missing(name))?;
        entry.public.to_file_text(&format!(
            "minisign public key {}",
            entry.public.key_id_hex()
        ))
    };
    if let Some(path) = output {
        if secret {
            write::create_private(path, text.as_bytes())?;
        } else {
            write::create(path, text.as_bytes())?;
        }
        return Ok(Report::new(
            json!({ "file": path }),
            format!("wrote {}\n", path.display()),
        ));
    }
    if session.output.json {
        return Ok(Report::new(json!({ "text": text }), ""));
    }
    stdout(text.as_bytes())?;
    Ok(Report::exit(0))
}

fn missing(name: Option<&str>) -> Failure {
    match name {
        Some(name) => Failure::new(Class::NotFound, format!("no key `{name}`"))
            .hint("`cargo zero key list` shows the keys there are"),
        None => {
            Failure::new(Class::NotFound, "there is no default key").hint("cargo zero key generate")
        }
    }
}

fn secret_file(session: &Session, name: Option<&str>) -> Result<std::path::PathBuf, Failure> {
    keyring::find(session, name)?.ok_or_else(|| missing(None))
}

fn password(session: &Session, name: Option<&str>, no_password: bool) -> Result<Report, Failure> {
    let path = secret_file(session, name)?;
    let secret = keyring::open_file(session, &path)?;
    // The variable holds the old password, so the new one is asked for.
    let new = if no_password {
        None
    } else {
        Some(session.ask_new_password("The new password: ")?)
    };
    write::replace_private(
        &path,
        secret.to_file_text(new.as_deref(), entropy()?).as_bytes(),
    )?;
    let text = format!("changed the password of {}\n", path.display());
    Ok(Report::new(
        json!({ "secret": path, "encrypted": new.is_some() }),
        text,
    ))
}

fn set_default(session: &Session, name: &str) -> Result<Report, Failure> {
    let own = keyring::list(session)?;
    if !own
        .iter()
        .any(|entry| entry.name == name && entry.secret.is_some())
    {
        return Err(missing(Some(name)));
    }
    let mut config = Config::read(session)?;
    config.default_key = Some(name.to_owned());
    config.write(session)?;
    Ok(Report::new(
        json!({ "default": name }),
        format!("{name} signs when no other key is named\n"),
    ))
}
