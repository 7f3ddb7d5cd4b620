//! Key files: those that are there, and new ones.

use std::{
    fs::{self, OpenOptions},
    io::{self, Read as _, Write as _},
    path::{Path, PathBuf},
};

use zero_format::{KeyError, PublicKey, SecretKey};
use zero_registry::ErrorClass;

use crate::{host, report::Failure};

/// Longest key file that is worth reading.
const MAX_KEY_BYTES: u64 = 16 * 1024;

/// A key of a file.
pub(crate) enum Key {
    /// It can sign.
    Secret(SecretKey),
    /// It can only be listed.
    Public(PublicKey),
}

impl Key {
    pub(crate) fn public(&self) -> PublicKey {
        match self {
            Self::Secret(key) => key.public_key(),
            Self::Public(key) => *key,
        }
    }
}

/// Passwords, asked for at most once in a command.
#[derive(Default)]
pub(crate) struct Passwords {
    typed: Option<String>,
}

impl Passwords {
    /// The password of the environment, or the one that was or is now typed.
    fn get(&mut self, prompt: &str) -> Result<Option<String>, Failure> {
        if let Some(password) = host::password_variable().or_else(|| self.typed.clone()) {
            return Ok(Some(password));
        }
        self.typed = host::ask_password(prompt).map_err(|error| {
            Failure::plain(ErrorClass::Failed, "cannot read the password".into(), None)
                .because(&error)
        })?;
        Ok(self.typed.clone())
    }

    fn forget(&mut self) {
        self.typed = None;
    }
}

/// Reads a secret or public key file.
pub(crate) fn read(path: &Path, passwords: &mut Passwords) -> Result<Key, Failure> {
    let text = fs::read_to_string(path).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => Failure::plain(
            ErrorClass::NotFound,
            format!("there is no key file {}", path.display()),
            Some("name the file of the key: --log-key FILE".into()),
        ),
        _ => unreadable(path).because(&error),
    })?;
    if let Ok(public) = PublicKey::parse(&text) {
        return Ok(Key::Public(public));
    }
    let fail = |error: KeyError| {
        let hint = match error {
            KeyError::NeedsPassword => Some("give the password: ZERO_KEY_PASSWORD=…".to_owned()),
            _ => error.hint().map(str::to_owned),
        };
        Failure::plain(
            ErrorClass::Failed,
            format!("cannot use the key file {}", path.display()),
            hint,
        )
        .because(&error)
    };
    let encrypted = SecretKey::is_encrypted(&text).map_err(fail)?;
    let password = if encrypted {
        passwords.get(&format!("Password of {}: ", path.display()))?
    } else {
        None
    };
    SecretKey::parse(&text, password.as_deref())
        .inspect_err(|_| passwords.forget())
        .map(Key::Secret)
        .map_err(fail)
}

/// A public key: the line itself, or the file that holds it.
pub(crate) fn public(wanted: &str) -> Result<PublicKey, Failure> {
    if let Ok(key) = wanted.parse() {
        return Ok(key);
    }
    let path = Path::new(wanted);
    let bytes = read_file(
        path,
        MAX_KEY_BYTES,
        "name a .pub file, or the line in it: RW…",
    )?;
    PublicKey::parse(&String::from_utf8_lossy(&bytes)).map_err(|error| {
        Failure::plain(
            ErrorClass::Failed,
            format!("{} is no public key", path.display()),
            error.hint().map(str::to_owned),
        )
        .because(&error)
    })
}

/// A small file, which must be there.
pub(crate) fn read_file(path: &Path, max: u64, hint: &str) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    let read = fs::File::open(path).and_then(|file| file.take(max + 1).read_to_end(&mut bytes));
    if let Err(error) = read {
        let class = match error.kind() {
            io::ErrorKind::NotFound => ErrorClass::NotFound,
            _ => ErrorClass::Failed,
        };
        let message = format!("cannot read {}", path.display());
        return Err(Failure::plain(class, message, Some(hint.to_owned())).because(&error));
    }
    if u64::try_from(bytes.len()).is_ok_and(|length| length <= max) {
        return Ok(bytes);
    }
    let message = format!("{} is longer than any such file", path.display());
    Err(Failure::plain(
        ErrorClass::Failed,
        message,
        Some(hint.to_owned()),
    ))
}

/// Reads a secret key file.
pub(crate) fn secret(path: &Path, passwords: &mut Passwords) -> Result<SecretKey, Failure> {
    match read(path, passwords)? {
        Key::Secret(key) => Ok(key),
        Key::Public(_) => Err(Failure::plain(
            ErrorClass::Failed,
            format!("{} is a public key and cannot sign", path.display()),
            Some("name the secret key file, which ends in .key".into()),
        )),
    }
}

/// Makes a secret key file and its public half beside it. An existing file is never replaced.
pub(crate) fn create(
    path: &Path,
    comment: &str,
    encrypt: bool,
    passwords: &mut Passwords,
) -> Result<SecretKey, Failure> {
    let failed = |path: &Path, error: &io::Error| {
        Failure::plain(
            ErrorClass::Failed,
            format!("cannot make the key file {}", path.display()),
            Some("choose another place: --root-key FILE, --log-key FILE".into()),
        )
        .because(error)
    };
    let password = if encrypt {
        Some(new_password(path, passwords)?)
    } else {
        None
    };
    let entropy = host::random().map_err(|error| failed(path, &error))?;
    let salt = host::random().map_err(|error| failed(path, &error))?;
    let key = SecretKey::generate(entropy);
    let text = key.to_file_text(password.as_deref(), salt);
    write_new(path, text.as_bytes(), true).map_err(|error| failed(path, &error))?;
    let public = public_path(path);
    let text = key.public_key().to_file_text(comment);
    write_new(&public, text.as_bytes(), false).map_err(|error| failed(&public, &error))?;
    Ok(key)
}

/// Where the public half of a key lies.
pub(crate) fn public_path(path: &Path) -> PathBuf {
    path.with_extension("pub")
}

fn new_password(path: &Path, passwords: &mut Passwords) -> Result<String, Failure> {
    let prompt = format!("Password for the new key {}: ", path.display());
    let first = passwords.get(&prompt)?;
    match first {
        Some(password) if !password.is_empty() => Ok(password),
        _ => {
            passwords.forget();
            Err(Failure::plain(
                ErrorClass::Failed,
                format!("the new key {} needs a password", path.display()),
                Some("set ZERO_KEY_PASSWORD, or leave the key unencrypted: --no-password".into()),
            ))
        }
    }
}

fn unreadable(path: &Path) -> Failure {
    Failure::plain(
        ErrorClass::Failed,
        format!("cannot read the key file {}", path.display()),
        Some(format!("check its permissions: ls -l {}", path.display())),
    )
}

fn write_new(path: &Path, bytes: &[u8], private: bool) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    if private {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    #[cfg(not(unix))]
    let _ = private;
    if let Some(parent) = path
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty())
    {
        fs::create_dir_all(parent)?;
    }
    let mut file = options.open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}
