//! What is offered: packages, and in them the program that can be started and the functions that the signed metadata
//! names. The tools are made once, from what was verified: they cannot change while a client looks.

use std::collections::BTreeSet;
use std::path::Path;

use zero_format::printable;
use zrun::exports::{Function, quoted};
use zrun::{EngineOptions, Limits, Program, RunArgs};

use rmcp::model::Tool;

use super::call::Rules;
use super::tool;
use crate::cli::{Mcp, Run};
use crate::commands::run;
use crate::host::Session;
use crate::report::{Class, Failure};

/// The tool by which a caller asks for rights.
pub(super) const REQUEST: &str = "request_rights";

/// A name of a tool has this many characters at most: what clients agree on.
const LONGEST: usize = 64;

/// A package that is offered.
pub(super) struct Offer {
    /// What the person typed: a package or a file.
    pub(super) target: String,
    pub(super) registry: String,
    pub(super) program: Program,
}

/// What a call of a tool does.
#[derive(Clone)]
pub(super) enum Action {
    /// Calls a function.
    Call(Function),
    /// Starts the program.
    Start,
}

/// A tool and what is behind it.
pub(super) struct Entry {
    pub(super) tool: Tool,
    pub(super) offer: usize,
    pub(super) action: Action,
}

/// Everything that is offered.
#[derive(Default)]
pub(super) struct Offers {
    pub(super) packages: Vec<Offer>,
    pub(super) entries: Vec<Entry>,
}

impl Offer {
    /// The command that gives the package what it declares.
    pub(super) fn granting(&self) -> String {
        format!("cargo zero grants allow {}", quoted(&self.target))
    }
}

impl Offers {
    /// Obtains, verifies and compiles the packages.
    pub(super) fn load(session: &Session, args: &Mcp, rules: &Rules) -> Result<Self, Failure> {
        let flags = Run {
            args: RunArgs {
                locked: args.locked,
                update: args.update,
                min_age: args.min_age,
                ..RunArgs::default()
            },
        };
        let mut offers = Self::default();
        for text in &args.packages {
            let (target, only) = split(text);
            let subject = run::subject(session, &flags, Some(target))?;
            let limits = Limits::of(&subject.artifact.metadata().limits, &rules.ceiling);
            // Many calls share this process, so each must be able to end alone.
            let options = EngineOptions {
                interruptible: true,
                fuel: limits.fuel.is_some(),
                ..EngineOptions::default()
            };
            let program = run::load(session, &subject.artifact, options)?;
            offers.add(
                Offer {
                    target: target.to_owned(),
                    registry: subject.registry,
                    program,
                },
                only,
            )?;
        }
        Ok(offers)
    }

    fn add(&mut self, offer: Offer, only: Option<&str>) -> Result<(), Failure> {
        let metadata = offer.program.metadata();
        let package = metadata.package.name.as_str();
        let wanted = |function: &Function| {
            only.is_none_or(|only| function.name == only || function.short() == only)
        };
        let mut functions = offer.program.exports();
        functions.retain(wanted);
        let start = only.is_none() && offer.program.is_command();
        if functions.is_empty() && !start {
            return Err(Failure::new(
                Class::NotFound,
                format!("{} offers nothing to call", printable(&offer.target)),
            )
            .hint(format!(
                "its metadata has to name exports; `zrun --invoke= {}` shows those that there are",
                quoted(&offer.target)
            )));
        }
        let at = self.packages.len();
        let mut found = Vec::new();
        if start {
            found.push((name(package, ""), Action::Start));
        }
        for function in functions {
            found.push((name(package, function.short()), Action::Call(function)));
        }
        for (name, action) in found {
            let tool = match &action {
                Action::Start => tool::command(&offer, name),
                Action::Call(function) => tool::function(&offer, name, function),
            };
            self.entries.push(Entry {
                tool,
                offer: at,
                action,
            });
        }
        self.packages.push(offer);
        self.distinct();
        Ok(())
    }

    /// Numbers the tools whose name another one has already.
    fn distinct(&mut self) {
        let mut taken = BTreeSet::from([REQUEST.to_owned()]);
        for entry in &mut self.entries {
            let plain = entry.tool.name.to_string();
            let mut name = plain.clone();
            let mut number = 2;
            while !taken.insert(name.clone()) {
                name = format!("{plain}_{number}");
                number += 1;
            }
            entry.tool.name = name.into();
        }
    }
}

/// A name of the characters that every client takes.
fn name(package: &str, function: &str) -> String {
    let text = if function.is_empty() {
        package.to_owned()
    } else {
        format!("{package}_{function}")
    };
    text.chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() || c == '-' {
                c
            } else {
                '_'
            }
        })
        .take(LONGEST - 4)
        .collect()
}

/// `PACKAGE#FUNCTION` offers one function only.
fn split(text: &str) -> (&str, Option<&str>) {
    if Path::new(text).exists() {
        return (text, None);
    }
    match text.split_once('#') {
        Some((target, only)) => (target, Some(only)),
        None => (text, None),
    }
}
