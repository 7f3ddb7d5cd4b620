//! Errors in one line.

use std::error::Error;
use std::fmt::Write as _;

/// An error and what it comes from.
pub fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let _ = write!(text, ": {cause}");
        next = cause.source();
    }
    text
}
