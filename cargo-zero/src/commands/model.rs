//! Which model `ask` talks to.

use std::time::Duration;

use zero_model::backend::{Api, Endpoint, EndpointOptions};
use zero_model::model::ModelError;

use crate::cli::{ModelApi, ModelArgs};
use crate::config::Config;
use crate::host::Session;
use crate::report::{Class, Failure};

/// The model that the flags, the environment or the settings name, in this order.
pub(crate) fn open(session: &Session, args: &ModelArgs) -> Result<Endpoint, Failure> {
    let configured = Config::read(session)?.model;
    let named = args.model.clone().or_else(|| session.env.model_url.clone());
    let url = named
        .clone()
        .or_else(|| configured.as_ref().map(|model| model.url.clone()));
    let Some(url) = url else {
        return Err(none(session));
    };
    if session.offline {
        return Err(Failure::new(
            Class::Unreachable,
            "`--offline`: a model behind an address needs the network",
        )
        .hint("leave out --offline"));
    }
    // The configured name belongs to the configured address.
    let name = configured
        .filter(|_| named.is_none())
        .and_then(|model| model.name);
    let options = EndpointOptions {
        model: args.model_name.clone().or(name),
        key: session.env.model_key.clone(),
        api: match args.api {
            ModelApi::Chat => Api::Chat,
            ModelApi::Completions => Api::Completions,
        },
        timeout: Duration::from_secs(args.model_timeout),
        ..EndpointOptions::new(url)
    };
    Endpoint::open(options).map_err(|error| failure(&error))
}

fn none(session: &Session) -> Failure {
    Failure::usage("no model is configured").hint(format!(
        "start one, such as `llama-server -m MODEL.gguf`, and name its address: --model http://127.0.0.1:8080/v1\n\
         or keep it in {}:\n  [model]\n  url = \"http://127.0.0.1:8080/v1\"\n\
         a hosted one is named in the same way; its key is read from the variable ZERO_MODEL_KEY",
        session.home.config().display()
    ))
}

/// The failure of a model, with what the user can do.
pub(crate) fn failure(error: &ModelError) -> Failure {
    let class = match error {
        ModelError::Address { .. } => Class::Usage,
        error if error.is_unreachable() => Class::Unreachable,
        _ => Class::Failed,
    };
    Failure::new(class, "the model gave no answer")
        .because(error)
        .hint_if(error.hint())
}
