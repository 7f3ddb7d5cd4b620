//! What several tests of this crate share.

#![allow(
    dead_code,
    unreachable_pub,
    reason = "each test binary uses its part of this module"
)]

pub mod hostile;
pub mod peer;
pub mod registry;
#[cfg(feature = "object")]
pub mod s3;
