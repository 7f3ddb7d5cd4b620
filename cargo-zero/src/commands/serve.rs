//! `serve`: answers web requests with a component (spec/capabilities.md, "Serving").

use std::ffi::OsString;

use serde_json::json;
use zrun::{DEFAULT_REQUEST_TIME, ServeError, Server};

use super::run::{self, Allowed};
use crate::cli::{Run, Serve};
use crate::host::Session;
use crate::report::{Class, Failure, Report};

pub(crate) fn run(
    session: &Session,
    serve: &Serve,
    arguments: &[OsString],
) -> Result<Report, Failure> {
    if serve.run.args.invoke.is_some() {
        return Err(
            Failure::usage("`serve` answers requests; it invokes no exports")
                .hint("cargo zero run --invoke EXPORT PACKAGE"),
        );
    }
    let one_run = &serve.run.args;
    if one_run.learn.is_some() || one_run.deterministic.is_some() {
        return Err(Failure::usage(
            "`serve` answers requests: `--learn` and `--deterministic` are for single runs",
        ));
    }
    let flags = run::resolved(&serve.run)?;
    let allowed = run::allow(session, &flags, arguments)?;
    let program = allowed.load(session, true)?;
    let audit = run::audit_file(&flags, &allowed.decision.grants, &[])?;
    let mut server = Server::new(
        program,
        allowed.decision.grants.clone(),
        limits(&flags, &allowed),
    )
    .map_err(|error| failed(&error))?
    .strict(flags.args.grants.strict)
    .quiet(session.output.quiet);
    if let Some(bytes) = serve.limit_body {
        server = server.max_body(bytes);
    }
    if let Some(requests) = serve.limit_requests {
        server = server.at_once(requests.get());
    }
    if let Some(audit) = audit {
        server = server.audit(audit, allowed.registry());
    }
    let package = &allowed.metadata().package;
    let (name, version) = (&package.name, &package.version);
    let output = session.output;
    server
        .run(serve.addr, |address| {
            let url = format!("http://{address}/");
            output.now(
                &json!({ "ok": true, "package": name, "version": version, "url": url }),
                &format!("{name} {version} at {url}\n"),
            );
        })
        .map_err(|error| failed(&error))?;
    Ok(Report::exit(0))
}

/// The limits of each request. A package that says nothing about time was not written to be waited for.
fn limits(run: &Run, allowed: &Allowed) -> zrun::Limits {
    let declared = allowed.metadata().limits.time_ms.is_some();
    let mut limits = allowed.limits;
    if !declared && run.args.grants.limit_time.is_none() {
        limits.time = DEFAULT_REQUEST_TIME;
    }
    limits
}

fn failed(error: &ServeError) -> Failure {
    let mut failure =
        Failure::new(Class::Failed, format!("failed to {error}")).hint_if(error.hint());
    if let Some(source) = std::error::Error::source(error) {
        failure = failure.because(source);
    }
    failure
}
