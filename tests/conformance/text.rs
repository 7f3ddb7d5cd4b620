//! `spec/vectors/{name,version,capability}`: names, requirements, and what is computed from capabilities.

use zero_format::{Capabilities, PackageRef, PackageRefError, Version, VersionReq};

use crate::index::{check, vectors};

#[test]
fn every_name_has_its_outcome() {
    check(&vectors("name"), |vector| {
        let asked: PackageRef = vector.get::<String>("text").parse().map_err(|error| {
            let class = match error {
                PackageRefError::Name { .. } => "name",
                PackageRefError::Registry { .. } => "registry",
                PackageRefError::Requirement { .. } => "requirement",
                _ => "unknown",
            };
            class.to_owned()
        })?;
        let registry = asked.registry().map(|name| name.as_str().to_owned());
        assert_eq!(registry, vector.find("registry").unwrap_or_default());
        assert_eq!(asked.name().as_str(), vector.get::<String>("name"));
        assert_eq!(asked.req().to_string(), vector.get::<String>("requirement"));
        Ok(())
    });
}

#[test]
fn every_requirement_accepts_its_versions() {
    check(&vectors("version"), |vector| {
        let text: String = vector.get("requirement");
        let req: VersionReq = text.parse().map_err(|_| "requirement")?;
        let mut versions: Vec<String> = vector.get("versions");
        let version = |text: &String| text.parse::<Version>().expect("a version");
        versions.retain(|text| req.matches(&version(text)));
        assert_eq!(versions, vector.get::<Vec<String>>("matching"), "{text}");
        Ok(())
    });
}

#[test]
fn every_declaration_has_its_digest_and_widens_as_told() {
    check(&vectors("capability"), |vector| {
        if let Some(capabilities) = vector.find::<Capabilities>("capabilities") {
            let digest = capabilities.digest().to_hex();
            assert_eq!(digest, vector.get::<String>("digest"), "{}", vector.name());
            return Ok(());
        }
        let (old, new): (Capabilities, Capabilities) = (vector.get("old"), vector.get("new"));
        let widened: usize = vector.get("widened");
        assert_eq!(old.widened_by(&new).len(), widened, "{}", vector.name());
        Ok(())
    });
}
