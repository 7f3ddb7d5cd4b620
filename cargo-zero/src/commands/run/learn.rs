//! `--learn`: what one's own project used and tried to use, as a change of its Zero.toml
//! (spec/capabilities.md, "Learning").

use std::fs;
use std::path::PathBuf;

use similar::TextDiff;
use zero_format::{Capabilities, FsRule, FsScope};
use zrun::{Asked, LearnMode, Learned, RunArgs};

use crate::host::Session;
use crate::manifest_edit;
use crate::project::Project;
use crate::report::{Failure, Output};

/// A run that learns.
#[derive(Clone, Debug)]
pub(super) struct Lesson {
    mode: LearnMode,
    learned: Learned,
    manifest: PathBuf,
    /// What Zero.toml declares.
    declared: Capabilities,
    /// What the program runs with: that, and what the flags name.
    assumed: Capabilities,
    output: Output,
}

impl Lesson {
    /// Prepares to learn about a project. What the flags grant counts as declared for this run: it still is granted
    /// by the flags alone.
    pub(super) fn begin(session: &Session, args: &RunArgs, project: &Project) -> Option<Self> {
        let mode = args.learn?;
        let declared = project.metadata().capabilities.clone();
        let assumed = assumed(&declared, &args.grants.asked());
        Some(Self {
            mode,
            learned: Learned::default(),
            manifest: project.manifest().to_owned(),
            declared,
            assumed,
            output: session.output,
        })
    }

    /// What the program is built and run with.
    pub(super) fn assumed(&self) -> &Capabilities {
        &self.assumed
    }

    /// Who is to be told of every use.
    pub(super) fn listener(&self) -> Learned {
        self.learned.clone()
    }

    /// Shows what was learned, and writes it if that was asked for.
    pub(super) fn end(&self) -> Result<(), Failure> {
        let proposal = self.learned.proposal(&self.assumed);
        let wanted = match self.mode {
            LearnMode::Add => widened(&self.declared, &proposal.needed),
            LearnMode::Show | LearnMode::Write => proposal.needed.clone(),
        };
        let failed = |error: &std::io::Error| {
            Failure::failed(format!("cannot change {}", self.manifest.display())).because(error)
        };
        let before = fs::read_to_string(&self.manifest).map_err(|error| failed(&error))?;
        let after = manifest_edit::declare(&before, &wanted)?;
        let changes = before != after;
        self.output.note(&self.report(&proposal, &before, &after));
        if changes && self.mode != LearnMode::Show {
            crate::write::replace(&self.manifest, after.as_bytes())?;
            self.output
                .note(&format!("{} was changed", self.manifest.display()));
        } else if changes {
            self.output.note(
                "next: the same with --learn=write changes Zero.toml like this; --learn=add only adds",
            );
        }
        Ok(())
    }

    fn report(&self, proposal: &zrun::Proposal, before: &str, after: &str) -> String {
        let mut text = String::from("\n");
        if !proposal.denied.is_empty() {
            text += "It was denied, and may do more once it is granted:\n";
            for words in proposal.denied.describe() {
                text += &format!("  - {words}\n");
            }
        }
        for note in &proposal.notes {
            text += &format!("  - {}\n", zero_format::printable(note));
        }
        if before == after {
            text += "Zero.toml declares what this run used, and no more.\n";
            return text;
        }
        let name = self.manifest.display().to_string();
        let diff = TextDiff::from_lines(before, after);
        let diff = diff
            .unified_diff()
            .context_radius(1)
            .header(&name, &name)
            .to_string();
        text + &diff
    }
}

/// What Zero.toml declares, with what the flags name.
fn assumed(declared: &Capabilities, asked: &Asked) -> Capabilities {
    let mut all = declared.clone();
    let named = asked.declaration();
    for rule in named.rules() {
        if !all.widened_by(&rule).is_empty() {
            all.extend(rule);
        }
    }
    // Files named on the command line are granted by naming them; without this rule the program could not see them.
    if !all.fs.iter().any(|rule| rule.scope == FsScope::Args) {
        all.fs.push(FsRule {
            scope: FsScope::Args,
            access: zero_format::Access::Read,
            reason: None,
        });
    }
    all
}

/// What is declared, with what is needed beyond it. A rule whose access is not enough is replaced.
fn widened(declared: &Capabilities, needed: &Capabilities) -> Capabilities {
    let mut all = declared.clone();
    for rule in needed.rules() {
        if declared.widened_by(&rule).is_empty() {
            continue;
        }
        for file in &rule.fs {
            all.fs.retain(|known| known.scope != file.scope);
        }
        for net in &rule.net {
            if let Some(known) = all.net.iter_mut().find(|known| known.host == net.host) {
                known.ports.extend(net.ports.iter().copied());
                known.ports.sort_unstable();
                known.ports.dedup();
            } else {
                all.net.push(net.clone());
            }
        }
        let mut rest = rule;
        rest.net.clear();
        all.extend(rest);
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::run::tests::capabilities;

    #[test]
    fn adding_keeps_what_other_runs_needed() {
        let declared = capabilities(
            "fs = [{ guest = \"/a\", access = \"read\" }, { guest = \"/b\", access = \"read\" }]\nclock = [\"wall\"]\nnet = [\"x.example:1\"]",
        );
        let needed = capabilities(
            "fs = [{ guest = \"/a\", access = \"read-write\" }]\nnet = [\"x.example:2\"]\nrandom = true",
        );
        let expected = capabilities(
            "fs = [{ guest = \"/b\", access = \"read\" }, { guest = \"/a\", access = \"read-write\" }]\nclock = [\"wall\"]\nnet = [{ host = \"x.example\", ports = [1, 2] }]\nrandom = true",
        );
        assert_eq!(widened(&declared, &needed), expected);
    }

    #[test]
    fn a_learning_run_assumes_what_the_flags_name() {
        let declared = capabilities("clock = [\"wall\"]");
        let asked = Asked {
            allow: vec![zrun::Rule::Random, zrun::Rule::Clock],
            ..Asked::default()
        };
        let expected =
            capabilities("fs = [\"args\"]\nclock = [\"wall\", \"monotonic\"]\nrandom = true");
        assert_eq!(assumed(&declared, &asked), expected);
    }
}
