//! What the server tells its operator: one JSON object a line.

use std::{fmt, sync::Arc};

use serde_json::{Map, Value};

/// Takes an object to where the operator reads it.
type Sink = dyn Fn(&Value) + Send + Sync;

/// Where lines go. The library never prints by itself.
#[derive(Clone, Default)]
pub struct Log {
    sink: Option<Arc<Sink>>,
}

impl Log {
    /// A log that hands each object on.
    pub fn new(sink: impl Fn(&Value) + Send + Sync + 'static) -> Self {
        Self {
            sink: Some(Arc::new(sink)),
        }
    }

    /// Whether anybody reads it: what is made for it alone need not be made otherwise.
    pub(super) fn is_read(&self) -> bool {
        self.sink.is_some()
    }

    /// Writes an object: what happened, and its details.
    pub(super) fn write(&self, event: &str, details: Value) {
        let Some(sink) = &self.sink else {
            return;
        };
        let mut object = Map::from_iter([("event".to_owned(), Value::from(event))]);
        if let Value::Object(details) = details {
            object.extend(details.into_iter().filter(|(_, value)| !value.is_null()));
        }
        sink(&Value::Object(object));
    }
}

impl fmt::Debug for Log {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Log").finish_non_exhaustive()
    }
}
