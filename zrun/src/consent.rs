//! Consent: one screen before the first run, default No, remembered for exactly this registry, package, signer and set
//! of capabilities (spec/capabilities.md, "Consent"). A wider set is a new question that shows what was added.
//!
//! The text is a pure function of the question; whoever owns the terminal prints it and passes the answer back.

mod screen;
mod store;

pub use screen::{Answer, PROMPT, Question};
pub use store::ConsentError;

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use zero_format::{Access, Capabilities, Digest, GuestPath, PackageName, PublicKey, Version};

use crate::home::Home;
use crate::policy::{Answers, Asked, Decision, Rule, decide};

/// The registry of an artifact that was given by path.
pub const FILE: &str = "file";

/// What consent was asked for, and what the answers were.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Consent {
    /// The registry's origin, or [`FILE`] for an artifact given by path.
    pub registry: String,
    /// The package.
    pub package: PackageName,
    /// The signing key in base64.
    pub signer: String,
    /// Everything that the package declares.
    pub capabilities: Capabilities,
    /// What of it was allowed and what was not. What is in neither was not asked about.
    pub answers: Answers,
    /// Which folders of the user stand at the guest paths that were allowed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub folders: Vec<Folder>,
    /// The version that asked.
    pub version: Version,
    /// When, in seconds since 1970.
    pub given: u64,
}

/// A folder of the user that was allowed to stand at a guest path.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Folder {
    /// Where the program sees it.
    pub guest: GuestPath,
    /// Where it is on this machine: an absolute path.
    pub host: PathBuf,
    /// Read, or read and write.
    pub access: Access,
}

impl Home {
    /// What a run may use by what is asked for now and, where that leaves something open, by what was answered before.
    /// What is outstanding in it is what is left to ask.
    ///
    /// `env` looks a variable up, as for [`decide`].
    pub fn decide(
        &self,
        (registry, package, signer): (&str, &PackageName, Option<&PublicKey>),
        declared: &Capabilities,
        asked: Asked,
        env: &dyn Fn(&str) -> Option<String>,
    ) -> Decision {
        let decision = decide(declared, &asked, env);
        if decision.outstanding.is_empty() {
            return decision;
        }
        let consent =
            signer.and_then(|signer| self.consent_for(registry, package, signer, declared));
        match consent {
            Some(consent) => decide(declared, &consent.add_to(asked), env),
            None => decision,
        }
    }
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

    /// What the user asks for now, and what was answered before. A folder that is named now stands before a remembered
    /// one.
    #[must_use]
    pub fn add_to(&self, mut asked: Asked) -> Asked {
        let named = |folder: &&Folder| {
            !asked.allow.iter().any(|rule| match rule {
                Rule::Fs {
                    guest: Some(guest), ..
                } => guest.contains(&folder.guest) || folder.guest.contains(guest),
                _ => false,
            })
        };
        let folders: Vec<Rule> = self
            .folders
            .iter()
            .filter(named)
            .map(|folder| Rule::Fs {
                host: folder.host.clone(),
                guest: Some(folder.guest.clone()),
                access: folder.access,
            })
            .collect();
        asked.allow.extend(folders);
        asked.answers = self.answers.clone();
        asked
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

#[cfg(test)]
mod tests;
