//! Where a registry is: a directory, an address of an ordinary web server, or a bucket.

use std::{fmt, path::PathBuf, str::FromStr};

/// A place that holds a copy of a registry.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Location {
    /// `s3://BUCKET/PREFIX`, `gs://…` or `az://…`, without a slash at its end.
    #[cfg(feature = "object")]
    Bucket(String),
    /// A directory of this machine.
    Dir(PathBuf),
    /// `http://` or `https://`, always with a slash at its end.
    Url(String),
}

/// Why a text names no place.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LocationError {
    /// Nothing at all.
    #[error("find a registry at an empty address")]
    Empty,
    /// A query or a fragment: there is no place for a path after it.
    #[error("use {0} as a registry's address: it has a query or a fragment")]
    Query(String),
    /// Only `http`, `https`, paths and buckets are understood.
    #[error("use {url} as a registry's address: nothing speaks {scheme}")]
    Scheme {
        /// The address.
        url: String,
        /// Its scheme.
        scheme: String,
    },
    /// No host, or characters that no address has.
    #[error("use {0} as a registry's address: it names no host")]
    Host(String),
}

impl LocationError {
    /// What the user can do.
    pub fn hint(&self) -> String {
        "give a directory, or an address such as https://packages.example.org/zero/".to_owned()
    }
}

impl FromStr for Location {
    type Err = LocationError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.is_empty() {
            return Err(LocationError::Empty);
        }
        let Some((scheme, rest)) = text.split_once("://") else {
            return Ok(Self::Dir(PathBuf::from(text)));
        };
        match scheme.to_ascii_lowercase().as_str() {
            "file" => Ok(Self::Dir(PathBuf::from(rest))),
            scheme @ ("http" | "https") => url(scheme, rest).map(Self::Url),
            #[cfg(feature = "object")]
            scheme @ ("s3" | "gs" | "az") => {
                let url = url(scheme, rest)?;
                Ok(Self::Bucket(url.trim_end_matches('/').to_owned()))
            }
            _ => Err(LocationError::Scheme {
                url: redact(text),
                scheme: scheme.to_owned(),
            }),
        }
    }
}

/// An address that ends with a slash.
fn url(scheme: &str, rest: &str) -> Result<String, LocationError> {
    let text = format!("{scheme}://{rest}");
    if rest.contains(['?', '#']) {
        return Err(LocationError::Query(redact(&text)));
    }
    let authority = rest.split('/').next().unwrap_or_default();
    let host = authority.rsplit('@').next().unwrap_or_default();
    let printable = rest.bytes().all(|b| b.is_ascii_graphic() && b != b'\\');
    if host.is_empty() || host.starts_with(':') || !printable {
        return Err(LocationError::Host(redact(&text)));
    }
    let slash = if text.ends_with('/') { "" } else { "/" };
    Ok(format!("{text}{slash}"))
}

/// The address without the user and password that it may carry.
pub(crate) fn redact(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else {
        return url.to_owned();
    };
    let (authority, path) = rest
        .split_once('/')
        .map_or((rest, None), |(authority, path)| (authority, Some(path)));
    let host = authority.rsplit('@').next().unwrap_or_default();
    match path {
        Some(path) => format!("{scheme}://{host}/{path}"),
        None => format!("{scheme}://{host}"),
    }
}

/// Fit to print: a password in the address is left out.
impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Dir(path) => path.display().fmt(f),
            Self::Url(url) => f.write_str(&redact(url)),
            #[cfg(feature = "object")]
            Self::Bucket(url) => f.write_str(&redact(url)),
        }
    }
}

impl fmt::Debug for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Location({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_directories_from_addresses() {
        assert_eq!(
            "packages".parse(),
            Ok(Location::Dir(PathBuf::from("packages")))
        );
        assert_eq!(
            "file:///srv/zero".parse(),
            Ok(Location::Dir(PathBuf::from("/srv/zero")))
        );
        assert_eq!(
            "HTTPS://example.org/zero".parse(),
            Ok(Location::Url("https://example.org/zero/".to_owned()))
        );
    }

    #[cfg(feature = "object")]
    #[test]
    fn knows_buckets() {
        for text in ["s3://team/packages", "S3://team/packages/"] {
            let bucket = Location::Bucket("s3://team/packages".to_owned());
            assert_eq!(text.parse(), Ok(bucket), "{text}");
        }
        assert!("s3:///packages".parse::<Location>().is_err());
    }

    #[test]
    fn refuses_what_names_no_place() {
        for text in [
            "",
            "ftp://example.org/",
            "http://",
            "https://:80/",
            "https://user@/",
            "https://example.org/?a",
            "https://example.org/#a",
            "https://exa mple.org/",
            "https://example.org\\@other/",
        ] {
            assert!(text.parse::<Location>().is_err(), "{text}");
        }
    }

    #[test]
    fn prints_no_password() {
        let location: Location = "https://user:secret@example.org/zero".parse().unwrap();
        assert_eq!(location.to_string(), "https://example.org/zero/");
        assert!(!format!("{location:?}").contains("secret"));
    }
}
