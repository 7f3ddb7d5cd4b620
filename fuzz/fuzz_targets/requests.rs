//! What users type: packages, requirements, names, places; and paths of the layout.
#![no_main]

use libfuzzer_sys::fuzz_target;
use zero_format::{HostPattern, PackageRef, UrlPattern, VersionReq};
use zero_registry::{Location, Origin, RegistryPath, Timestamp};

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    if let Ok(asked) = text.parse::<PackageRef>() {
        assert_eq!(asked.to_string().parse(), Ok(asked));
    }
    if let Ok(req) = text.parse::<VersionReq>() {
        assert_eq!(req.to_string().parse(), Ok(req));
    }
    if let Ok(host) = text.parse::<HostPattern>() {
        assert_eq!(host.to_string().parse(), Ok(host));
    }
    if let Ok(url) = text.parse::<UrlPattern>() {
        assert_eq!(url.to_string().parse(), Ok(url));
    }
    if let Ok(time) = text.parse::<Timestamp>() {
        assert_eq!(time.to_string(), text);
    }
    if let Some(path) = RegistryPath::parse(text) {
        assert!(!path.as_str().starts_with('/') && !path.as_str().contains(".."));
    }
    let _ = (text.parse::<Origin>(), text.parse::<Location>());
});
