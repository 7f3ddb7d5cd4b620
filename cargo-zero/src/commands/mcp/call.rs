//! One call of a tool: a fresh instance under the rights that a person gave and under limits.

use std::path::PathBuf;
use std::time::Duration;

use rmcp::model::{CallToolResult, JsonObject};
use serde_json::Value as Json;
use zero_format::printable;
use zrun::exports::Function;
use zrun::{
    Asked, Audit, Cancel, Capture, Ceiling, Decision, GrantArgs, Home, Input, Io, Limits, Refusal,
    Runner,
};

use super::answer::{self, Printed, refused};
use super::offer::{Action, Offer};
use super::tool::is_optional;
use crate::cli::{Mcp, Run};
use crate::commands::run;
use crate::host::{self, Session};
use crate::report::Failure;

/// Wall time of a call, unless `--limit-time` says otherwise: somebody waits for it.
const TIME: Duration = Duration::from_mins(1);
/// Bytes of output of a call, unless `--limit-output` says otherwise: somebody reads it.
const OUTPUT: u64 = 1 << 20;

/// What holds for every call.
pub(super) struct Rules {
    home: Home,
    asked: Asked,
    pub(super) ceiling: Ceiling,
    output: u64,
    strict: bool,
    audit: Option<PathBuf>,
}

impl Rules {
    /// The rules by the command line.
    pub(super) fn new(session: &Session, args: &Mcp) -> Result<Self, Failure> {
        let flags = Run {
            args: zrun::RunArgs {
                grants: args.grants.clone(),
                ..zrun::RunArgs::default()
            },
        };
        let grants: GrantArgs = run::resolved(&flags)?.args.grants;
        let mut asked = grants.asked();
        // Naming a file in an argument grants it when a person does so. Here the caller would grant itself.
        asked.deny.push(Refusal::Args);
        let mut ceiling = grants.ceiling();
        ceiling.time.get_or_insert(TIME);
        let output = *ceiling.output.get_or_insert(OUTPUT);
        Ok(Self {
            home: session.home.clone(),
            asked,
            ceiling,
            output,
            strict: grants.strict,
            audit: args.audit.clone(),
        })
    }

    /// What a package may use now, by flags and stored consent; else what is missing, in words. Consent is read for
    /// each call, so that what a person allows meanwhile holds at once.
    pub(super) fn rights(&self, offer: &Offer) -> Result<Decision, Vec<String>> {
        let metadata = offer.program.metadata();
        let who = (
            offer.registry.as_str(),
            &metadata.package.name,
            offer.program.signers().first(),
        );
        let variable = |name: &str| host::variable(name).and_then(|value| value.into_string().ok());
        let asked = self.asked.clone();
        let decision = self
            .home
            .decide(who, &metadata.capabilities, asked, &variable);
        if decision.outstanding.is_empty() {
            Ok(decision)
        } else {
            Err(decision.outstanding.describe())
        }
    }

    /// The answer to a caller that asks for rights: what a person would have to type.
    pub(super) fn request(&self, offer: &Offer) -> String {
        match self.rights(offer) {
            Ok(_) => format!("{} has everything that it declares.", offer.target),
            Err(missing) => format!(
                "{} asks to {}.\nOnly a person can allow that. Ask for this command to be typed in a terminal:\n\n  {}\n\n\
                 Then call the tool again.",
                offer.target,
                missing.join(", "),
                offer.granting()
            ),
        }
    }

    /// Calls a tool.
    pub(super) fn call(
        &self,
        offer: &Offer,
        action: &Action,
        given: &JsonObject,
        cancel: &Cancel,
    ) -> CallToolResult {
        let Ok(decision) = self.rights(offer) else {
            return refused(format!("denied: {}", self.request(offer)));
        };
        let mut runner = Runner::new(&offer.program)
            .limits(Limits::of(&offer.program.metadata().limits, &self.ceiling))
            .strict(self.strict)
            .quiet(true)
            .registry(&offer.registry)
            .cancel(cancel);
        if let Some(path) = &self.audit {
            let audit = Audit::open(path, &decision.grants, &[])
                .map_err(|error| error.to_string())
                .and_then(|audit| audit.run(host::now()).map_err(|error| error.to_string()));
            match audit {
                Ok(audit) => runner = runner.listen(audit),
                // Nothing goes on unrecorded.
                Err(error) => return refused(format!("the audit cannot be kept: {error}")),
            }
        }
        let runner = runner.grants(decision.grants);
        match action {
            Action::Start => start(offer, runner, given),
            Action::Call(function) => self.invoke(offer, runner, function, given),
        }
    }

    fn invoke(
        &self,
        offer: &Offer,
        runner: Runner<'_>,
        function: &Function,
        given: &JsonObject,
    ) -> CallToolResult {
        let args = match arguments(function, given) {
            Ok(args) => args,
            Err(wrong) => return refused(wrong),
        };
        let metadata = offer.program.metadata();
        match runner.call(&function.name, &args) {
            Ok(called) => {
                let text = called.to_text();
                if text.len() as u64 > self.output {
                    return refused(format!(
                        "limit: the result has {} bytes, and {} are allowed",
                        text.len(),
                        self.output
                    ));
                }
                answer::returned(metadata, &called.to_json(), &text)
            }
            Err(error) => answer::failed(metadata, &error, &Printed::default()),
        }
    }
}

/// The arguments in the order of the parameters.
fn arguments(function: &Function, given: &JsonObject) -> Result<Vec<Json>, String> {
    let known = |name: &String| function.params.iter().any(|param| param.name == *name);
    if let Some(name) = given.keys().find(|name| !known(name)) {
        return Err(format!(
            "there is no argument `{}`: it is {}",
            shown(name),
            function.signature()
        ));
    }
    let value = |param: &zrun::exports::Parameter| match given.get(&param.name) {
        Some(value) => Ok(value.clone()),
        None if is_optional(param) => Ok(Json::Null),
        None => Err(format!(
            "the argument `{}` is missing: it is {}",
            param.name,
            function.signature()
        )),
    };
    function.params.iter().map(value).collect()
}

fn start(offer: &Offer, runner: Runner<'_>, given: &JsonObject) -> CallToolResult {
    let (args, stdin) = match command_line(given) {
        Ok(both) => both,
        Err(wrong) => return refused(wrong),
    };
    let (stdout, stderr) = (Capture::default(), Capture::default());
    let io = Io {
        stdin,
        stdout: stdout.output(),
        stderr: stderr.output(),
    };
    let ended = runner.args(args).io(io).run();
    let printed = Printed {
        stdout: stdout.take(),
        stderr: stderr.take(),
    };
    let metadata = offer.program.metadata();
    match ended {
        Ok(outcome) => answer::ended(metadata, outcome.code, &printed),
        Err(error) => answer::failed(metadata, &error, &printed),
    }
}

fn command_line(given: &JsonObject) -> Result<(Vec<String>, Input), String> {
    if let Some(name) = given
        .keys()
        .find(|name| *name != "args" && *name != "stdin")
    {
        return Err(format!(
            "there is no argument `{}`: there are `args` and `stdin`",
            shown(name)
        ));
    }
    let wrong = || "`args` is an array of strings".to_owned();
    let args = match given.get("args") {
        None | Some(Json::Null) => Vec::new(),
        Some(Json::Array(all)) => all
            .iter()
            .map(|word| word.as_str().map(str::to_owned).ok_or_else(wrong))
            .collect::<Result<_, _>>()?,
        Some(_) => return Err(wrong()),
    };
    let stdin = match given.get("stdin") {
        None | Some(Json::Null) => Input::Empty,
        Some(Json::String(text)) => Input::Bytes(text.clone().into_bytes()),
        Some(_) => return Err("`stdin` is a string".to_owned()),
    };
    Ok((args, stdin))
}

/// A name that the caller chose, short and without what moves a cursor.
fn shown(name: &str) -> String {
    printable(&name.chars().take(60).collect::<String>())
}
