//! `witness`: from its arguments to a running witness; and the policies that name witnesses.

use std::{path::Path, sync::Arc};

use serde_json::json;
use zero_format::PublicKey;
use zero_registry::{
    AskWitness, ErrorClass, HttpWitnesses, Log, Network, Origin, VerifierKey, Witness,
    WitnessError, WitnessPolicy, WitnessServer,
};

use crate::{
    cli, host,
    keys::{self, Passwords},
    report::{self, Failure, Report},
};

const MAX_POLICY_BYTES: u64 = 64 * 1024;

pub(crate) fn run(json: bool, args: &cli::Witness) -> Result<Report, Failure> {
    let logs = args.logs.iter().map(|log| log_of(log));
    let logs = logs.collect::<Result<Vec<_>, _>>()?;
    let key = keys::secret(&args.key, &mut Passwords::default())?;
    let open = if args.new {
        Witness::create
    } else {
        Witness::open
    };
    let witness = open(&args.name, key, logs, &args.state).map_err(|error| {
        let class = match error {
            WitnessError::Forgotten(_) | WitnessError::Memory { .. } => ErrorClass::Untrusted,
            _ => ErrorClass::Failed,
        };
        Failure::of(class, &error, error.hint().map(str::to_owned))
    })?;
    let verifier = witness.verifier().to_string();
    let log = if args.access_log {
        Log::new(|object| report::log(&object.clone(), host::now()))
    } else {
        Log::default()
    };
    let failed =
        |error: zero_registry::ServeError| Failure::of(ErrorClass::Failed, &error, error.hint());
    let server = WitnessServer::bind(witness, args.listen, host::now, log).map_err(failed)?;
    let url = server.url();
    let mut listening = Report {
        text: format!(
            "witness {} at {url}\n  witness NAME {verifier} {url}\n",
            args.name
        ),
        ..Report::default()
    };
    listening.members.insert("url".into(), json!(url));
    listening.members.insert("vkey".into(), json!(verifier));
    report::say(json, &listening);
    server.run().map_err(failed)?;
    let mut ended = Report {
        text: "ended\n".into(),
        ..Report::default()
    };
    ended.members.insert("ended".into(), json!(true));
    Ok(ended)
}

/// `ORIGIN=PUB`, or a verifier key, which has both.
fn log_of(text: &str) -> Result<(Origin, PublicKey), Failure> {
    let wrong = || {
        Failure::usage(
            format!("`{text}` is not a log"),
            "name its origin and its log key: --log packages.example.org=RW…",
        )
    };
    let verifier = text.parse::<VerifierKey>();
    if let Some((name, key)) = verifier
        .as_ref()
        .ok()
        .and_then(|v| Some((v.name(), v.log_key()?)))
    {
        return Ok((name.parse().map_err(|_| wrong())?, *key));
    }
    let (origin, key) = text.split_once('=').ok_or_else(wrong)?;
    Ok((origin.parse().map_err(|_| wrong())?, keys::public(key)?))
}

/// Reads a policy file.
pub(crate) fn policy(path: &Path) -> Result<WitnessPolicy, Failure> {
    let bytes = keys::read_file(
        path,
        MAX_POLICY_BYTES,
        "name a policy file: --witnesses FILE",
    )?;
    WitnessPolicy::parse(&String::from_utf8_lossy(&bytes)).map_err(|error| {
        let hint =
            "it has lines `witness NAME VKEY URL`, `group NAME K NAME…`, and one `quorum NAME`";
        Failure::of(ErrorClass::Failed, &error, Some(hint.to_owned())).about(path)
    })
}

/// A writer asks the witnesses that the root demands.
pub(crate) fn network() -> Arc<dyn AskWitness> {
    Arc::new(HttpWitnesses::new(Network::default()))
}
