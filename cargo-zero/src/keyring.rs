//! The user's own minisign keys: `keys/NAME.key` and `keys/NAME.pub` under the home (spec/artifact.md, "Keys").

use std::fs;
use std::path::{Path, PathBuf};

use zero_format::{KeyError, PublicKey, RegistryName, SecretKey};

use crate::config::Config;
use crate::host::{Session, entropy};
use crate::report::{Class, Failure};
use crate::write;

/// Longest key file that is worth reading.
const MAX_KEY_FILE: u64 = 16 * 1024;

/// One key of the user's.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    /// What the user calls it.
    pub(crate) name: String,
    /// Its public half.
    pub(crate) public: PublicKey,
    /// The secret half, if it is on this machine.
    pub(crate) secret: Option<PathBuf>,
    /// Signs when no other key is named.
    pub(crate) default: bool,
}

/// The keys under the home, by name.
pub(crate) fn list(session: &Session) -> Result<Vec<Entry>, Failure> {
    let folder = session.home.keys_dir();
    let default = Config::read(session)?.default_key;
    let mut entries = Vec::new();
    let Ok(files) = fs::read_dir(&folder) else {
        return Ok(entries);
    };
    for path in files.filter_map(Result::ok).map(|file| file.path()) {
        if path.extension().is_none_or(|extension| extension != "pub") {
            continue;
        }
        let Some(name) = path
            .file_stem()
            .and_then(|stem| stem.to_str())
            .map(String::from)
        else {
            continue;
        };
        let public = read_public(&path)?;
        let secret = Some(path.with_extension("key")).filter(|path| path.exists());
        entries.push(Entry {
            default: default.as_deref() == Some(&name),
            name,
            public,
            secret,
        });
    }
    entries.sort_by(|left, right| left.name.cmp(&right.name));
    Ok(entries)
}

/// Checks the name of a key: it becomes a file name.
pub(crate) fn check_name(name: &str) -> Result<(), Failure> {
    name.parse::<RegistryName>().map(drop).map_err(|error| {
        Failure::usage(format!("`{name}` cannot be the name of a key"))
            .because(&error)
            .hint(error.hint())
    })
}

/// Makes a key pair and stores it; the first one becomes the default.
pub(crate) fn generate(
    session: &Session,
    name: &str,
    password: Option<&str>,
) -> Result<Entry, Failure> {
    let secret = SecretKey::generate(entropy()?);
    store(session, name, &secret, password)
}

/// Stores a key pair under a name that is free.
pub(crate) fn store(
    session: &Session,
    name: &str,
    secret: &SecretKey,
    password: Option<&str>,
) -> Result<Entry, Failure> {
    check_name(name)?;
    let folder = session.home.keys_dir();
    let (key, public) = (
        folder.join(format!("{name}.key")),
        folder.join(format!("{name}.pub")),
    );
    if public.exists() {
        return Err(Failure::failed(format!("there is a key `{name}` already"))
            .hint("choose another name; `cargo zero key list` shows what there is"));
    }
    write::create_private(&key, secret.to_file_text(password, entropy()?).as_bytes())?;
    let text = secret.public_key().to_file_text(&format!(
        "minisign public key {}",
        secret.public_key().key_id_hex()
    ));
    write::create(&public, text.as_bytes())?;
    let mut config = Config::read(session)?;
    let default = config.default_key.is_none();
    if default {
        config.default_key = Some(name.to_owned());
        config.write(session)?;
    }
    Ok(Entry {
        name: name.to_owned(),
        public: secret.public_key(),
        secret: Some(key),
        default,
    })
}

/// The file of the secret key that `wanted` names (a name or a path), or of the default one.
pub(crate) fn find(session: &Session, wanted: Option<&str>) -> Result<Option<PathBuf>, Failure> {
    let wanted = match wanted.map(String::from).or_else(|| session.env.key.clone()) {
        Some(wanted) => wanted,
        None => match Config::read(session)?.default_key {
            Some(name) => name,
            None => return Ok(None),
        },
    };
    let stored = session.home.keys_dir().join(format!("{wanted}.key"));
    if check_name(&wanted).is_ok() && stored.exists() {
        return Ok(Some(stored));
    }
    let path = PathBuf::from(&wanted);
    if path.is_file() {
        return Ok(Some(path));
    }
    Err(
        Failure::new(Class::NotFound, format!("no secret key `{wanted}`")).hint(
            "`cargo zero key list` shows the keys there are; `cargo zero key generate` makes one",
        ),
    )
}

/// The signing key, opened.
pub(crate) fn open(session: &Session, wanted: Option<&str>) -> Result<Option<SecretKey>, Failure> {
    find(session, wanted)?
        .map(|path| open_file(session, &path))
        .transpose()
}

/// The signing key, opened; having none is an error.
pub(crate) fn require(session: &Session, wanted: Option<&str>) -> Result<SecretKey, Failure> {
    open(session, wanted)?.ok_or_else(|| {
        Failure::new(Class::NotFound, "there is no key to sign with")
            .hint("cargo zero key generate")
    })
}

/// Reads and decrypts a secret key file.
pub(crate) fn open_file(session: &Session, path: &Path) -> Result<SecretKey, Failure> {
    let text = read(path)?;
    let failed = |error: &KeyError| {
        Failure::failed(format!("cannot open the secret key {}", path.display()))
            .because(error)
            .hint_if(error.hint())
    };
    if !SecretKey::is_encrypted(&text).map_err(|error| failed(&error))? {
        return SecretKey::parse(&text, None).map_err(|error| failed(&error));
    }
    let name = path.file_stem().unwrap_or(path.as_os_str()).display();
    let password = session.password(&format!("Password of the key {name}: "))?;
    let _step = session.output.step("opening the key");
    SecretKey::parse(&text, Some(&password)).map_err(|error| failed(&error))
}

/// A public key: a name of ours, a file, or the base64 line itself.
pub(crate) fn public(session: &Session, wanted: &str) -> Result<PublicKey, Failure> {
    let stored = session.home.keys_dir().join(format!("{wanted}.pub"));
    if check_name(wanted).is_ok() && stored.exists() {
        return read_public(&stored);
    }
    let path = Path::new(wanted);
    if path.is_file() {
        return read_public(path);
    }
    wanted.parse().map_err(|error: KeyError| {
        Failure::new(
            Class::NotFound,
            format!("`{wanted}` is neither a key of yours, nor a file, nor a public key"),
        )
        .because(&error)
        .hint("a public key is one line that starts with `RW`, or the `.pub` file that holds it")
    })
}

/// Reads a `.pub` file.
pub(crate) fn read_public(path: &Path) -> Result<PublicKey, Failure> {
    PublicKey::parse(&read(path)?).map_err(|error| {
        Failure::failed(format!("cannot read the public key {}", path.display()))
            .because(&error)
            .hint_if(error.hint())
    })
}

/// Reads a key file as text.
pub(crate) fn read(path: &Path) -> Result<String, Failure> {
    let failed = |error: &std::io::Error| {
        let class = if error.kind() == std::io::ErrorKind::NotFound {
            Class::NotFound
        } else {
            Class::Failed
        };
        Failure::new(class, format!("cannot read {}", path.display())).because(error)
    };
    if fs::metadata(path).map_err(|error| failed(&error))?.len() > MAX_KEY_FILE {
        return Err(
            Failure::failed(format!("{} is too large for a key", path.display()))
                .hint("a minisign key file has two lines"),
        );
    }
    fs::read_to_string(path).map_err(|error| failed(&error))
}
