//! Which model `ask` and `eval` talk to: behind an address, or in a file.

use std::path::PathBuf;
use std::time::Duration;

use zero_model::backend::{Api, Endpoint, EndpointOptions};
use zero_model::model::{Model, ModelError};

use crate::cli::{ModelApi, ModelArgs};
use crate::config::Config;
use crate::host::Session;
use crate::report::{Class, Failure};

/// A model that can be asked.
pub(crate) struct Opened {
    pub(crate) model: Box<dyn Model>,
    /// How it is asked, for the record of a run.
    pub(crate) interface: &'static str,
}

/// The model that the flags, the environment or the settings name, in this order. With `typed` a model in a file writes
/// modules and nothing else.
pub(crate) fn open(session: &Session, args: &ModelArgs, typed: bool) -> Result<Opened, Failure> {
    let configured = Config::read(session)?.model;
    let named = args.model.clone().or_else(|| session.env.model_url.clone());
    let url = named
        .clone()
        .or_else(|| configured.as_ref().map(|model| model.url.clone()));
    let Some(url) = url else {
        return Err(none(session));
    };
    if let Some(path) = file(&url) {
        return in_file(session, path, args, typed && !args.no_mask);
    }
    if let Some(flag) = only_for_files(args) {
        return Err(
            Failure::usage(format!("{flag} is for a model in a file")).hint(
                "--model MODEL.gguf; what a server does with a model is said where it is started",
            ),
        );
    }
    if session.offline {
        return Err(Failure::new(
            Class::Unreachable,
            "`--offline`: a model behind an address needs the network",
        )
        .hint("leave out --offline, or name a model in a file: --model MODEL.gguf"));
    }
    // The configured name belongs to the configured address.
    let name = configured
        .filter(|_| named.is_none())
        .and_then(|model| model.name);
    let (api, interface) = match args.api {
        ModelApi::Chat => (Api::Chat, "chat"),
        ModelApi::Completions => (Api::Completions, "completions"),
    };
    let options = EndpointOptions {
        model: args.model_name.clone().or(name),
        key: session.env.model_key.clone(),
        api,
        timeout: Duration::from_secs(args.model_timeout),
        ..EndpointOptions::new(url)
    };
    let model = Endpoint::open(options).map_err(|error| failure(&error))?;
    Ok(Opened {
        model: Box::new(model),
        interface,
    })
}

/// The file that is meant, if it is no address.
fn file(named: &str) -> Option<PathBuf> {
    if let Some(path) = named.strip_prefix("file://") {
        return Some(path.into());
    }
    let is_address = named.starts_with("http://") || named.starts_with("https://");
    let path = PathBuf::from(named);
    let is_gguf = path
        .extension()
        .is_some_and(|extension| extension.eq_ignore_ascii_case("gguf"));
    (is_gguf && !is_address).then_some(path)
}

fn only_for_files(args: &ModelArgs) -> Option<&'static str> {
    [
        ("--lora", args.lora.is_some()),
        ("--no-mask", args.no_mask),
        ("--header", args.header),
        ("--context", args.context.is_some()),
        ("--model-threads", args.model_threads.is_some()),
    ]
    .into_iter()
    .find_map(|(flag, given)| given.then_some(flag))
}

#[cfg(feature = "gguf")]
fn in_file(
    session: &Session,
    path: PathBuf,
    args: &ModelArgs,
    mask: bool,
) -> Result<Opened, Failure> {
    use zero_model::backend::{Gguf, GgufOptions};

    if args.model_name.is_some() {
        return Err(Failure::usage("--model-name is for a server")
            .hint("a file has one model: leave out --model-name"));
    }
    let chat = args.api == ModelApi::Chat;
    let standard = GgufOptions::new(path);
    let options = GgufOptions {
        adapter: args.lora.clone(),
        context: args.context.unwrap_or(standard.context),
        mask,
        template: chat,
        threads: args.model_threads.unwrap_or(standard.threads),
        ..standard
    };
    let step = session
        .output
        .step(&format!("loading {}", options.path.display()));
    let model = Gguf::open(&options).map_err(|error| failure(&error))?;
    drop(step);
    Ok(Opened {
        model: Box::new(model),
        interface: match (chat, options.mask) {
            (true, true) => "chat, typed",
            (true, false) => "chat",
            (false, true) => "completions, typed",
            (false, false) => "completions",
        },
    })
}

#[cfg(not(feature = "gguf"))]
fn in_file(_: &Session, path: PathBuf, _: &ModelArgs, _: bool) -> Result<Opened, Failure> {
    let path = path.display();
    Err(
        Failure::usage("this program was built without what runs a model in a file").hint(format!(
            "cargo install cargo-zero --features gguf\n\
             or start `llama-server -m {path}` and name its address: --model http://127.0.0.1:8080/v1"
        )),
    )
}

fn none(session: &Session) -> Failure {
    Failure::usage("no model is configured").hint(format!(
        "start one, such as `llama-server -m MODEL.gguf`, and name its address: --model http://127.0.0.1:8080/v1\n\
         or name a file, where the program was built to run it: --model MODEL.gguf\n\
         or keep it in {}:\n  [model]\n  url = \"http://127.0.0.1:8080/v1\"\n\
         a hosted one is named in the same way; its key is read from the variable ZERO_MODEL_KEY",
        session.home.config().display()
    ))
}

/// The failure of a model, with what the user can do.
pub(crate) fn failure(error: &ModelError) -> Failure {
    let class = match error {
        ModelError::Address { .. } => Class::Usage,
        error if error.is_missing() => Class::NotFound,
        error if error.is_unreachable() => Class::Unreachable,
        _ => Class::Failed,
    };
    Failure::new(class, "the model gave no answer")
        .because(error)
        .hint_if(error.hint())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_and_addresses_are_told_apart() {
        for (named, path) in [
            ("model.gguf", Some("model.gguf")),
            ("/models/a b.GGUF", Some("/models/a b.GGUF")),
            ("file:///models/x", Some("/models/x")),
            ("http://127.0.0.1:8080/v1", None),
            ("https://example.org/model.gguf", None),
            ("localhost", None),
        ] {
            assert_eq!(file(named), path.map(PathBuf::from), "{named}");
        }
    }
}
