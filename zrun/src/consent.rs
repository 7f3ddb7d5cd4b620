//! Consent: one screen before the first run, default No, remembered for exactly this registry, package, signer and set
//! of capabilities (spec/capabilities.md, "Consent"). A wider set is a new question that shows what was added.
//!
//! The text is a pure function of the question; whoever owns the terminal prints it and passes the answer back.

use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use zero_format::{Capabilities, CapabilityKind, Digest, PackageName, PublicKey, Version};

use crate::disk;
use crate::home::Home;

const MAX_RECORD: u64 = 4 << 20;

/// What consent is given for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Consent {
    /// The registry's origin, or [`FILE`] for an artifact given by path.
    pub registry: String,
    /// The package.
    pub package: PackageName,
    /// The signing key in base64.
    pub signer: String,
    /// Everything that was allowed.
    pub capabilities: Capabilities,
    /// The version that asked.
    pub version: Version,
    /// When, in seconds since 1970.
    pub given: u64,
}

/// The registry of an artifact that was given by path.
pub const FILE: &str = "file";

/// What the user answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Yes, and do not ask again for the same.
    Always,
    /// No.
    No,
    /// Yes, for this run.
    Once,
}

/// The question that one screen asks.
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    /// The registry's origin, or [`FILE`].
    pub registry: &'a str,
    /// The package.
    pub package: &'a PackageName,
    /// Its version.
    pub version: &'a Version,
    /// Who signed it.
    pub signer: &'a PublicKey,
    /// Whether the signer is one that the user trusts already; a registry vouches for its packages' signers.
    pub signer_trusted: bool,
    /// All that the package declares.
    pub declared: &'a Capabilities,
    /// What of it is neither granted nor refused yet.
    pub outstanding: &'a Capabilities,
    /// What was allowed before to an earlier version by the same signer.
    pub before: Option<&'a Capabilities>,
}

/// Why consent cannot be stored or read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConsentError {
    /// A file cannot be read or written.
    #[error("use {}", .path.display())]
    Io {
        /// Which one.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A stored consent is not one.
    #[error("read the stored consent {}", .path.display())]
    Record {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: serde_json::Error,
    },
}

impl Question<'_> {
    /// The whole screen, without the prompt.
    pub fn screen(&self) -> String {
        let mut text = String::new();
        let from = if self.registry == FILE {
            "a file"
        } else {
            self.registry
        };
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{} {} from {from}", self.package, self.version);
        let doubt = if self.signer_trusted {
            ""
        } else {
            ", a key that you have not trusted yet"
        };
        let _ = writeln!(
            text,
            "signed by {} (key {}){doubt}",
            self.signer.to_base64(),
            self.signer.key_id_hex()
        );
        self.wants(&mut text);
        self.added(&mut text);
        let cannot = cannot(self.declared);
        if !cannot.is_empty() {
            let _ = writeln!(text, "\nIt cannot {}.", cannot.join(", "));
        }
        text
    }

    fn wants(&self, text: &mut String) {
        let needs = self.outstanding.needs();
        if needs.is_empty() {
            return;
        }
        text.push_str("\nIt wants to\n");
        for need in needs {
            let _ = match need.reason {
                // The publisher's word, not ours.
                Some(reason) => writeln!(text, "  - {}, since “{reason}”", need.words),
                None => writeln!(text, "  - {}", need.words),
            };
        }
    }

    fn added(&self, text: &mut String) {
        let Some(before) = self.before else { return };
        let added = before.widened_by(self.declared);
        if added.is_empty() {
            return;
        }
        text.push_str("\nSince you last allowed it, this is new:\n");
        for one in added {
            let _ = writeln!(text, "  + {one}");
        }
    }
}

/// The prompt that follows the screen.
pub const PROMPT: &str = "Allow it? [a]lways, [o]nce, [N]o: ";

impl Answer {
    /// Anything but a clear yes is a no.
    pub fn parse(line: &str) -> Self {
        match line.trim().to_ascii_lowercase().as_str() {
            "a" | "always" => Self::Always,
            "o" | "once" | "y" | "yes" => Self::Once,
            _ => Self::No,
        }
    }
}

/// What a program with these capabilities is unable to do, in words.
fn cannot(declared: &Capabilities) -> Vec<&'static str> {
    let kinds = declared.kinds();
    let absent = [
        (CapabilityKind::Fs, "touch your files"),
        (CapabilityKind::Net, "open network connections"),
        (CapabilityKind::Http, "make web requests"),
        (CapabilityKind::Env, "see your environment variables"),
        (CapabilityKind::Clock, "tell the time"),
        (CapabilityKind::Random, "draw random numbers"),
    ];
    let mut words: Vec<_> = absent
        .into_iter()
        .filter(|(kind, _)| !kinds.contains(kind))
        .map(|(_, words)| words)
        .collect();
    words.push("start other programs");
    words
}

impl Consent {
    /// The name of the record: consent for anything else has another name.
    pub fn id(
        registry: &str,
        package: &PackageName,
        signer: &PublicKey,
        capabilities: &Capabilities,
    ) -> Digest {
        let text = format!(
            "{registry}\n{package}\n{}\n{}\n",
            signer.to_base64(),
            capabilities.digest()
        );
        Digest::of(text.as_bytes())
    }

    fn own_id(&self) -> Option<Digest> {
        let signer = PublicKey::parse(&self.signer).ok()?;
        Some(Self::id(
            &self.registry,
            &self.package,
            &signer,
            &self.capabilities,
        ))
    }
}

impl Home {
    /// Whether the user has allowed exactly this before.
    pub fn has_consent(
        &self,
        registry: &str,
        package: &PackageName,
        signer: &PublicKey,
        capabilities: &Capabilities,
    ) -> bool {
        let id = Consent::id(registry, package, signer, capabilities);
        let Ok(Some(bytes)) = disk::read_bounded(&self.consent(&id), MAX_RECORD) else {
            return false;
        };
        // The content must say what the name says: a record that was renamed or edited grants nothing.
        serde_json::from_slice::<Consent>(&bytes).is_ok_and(|consent| consent.own_id() == Some(id))
    }

    /// Stores consent.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn store_consent(&self, consent: &Consent) -> Result<Digest, ConsentError> {
        let failed = |source| ConsentError::Io {
            path: self.grants_dir(),
            source,
        };
        let id = consent
            .own_id()
            .ok_or_else(|| failed(io::ErrorKind::InvalidInput.into()))?;
        let mut text =
            serde_json::to_vec_pretty(consent).map_err(|error| failed(io::Error::other(error)))?;
        text.push(b'\n');
        disk::private_dir(&self.grants_dir()).map_err(failed)?;
        let path = self.consent(&id);
        disk::write_atomic(&path, &[&text]).map_err(|source| ConsentError::Io { path, source })?;
        Ok(id)
    }

    /// All stored consent with its identifiers, sorted by package.
    ///
    /// # Errors
    /// When a record cannot be read.
    pub fn consents(&self) -> Result<Vec<(Digest, Consent)>, ConsentError> {
        let dir = self.grants_dir();
        let failed = |source| ConsentError::Io {
            path: dir.clone(),
            source,
        };
        let entries = match fs::read_dir(&dir) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(failed(error)),
        };
        let mut all = Vec::new();
        for entry in entries {
            let path = entry.map_err(failed)?.path();
            if path.extension().is_none_or(|extension| extension != "json") {
                continue;
            }
            let bytes = disk::read_bounded(&path, MAX_RECORD)
                .map_err(failed)?
                .unwrap_or_default();
            let consent: Consent =
                serde_json::from_slice(&bytes).map_err(|source| ConsentError::Record {
                    path: path.clone(),
                    source,
                })?;
            if let Some(id) = consent.own_id() {
                all.push((id, consent));
            }
        }
        all.sort_by(|(_, a), (_, b)| {
            (&a.package, &a.registry, a.given).cmp(&(&b.package, &b.registry, b.given))
        });
        Ok(all)
    }

    /// What was last allowed to this package by this signer, for showing what is new.
    pub fn previous_consent(
        &self,
        registry: &str,
        package: &PackageName,
        signer: &PublicKey,
    ) -> Option<Consent> {
        let signer = signer.to_base64();
        let all = self
            .consents()
            .ok()?
            .into_iter()
            .map(|(_, consent)| consent);
        all.filter(|one| {
            one.registry == registry && one.package == *package && one.signer == signer
        })
        .max_by_key(|one| one.given)
    }

    /// Takes consent back; `false` if there was none.
    ///
    /// # Errors
    /// When the record cannot be removed.
    pub fn revoke_consent(&self, id: &Digest) -> Result<bool, ConsentError> {
        let path = self.consent(id);
        match fs::remove_file(&path) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(source) => Err(ConsentError::Io { path, source }),
        }
    }

    fn consent(&self, id: &Digest) -> PathBuf {
        self.grants_dir().join(format!("{id}.json"))
    }
}

#[cfg(test)]
mod tests {
    use zero_format::{Access, FsRule, FsScope, RandomRule};

    use super::*;

    fn key(seed: u8) -> PublicKey {
        zero_format::SecretKey::generate([seed; 40]).public_key()
    }

    fn capabilities(access: Access) -> Capabilities {
        Capabilities {
            fs: vec![FsRule {
                scope: FsScope::Guest("/data".parse().unwrap()),
                access,
                reason: Some("reads the tables".to_owned()),
            }],
            ..Capabilities::default()
        }
    }

    fn consent(signer: &PublicKey, capabilities: Capabilities) -> Consent {
        Consent {
            registry: FILE.to_owned(),
            package: "csvstat".parse().unwrap(),
            signer: signer.to_base64(),
            capabilities,
            version: "1.2.0".parse().unwrap(),
            given: 5,
        }
    }

    #[test]
    fn only_a_clear_yes_is_a_yes() {
        for (line, answer) in [
            ("", Answer::No),
            ("\n", Answer::No),
            ("n", Answer::No),
            ("sure", Answer::No),
            (" A \n", Answer::Always),
            ("yes", Answer::Once),
            ("o", Answer::Once),
        ] {
            assert_eq!(Answer::parse(line), answer, "{line:?}");
        }
    }

    #[test]
    fn consent_is_bound_to_registry_package_signer_and_scopes() {
        let dir = tempfile::tempdir().unwrap();
        let home = Home::at(dir.path());
        let read = capabilities(Access::Read);
        home.store_consent(&consent(&key(1), read.clone())).unwrap();
        let name: PackageName = "csvstat".parse().unwrap();
        assert!(home.has_consent(FILE, &name, &key(1), &read));
        assert!(!home.has_consent("https://example.org", &name, &key(1), &read));
        assert!(!home.has_consent(FILE, &"other".parse().unwrap(), &key(1), &read));
        assert!(!home.has_consent(FILE, &name, &key(2), &read));
        assert!(!home.has_consent(FILE, &name, &key(1), &capabilities(Access::ReadWrite)));
        let mut reworded = read;
        reworded.fs[0].reason = None;
        assert!(home.has_consent(FILE, &name, &key(1), &reworded));
    }

    #[test]
    fn an_edited_record_grants_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let home = Home::at(dir.path());
        let wide = capabilities(Access::ReadWrite);
        home.store_consent(&consent(&key(1), capabilities(Access::Read)))
            .unwrap();
        let name = "csvstat".parse().unwrap();
        let stored = home.consent(&Consent::id(
            FILE,
            &name,
            &key(1),
            &capabilities(Access::Read),
        ));
        fs::rename(
            stored,
            home.consent(&Consent::id(FILE, &name, &key(1), &wide)),
        )
        .unwrap();
        assert!(!home.has_consent(FILE, &name, &key(1), &wide));
    }

    #[test]
    fn consent_can_be_listed_and_taken_back() {
        let dir = tempfile::tempdir().unwrap();
        let home = Home::at(dir.path());
        assert!(home.consents().unwrap().is_empty());
        let id = home
            .store_consent(&consent(&key(1), capabilities(Access::Read)))
            .unwrap();
        assert_eq!(
            home.consents().unwrap(),
            [(id, consent(&key(1), capabilities(Access::Read)))]
        );
        assert!(home.revoke_consent(&id).unwrap());
        assert!(!home.revoke_consent(&id).unwrap());
    }

    #[test]
    fn the_screen_says_who_what_why_and_what_is_new() {
        let mut now = capabilities(Access::ReadWrite);
        now.random = Some(RandomRule::default());
        let before = capabilities(Access::Read);
        let question = Question {
            registry: "https://packages.example.org",
            package: &"csvstat".parse().unwrap(),
            version: &"2.0.0".parse().unwrap(),
            signer: &key(1),
            signer_trusted: true,
            declared: &now,
            outstanding: &now,
            before: Some(&before),
        };
        let screen = question.screen();
        for part in [
            "csvstat 2.0.0 from https://packages.example.org\n",
            &key(1).key_id_hex(),
            "reads the tables",
            "this is new:\n",
            "It cannot open network connections",
        ] {
            assert!(screen.contains(part), "{part:?} is missing in\n{screen}");
        }
        assert!(!screen.contains("cannot touch your files"));
    }
}
