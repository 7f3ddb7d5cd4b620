//! `config.toml`: the default key, and the registries with their pinned root keys (spec/cli.md, "State").

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use zero_format::{PublicKey, RegistryName};
use zero_registry::Origin;

use crate::host::Session;
use crate::report::Failure;
use crate::write;

/// The user's settings.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Config {
    /// The key that signs when none is named.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) default_key: Option<String>,
    /// The registry that is asked when none is named.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) default_registry: Option<RegistryName>,
    /// The model that `ask` and `eval` use when none is named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) model: Option<ModelConfig>,
    /// The registries by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) registries: BTreeMap<RegistryName, Registry>,
}

/// A model behind an address. Its key stands in no file: it is read from the environment.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct ModelConfig {
    /// The address.
    pub(crate) url: String,
    /// Which of the server's models.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) name: Option<String>,
}

/// One registry.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Registry {
    /// Its name for itself, which everything in it is signed for.
    pub(crate) origin: Origin,
    /// Where it is: the first that answers with the newest state serves.
    pub(crate) locations: Vec<String>,
    /// Its root keys, pinned when it was added.
    pub(crate) root_keys: Vec<PublicKey>,
    /// How many of them must have signed a root.
    pub(crate) threshold: u32,
    /// How long a checked state counts as fresh, in seconds.
    #[serde(default = "fresh_default")]
    pub(crate) fresh_seconds: u64,
    /// How long a release must have been published to be chosen newly, in seconds.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub(crate) min_age_seconds: u64,
    /// The key that signs its log: who holds it may write (a key's name or file).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) log_key: Option<String>,
    /// A file with the certificates of the authorities that vouch for its web servers, in place of the system's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) ca: Option<PathBuf>,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde passes a reference"
)]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// An hour: long enough for a day's work on few requests, short enough for a revocation to arrive.
pub(crate) fn fresh_default() -> u64 {
    3600
}

impl Config {
    /// Reads the file; there may be none.
    pub(crate) fn read(session: &Session) -> Result<Self, Failure> {
        let path = session.home.config();
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(error) => {
                return Err(
                    Failure::failed(format!("cannot read {}", path.display())).because(&error)
                );
            }
        };
        toml::from_str(&text).map_err(|error| {
            let before = error
                .span()
                .and_then(|span| text.get(..span.start))
                .unwrap_or_default();
            let line = before.matches('\n').count() + 1;
            Failure::failed(format!("{}:{line}: {}", path.display(), error.message()))
                .hint("correct the line, or move the file away and add the registries again")
        })
    }

    /// Writes the file, whole.
    pub(crate) fn write(&self, session: &Session) -> Result<(), Failure> {
        let text = toml::to_string_pretty(self).map_err(|error| {
            Failure::failed("cannot write the settings as TOML").because(&error)
        })?;
        write::replace_private(&session.home.config(), text.as_bytes())
    }
}
