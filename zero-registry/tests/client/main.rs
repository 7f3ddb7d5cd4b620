//! The client's workflow: each scenario once, over a directory and over HTTP.
#![expect(
    clippy::unwrap_used,
    reason = "scenarios are plain functions that two tests each call"
)]

#[path = "../support/mod.rs"]
mod support;

use std::{fs, time::Duration};

use support::registry::{
    Backend, DAY, HOUR, PUBLISHER, ROOT, Registry, T0, User, artifact, flip, key, package, role,
};
use zero_format::{PackageRef, Version};
use zero_registry::{
    Action, ArtifactMismatch, ErrorClass, FetchError, HeadError, MirrorError, ResolveError,
    ResolveOptions, RootError, Timestamp,
};

macro_rules! scenarios {
    ($($name:ident),* $(,)?) => {
        mod dir {
            $(#[test] fn $name() { super::$name(crate::Backend::Dir); })*
        }
        #[cfg(feature = "http")]
        mod http {
            $(#[test] fn $name() { super::$name(crate::Backend::Http); })*
        }
    };
}

// After the macro that they use.
mod age;
mod damage;
mod resolve;
mod trust;

fn request(text: &str) -> PackageRef {
    text.parse().expect("a request")
}

fn version(text: &str) -> Version {
    text.parse().expect("a version")
}

fn at(seconds: u64) -> Timestamp {
    T0.plus(seconds)
}

/// A registry with `tool` 1.0.0, 1.0.1, 1.1.0 and 2.0.0-rc.1.
fn example() -> Registry {
    let registry = Registry::new();
    registry.claim("tool", T0);
    for version in ["1.0.0", "1.0.1", "1.1.0", "2.0.0-rc.1"] {
        registry.release("tool", version, T0);
    }
    registry
}

/// The error that made the client leave the first mirror.
fn mirror_error(error: &FetchError) -> &MirrorError {
    &error.failures().first().expect("a mirror").error
}

fn head_error(error: &FetchError) -> &HeadError {
    match mirror_error(error) {
        MirrorError::Head(error) => error,
        other => panic!("{other:?}"),
    }
}
