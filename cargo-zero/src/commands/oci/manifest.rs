//! Places in container registries, and the manifest of an artifact there. Pure.

use std::collections::BTreeMap;
use std::fmt;

use oci_client::Reference;
use oci_client::client::{Config, ImageLayer};
use oci_client::manifest::{OciDescriptor, OciImageManifest};
use serde_json::json;
use zero_format::{Artifact, Kind, limits};

use crate::report::{Class, Failure};

/// The type of the one layer.
const LAYER: &str = "application/wasm";
/// What older tools call it.
const OLD_LAYERS: [&str; 2] = [
    "application/vnd.wasm.content.layer.v1+wasm",
    "application/vnd.module.wasm.content.layer.v1+wasm",
];
/// The type of the configuration, which describes the layer.
const CONFIG: &str = "application/vnd.wasm.config.v0+json";

/// A place in a container registry: `ghcr.io/acme/csvstat:1.2.3`, or a digest instead of the tag.
#[derive(Clone, Debug)]
pub(super) struct Place(Reference);

impl Place {
    /// Reads one; `tag` is what it has when it names neither tag nor digest.
    pub(super) fn parse(text: &str, tag: Option<&str>) -> Result<Self, Failure> {
        let text = text.strip_prefix("oci://").unwrap_or(text);
        let wrong = |reason: &dyn std::error::Error| {
            Failure::usage(format!(
                "`{}` is no place in a container registry",
                zero_format::printable(text)
            ))
            .because(reason)
            .hint("name one as ghcr.io/acme/csvstat:1.2.3")
        };
        let place: Reference = text.parse().map_err(|error| wrong(&error))?;
        let last = text.rsplit('/').next().unwrap_or_default();
        let named = last.contains(':') || text.contains('@');
        match tag.filter(|_| !named) {
            Some(tag) => {
                let text = format!("{text}:{tag}");
                text.parse().map(Self).map_err(|error| wrong(&error))
            }
            None => Ok(Self(place)),
        }
    }

    pub(super) fn reference(&self) -> &Reference {
        &self.0
    }

    /// Whether the registry is on this machine, where it needs no TLS.
    pub(super) fn is_local(&self) -> bool {
        let host = self.0.resolve_registry();
        let name = match host.strip_prefix('[') {
            Some(rest) => rest.split(']').next(),
            None => host.split(':').next(),
        };
        let name = name.unwrap_or_default();
        let address: Option<std::net::IpAddr> = name.parse().ok();
        name == "localhost" || address.is_some_and(|address| address.is_loopback())
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// Layer, configuration and manifest of an artifact. `created` is a time as RFC 3339 has it.
pub(super) fn describe(
    artifact: &Artifact,
    created: &str,
) -> (ImageLayer, Config, OciImageManifest) {
    let layer = ImageLayer::new(artifact.buffer(), LAYER.to_owned(), None);
    let component = artifact.kind() == Kind::Component;
    let mut config = json!({
        "created": created,
        "architecture": "wasm",
        "os": if component { "wasip2" } else { "wasip1" },
        "layerDigests": [format!("sha256:{}", artifact.digest())],
    });
    if component {
        config["component"] = json!({ "exports": [], "imports": [] });
    }
    let config = Config::new(config.to_string(), CONFIG.to_owned(), None);
    let package = &artifact.metadata().package;
    let mut notes = BTreeMap::new();
    let mut note = |name: &str, text: Option<&String>| {
        if let Some(text) = text {
            notes.insert(format!("org.opencontainers.image.{name}"), text.clone());
        }
    };
    note("title", Some(&package.name.to_string()));
    note("version", Some(&package.version.to_string()));
    note("created", Some(&created.to_owned()));
    note("description", package.description.as_ref());
    note("licenses", package.license.as_ref());
    note("source", package.repository.as_ref());
    let manifest = OciImageManifest::build(std::slice::from_ref(&layer), &config, Some(notes));
    (layer, config, manifest)
}

/// The one layer of WebAssembly that a manifest has.
pub(super) fn layer(manifest: &OciImageManifest) -> Result<&OciDescriptor, Failure> {
    let wrong = |what: &str| {
        Failure::new(Class::Untrusted, format!("what lies there {what}"))
            .hint("only artifacts with one layer of the type application/wasm can be pulled")
    };
    let [layer] = manifest.layers.as_slice() else {
        return Err(wrong("has not one layer"));
    };
    let ty = layer.media_type.as_str();
    if ty != LAYER && !OLD_LAYERS.contains(&ty) {
        return Err(wrong("is no WebAssembly"));
    }
    let fits = usize::try_from(layer.size).is_ok_and(|size| size <= limits::MAX_ARTIFACT);
    if fits {
        Ok(layer)
    } else {
        Err(wrong("is larger than an artifact may be"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_without_a_tag_gets_the_version() {
        let shown = |text: &str| {
            Place::parse(text, Some("1.2.3"))
                .map(|place| place.to_string())
                .unwrap_or_default()
        };
        assert_eq!(shown("ghcr.io/acme/csvstat"), "ghcr.io/acme/csvstat:1.2.3");
        assert_eq!(
            shown("oci://localhost:5000/a/b"),
            "localhost:5000/a/b:1.2.3"
        );
        assert_eq!(
            shown("ghcr.io/acme/csvstat:edge"),
            "ghcr.io/acme/csvstat:edge"
        );
        let digest = format!("ghcr.io/acme/csvstat@sha256:{}", "0".repeat(64));
        assert_eq!(shown(&digest), digest);
        for text in ["", "GHCR.io/Acme", "a b", "https://ghcr.io/a/b:1"] {
            assert!(Place::parse(text, None).is_err(), "{text}");
        }
    }

    #[test]
    fn only_this_machine_needs_no_tls() {
        let local = |text: &str| Place::parse(text, None).is_ok_and(|place| place.is_local());
        assert!(local("localhost:5000/a/b:1") && local("127.0.0.1:5000/a/b:1"));
        assert!(!local("ghcr.io/a/b:1") && !local("localhost.example/a/b:1"));
        assert!(!local("127.0.0.1.example:5000/a/b:1"));
    }

    #[test]
    fn a_manifest_needs_one_layer_of_wasm_that_fits() {
        let good = OciDescriptor {
            media_type: LAYER.to_owned(),
            size: 8,
            ..OciDescriptor::default()
        };
        let with = |layers: Vec<OciDescriptor>| {
            let manifest = OciImageManifest {
                layers,
                ..OciImageManifest::default()
            };
            layer(&manifest)
                .map(|layer| layer.size)
                .map_err(|failure| failure.message())
        };
        assert_eq!(with(vec![good.clone()]), Ok(8));
        assert!(with(vec![]).is_err() && with(vec![good.clone(), good.clone()]).is_err());
        for size in [-1, i64::MAX] {
            assert!(
                with(vec![OciDescriptor {
                    size,
                    ..good.clone()
                }])
                .is_err()
            );
        }
        let media_type = "application/vnd.oci.image.layer.v1.tar+gzip".to_owned();
        assert!(with(vec![OciDescriptor { media_type, ..good }]).is_err());
    }
}
