//! Which witnesses must have cosigned: a C2SP tlog-policy without logs, as the root knows its log.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::cosignature::{VerifierKey, VerifierKeyError};
use crate::limits::{MAX_NOTE_SIGNATURES, MAX_POLICY_LINE_CHARS, MAX_POLICY_LINES};

/// A witness policy: its lines, and what they mean.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<String>", into = "Vec<String>")]
pub struct WitnessPolicy {
    lines: Vec<String>,
    witnesses: Vec<PolicyWitness>,
    quorum: Rule,
}

/// A witness as a policy lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PolicyWitness {
    pub(crate) key: VerifierKey,
    /// Where it takes checkpoints.
    pub(crate) url: Option<String>,
}

/// Who must have cosigned.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Rule {
    Nobody,
    Witness(usize),
    Group { need: usize, members: Vec<Rule> },
}

/// Why a text is not a witness policy.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum PolicyError {
    /// A key is listed twice.
    #[error("read the witness policy: line {0} lists a key that another line lists too")]
    Duplicate(usize),
    /// A line is none of those that a policy has.
    #[error("read the witness policy: line {line}: {reason}")]
    Line {
        /// Its number, from 1.
        line: usize,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A key is malformed.
    #[error("read the witness policy: line {line}")]
    Key {
        /// The number of the line, from 1.
        line: usize,
        /// What is wrong with the key.
        source: VerifierKeyError,
    },
    /// A name stands for nothing, for two things, or in two groups.
    #[error("read the witness policy: line {0} uses a name that is unknown, or used already")]
    Name(usize),
    /// There is not exactly one `quorum` line.
    #[error("read the witness policy: it does not have exactly one line `quorum NAME`")]
    Quorum,
    /// There are more lines, longer ones, or more witnesses than a root may have.
    #[error(
        "read the witness policy: it has too many lines or witnesses, or a line that is too long"
    )]
    TooLong,
}

impl WitnessPolicy {
    /// Reads a policy file.
    ///
    /// # Errors
    /// When a line of it cannot be understood.
    pub fn parse(text: &str) -> Result<Self, PolicyError> {
        let lines = text.split('\n').map(|line| line.trim_matches([' ', '\t']));
        let kept = lines.filter(|line| !line.is_empty() && !line.starts_with('#'));
        Self::from_lines(kept.map(str::to_owned).collect())
    }

    /// The lines, as a root carries them.
    pub fn lines(&self) -> &[String] {
        &self.lines
    }

    /// Whether cosignatures of these witnesses are enough.
    pub(crate) fn is_met(&self, cosigned: &BTreeSet<usize>) -> bool {
        self.quorum.is_met(cosigned)
    }

    /// The witnesses, in the order of their lines.
    pub(crate) fn witnesses(&self) -> &[PolicyWitness] {
        &self.witnesses
    }

    fn from_lines(lines: Vec<String>) -> Result<Self, PolicyError> {
        let long = |line: &String| line.chars().count() > MAX_POLICY_LINE_CHARS;
        if lines.len() > MAX_POLICY_LINES || lines.iter().any(long) {
            return Err(PolicyError::TooLong);
        }
        let mut reader = Reader::default();
        for (index, line) in lines.iter().enumerate() {
            reader.line(index + 1, line)?;
        }
        // The log key takes one of the lines that a checkpoint may have.
        if reader.witnesses.len() >= MAX_NOTE_SIGNATURES {
            return Err(PolicyError::TooLong);
        }
        Ok(Self {
            lines,
            witnesses: reader.witnesses,
            quorum: reader.quorum.ok_or(PolicyError::Quorum)?,
        })
    }
}

impl TryFrom<Vec<String>> for WitnessPolicy {
    type Error = PolicyError;

    fn try_from(lines: Vec<String>) -> Result<Self, PolicyError> {
        Self::from_lines(lines)
    }
}

impl From<WitnessPolicy> for Vec<String> {
    fn from(policy: WitnessPolicy) -> Self {
        policy.lines
    }
}

impl Rule {
    fn is_met(&self, cosigned: &BTreeSet<usize>) -> bool {
        match self {
            Self::Nobody => true,
            Self::Witness(index) => cosigned.contains(index),
            Self::Group { need, members } => {
                members.iter().filter(|rule| rule.is_met(cosigned)).count() >= *need
            }
        }
    }
}

#[derive(Default)]
struct Reader {
    witnesses: Vec<PolicyWitness>,
    names: BTreeMap<String, Rule>,
    /// Names that are in a group: each may be in one.
    members: BTreeSet<String>,
    quorum: Option<Rule>,
}

impl Reader {
    fn line(&mut self, number: usize, line: &str) -> Result<(), PolicyError> {
        let refuse = |reason| PolicyError::Line {
            line: number,
            reason,
        };
        if line.chars().any(|c| c.is_control() && c != '\t') {
            return Err(refuse("it has a control character"));
        }
        let words: Vec<&str> = line.split([' ', '\t']).filter(|w| !w.is_empty()).collect();
        match words.as_slice() {
            ["witness", name, key] => self.witness(number, name, key, None),
            ["witness", name, key, url] => self.witness(number, name, key, Some(url)),
            ["group", name, need, members @ ..] => self.group(number, name, need, members),
            ["quorum", name] => self.quorum(number, name),
            ["log", ..] => Err(refuse("the root names the log, a policy in it must not")),
            _ => Err(refuse("it is neither `witness`, `group` nor `quorum`")),
        }
    }

    fn witness(
        &mut self,
        number: usize,
        name: &str,
        key: &str,
        url: Option<&&str>,
    ) -> Result<(), PolicyError> {
        let key: VerifierKey = key.parse().map_err(|source| PolicyError::Key {
            line: number,
            source,
        })?;
        let mut others = self.witnesses.iter();
        if others.any(|other| other.key.material() == key.material()) {
            return Err(PolicyError::Duplicate(number));
        }
        if key.log_key().is_some() {
            return Err(PolicyError::Line {
                line: number,
                reason: "its key is that of a log, not of a witness",
            });
        }
        if url.is_some_and(|url| !url.starts_with("http://") && !url.starts_with("https://")) {
            return Err(PolicyError::Line {
                line: number,
                reason: "its address is neither http nor https",
            });
        }
        self.define(number, name, Rule::Witness(self.witnesses.len()))?;
        self.witnesses.push(PolicyWitness {
            key,
            url: url.map(|url| (*url).to_owned()),
        });
        Ok(())
    }

    fn group(
        &mut self,
        number: usize,
        name: &str,
        need: &str,
        members: &[&str],
    ) -> Result<(), PolicyError> {
        let mut rules = Vec::new();
        for member in members {
            if !self.members.insert((*member).to_owned()) {
                return Err(PolicyError::Name(number));
            }
            let rule = self.names.get(*member).ok_or(PolicyError::Name(number))?;
            rules.push(rule.clone());
        }
        let need = match need {
            "any" => Some(1),
            "all" => Some(rules.len()),
            number => crate::log::decimal(number).and_then(|n| usize::try_from(n).ok()),
        };
        let need = need.filter(|need| (1..=rules.len()).contains(need));
        let need = need.ok_or(PolicyError::Line {
            line: number,
            reason: "its threshold is not from 1 to the number of its members",
        })?;
        let group = Rule::Group {
            need,
            members: rules,
        };
        self.define(number, name, group)
    }

    fn quorum(&mut self, number: usize, name: &str) -> Result<(), PolicyError> {
        let rule = match name {
            "none" => Rule::Nobody,
            name => self
                .names
                .get(name)
                .cloned()
                .ok_or(PolicyError::Name(number))?,
        };
        match self.quorum.replace(rule) {
            None => Ok(()),
            Some(_) => Err(PolicyError::Quorum),
        }
    }

    fn define(&mut self, number: usize, name: &str, rule: Rule) -> Result<(), PolicyError> {
        let taken = name == "none" || self.names.insert(name.to_owned(), rule).is_some();
        if taken {
            Err(PolicyError::Name(number))
        } else {
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::key;

    fn vkey(number: u8) -> String {
        let name = format!("witness.example/{number}");
        let key = VerifierKey::witness(&name, key(number).public_key());
        key.unwrap().to_string()
    }

    fn policy(rest: &str) -> Result<WitnessPolicy, PolicyError> {
        let (a, b, c) = (vkey(1), vkey(2), vkey(3));
        WitnessPolicy::parse(&format!(
            "# a comment\nwitness a {a} https://a.example/\n\twitness b {b}\nwitness c {c}\n\n{rest}\n"
        ))
    }

    fn met(policy: &WitnessPolicy, by: &[usize]) -> bool {
        policy.is_met(&by.iter().copied().collect())
    }

    #[test]
    fn groups_within_groups_count_their_members() {
        let policy = policy("group two 2 a b\ngroup all all two c\nquorum all").unwrap();
        assert!(met(&policy, &[0, 1, 2]));
        for few in [&[0, 1][..], &[0, 2], &[2], &[]] {
            assert!(!met(&policy, few), "{few:?}");
        }
        assert_eq!(
            policy.witnesses()[0].url.as_deref(),
            Some("https://a.example/")
        );
        let again = WitnessPolicy::parse(&policy.lines().join("\n")).unwrap();
        assert_eq!(again, policy);
    }

    #[test]
    fn one_witness_or_nobody_can_be_the_quorum() {
        let one = policy("quorum b").unwrap();
        assert!(met(&one, &[1]) && !met(&one, &[0, 2]));
        assert!(met(&policy("quorum none").unwrap(), &[]));
        let any = policy("group any any a b c\nquorum any").unwrap();
        assert!(met(&any, &[2]) && !met(&any, &[]));
    }

    #[test]
    fn what_could_be_read_in_two_ways_is_refused() {
        for (rest, expected) in [
            ("", PolicyError::Quorum),
            ("quorum a\nquorum b", PolicyError::Quorum),
            ("quorum d", PolicyError::Name(4)),
            ("group a any b\nquorum a", PolicyError::Name(4)),
            ("group g any b b\nquorum g", PolicyError::Name(4)),
            (
                "group g any a\ngroup h any a\nquorum g",
                PolicyError::Name(5),
            ),
            (
                "group g any h\ngroup h any a\nquorum g",
                PolicyError::Name(4),
            ),
            ("group none any a\nquorum none", PolicyError::Name(4)),
        ] {
            assert_eq!(policy(rest), Err(expected), "{rest}");
        }
        for rest in [
            "group g 0 a\nquorum g",
            "group g 3 a b\nquorum g",
            "group g 02 a b\nquorum g",
            "group g all\nquorum g",
            "quorum",
            "log x\nquorum a",
            "witnesses a",
            "quorum\u{7}a",
        ] {
            assert!(
                matches!(policy(rest), Err(PolicyError::Line { .. })),
                "{rest}"
            );
        }
        let twice = format!("witness d {}\nquorum d", vkey(1));
        assert_eq!(policy(&twice), Err(PolicyError::Duplicate(4)));
        let log = VerifierKey::log("log", key(9).public_key()).unwrap();
        assert!(policy(&format!("witness d {log}\nquorum d")).is_err());
        let file = format!("witness d {} file:///etc\nquorum d", vkey(9));
        assert!(matches!(policy(&file), Err(PolicyError::Line { .. })));
        assert_eq!(
            policy(&"#\nquorum a\n".repeat(99)),
            Err(PolicyError::TooLong)
        );
    }
}
