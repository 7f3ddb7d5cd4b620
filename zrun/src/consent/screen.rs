//! The screen that asks, and the answer to it.

use std::fmt::Write as _;

use zero_format::{Capabilities, CapabilityKind, PackageName, PublicKey, Resources, Version};

use super::{Consent, FILE};
use crate::limits::bytes;

/// What the user answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Yes to all, and do not ask again for the same.
    Always,
    /// Each by itself.
    Choose,
    /// No.
    No,
    /// Yes to all, for this run.
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
    /// What the user calls that key, if it is one of the user's own or a trusted one.
    pub signer_name: Option<&'a str>,
    /// All that the package declares.
    pub declared: &'a Capabilities,
    /// What of it is neither granted nor refused yet.
    pub outstanding: &'a Capabilities,
    /// What was answered before to an earlier version by the same signer.
    pub before: Option<&'a Consent>,
    /// What the package's examples used when it was built.
    pub resources: Option<&'a Resources>,
}

/// The prompt that follows the screen.
pub const PROMPT: &str = "Allow it? [a]lways, [o]nce, [c]hoose one by one, [N]o: ";

impl Answer {
    /// Anything but a clear yes is a no.
    pub fn parse(line: &str) -> Self {
        match line.trim().to_ascii_lowercase().as_str() {
            "a" | "always" => Self::Always,
            "c" | "choose" => Self::Choose,
            "o" | "once" | "y" | "yes" => Self::Once,
            _ => Self::No,
        }
    }
}

impl Question<'_> {
    /// The whole screen, without the prompt.
    pub fn screen(&self) -> String {
        let mut text = String::new();
        let from = match self.registry {
            FILE => "a file",
            origin => origin,
        };
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{} {} from {from}", self.package, self.version);
        let name = self
            .signer_name
            .map(|name| format!("{name}, "))
            .unwrap_or_default();
        let _ = writeln!(
            text,
            "signed by {name}{} (key {})",
            self.signer.to_base64(),
            self.signer.key_id_hex()
        );
        self.wants(&mut text);
        self.added(&mut text);
        let cannot = cannot(self.declared);
        if !cannot.is_empty() {
            let _ = writeln!(text, "\nIt cannot {}.", cannot.join(", "));
        }
        self.used(&mut text);
        text
    }

    fn wants(&self, text: &mut String) {
        text.push_str("\nIt wants to\n");
        for (at, need) in self.outstanding.needs().iter().enumerate() {
            let _ = writeln!(text, "  {}. {}", at + 1, need.words);
            if let Some(reason) = need.reason {
                // The publisher's word, not ours.
                let _ = writeln!(text, "     its publisher says: “{reason}”");
            }
        }
    }

    fn added(&self, text: &mut String) {
        let Some(before) = self.before else { return };
        let added = before.capabilities.widened_by(self.declared);
        if added.is_empty() {
            return;
        }
        let _ = writeln!(
            text,
            "\nSince you were asked about {}, this is new:",
            before.version
        );
        for one in added {
            let _ = writeln!(text, "  + {one}");
        }
    }

    fn used(&self, text: &mut String) {
        let Some(resources) = self.resources else {
            return;
        };
        let memory = resources
            .peak_memory
            .map(|memory| format!("{} of memory", bytes(memory)));
        let time = resources.time_ms.map(|time| format!("{time} ms"));
        let used: Vec<String> = memory.into_iter().chain(time).collect();
        if !used.is_empty() {
            let _ = writeln!(
                text,
                "\nIts examples used {} when it was built.",
                used.join(" and ")
            );
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
