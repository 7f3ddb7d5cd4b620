//! Asking witnesses over HTTP.

use std::io::{self, Read as _};

use reqwest::header;

use super::AskWitness;
use crate::transport::Network;

/// A cosignature line, or the size of a tree: nothing else is worth reading.
const MAX_ANSWER: u64 = 16 * 1024;

/// Asks witnesses at the addresses that the policy names.
#[derive(Clone, Debug)]
pub struct HttpWitnesses {
    network: Network,
}

impl HttpWitnesses {
    /// Asks through this network.
    pub fn new(network: Network) -> Self {
        Self { network }
    }
}

impl AskWitness for HttpWitnesses {
    fn ask(&self, url: &str, request: &[u8]) -> io::Result<(u16, Vec<u8>)> {
        let client = self.network.client().map_err(io::Error::other)?;
        let post = client
            .post(format!("{}/add-checkpoint", url.trim_end_matches('/')))
            .header(header::CONTENT_TYPE, "text/plain; charset=utf-8")
            .body(request.to_vec())
            // For all of the answer: the client's own limit is for each read, and a witness that
            // drips bytes would hold up everybody's commits.
            .timeout(self.network.options().overall(MAX_ANSWER));
        let response = post.send().map_err(io::Error::other)?;
        let status = response.status().as_u16();
        let mut body = Vec::new();
        response.take(MAX_ANSWER).read_to_end(&mut body)?;
        Ok((status, body))
    }
}
