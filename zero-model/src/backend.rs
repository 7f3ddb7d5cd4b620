//! Where models are.

#[cfg(feature = "http")]
mod http;
#[cfg(feature = "http")]
mod request;
#[cfg(feature = "http")]
mod sse;

#[cfg(feature = "http")]
pub use http::{Endpoint, EndpointOptions};
#[cfg(feature = "http")]
pub use request::Api;
