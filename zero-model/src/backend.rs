//! Where models are.

#[cfg(feature = "gguf")]
mod gguf;
#[cfg(feature = "http")]
mod http;
#[cfg(any(feature = "gguf", feature = "http"))]
mod plain;
#[cfg(feature = "http")]
mod request;
#[cfg(feature = "http")]
mod sse;

#[cfg(feature = "gguf")]
pub use gguf::{Gguf, GgufError, GgufOptions};
#[cfg(feature = "http")]
pub use http::{Endpoint, EndpointOptions};
#[cfg(feature = "http")]
pub use request::Api;
