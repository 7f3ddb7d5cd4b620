//! `serve`: from its arguments to a running server.

use std::fmt::Write as _;

use serde_json::json;
use zero_registry::{ErrorClass, Log, PublishOptions, ServeError, ServeOptions, Server, TlsFiles};

use crate::{
    cli::Serve,
    host,
    keys::{self, Passwords},
    place,
    report::{self, Failure, Report},
    witness,
};

pub(crate) fn run(json: bool, args: &Serve) -> Result<Report, Failure> {
    let server = Server::bind(options(args)?).map_err(|error| failure(&error))?;
    let url = server.url();
    let mut listening = Report {
        text: format!("serving {} at {url}\n", args.directory.display()),
        ..Report::default()
    };
    listening.members.insert("url".into(), json!(url));
    if let Some(operator) = server.operator_address() {
        let _ = writeln!(listening.text, "metrics and health at http://{operator}/");
        listening
            .members
            .insert("operator".into(), json!(format!("http://{operator}/")));
    }
    report::say(json, &listening);
    server.run().map_err(|error| failure(&error))?;
    let mut ended = Report {
        text: "ended\n".into(),
        ..Report::default()
    };
    ended.members.insert("ended".into(), json!(true));
    Ok(ended)
}

fn options(args: &Serve) -> Result<ServeOptions, Failure> {
    let mut options = ServeOptions::new(place::open(&args.directory)?, args.listen);
    options.connections = usize::from(args.connections);
    options.operator = args.operator;
    options.tls = args
        .tls_cert
        .clone()
        .zip(args.tls_key.clone())
        .map(|(certificate, key)| TlsFiles { certificate, key });
    if args.log {
        options.log = Log::new(|object| report::log(&object.clone(), host::now()));
    }
    if args.publish {
        let key = keys::secret(&args.log_key, &mut Passwords::default())?;
        let mut publish = PublishOptions::new(key, host::now);
        publish.per_minute = args.rate;
        publish.upload_bytes = args.upload_bytes;
        publish.uploads.clone_from(&args.upload_dir);
        publish.check_similar = !args.allow_similar;
        publish.site = !args.no_site;
        publish.witnesses = Some(witness::network());
        options.publish = Some(publish);
    }
    Ok(options)
}

fn failure(error: &ServeError) -> Failure {
    let class = match error {
        ServeError::NoRegistry { .. } => ErrorClass::NotFound,
        ServeError::Read { .. } => ErrorClass::Unreachable,
        _ => ErrorClass::Failed,
    };
    Failure::of(class, error, error.hint())
}
