//! Talking to a container registry.

use std::time::Duration;

use docker_credential::{CredentialRetrievalError, DockerCredential};
use futures_util::TryStreamExt as _;
use oci_client::client::{ClientConfig, ClientProtocol};
use oci_client::errors::{OciDistributionError as Error, OciError, OciErrorCode};
use oci_client::manifest::OciManifest;
use oci_client::secrets::RegistryAuth;
use tokio::runtime::Runtime;
use zero_format::{Artifact, limits};
use zero_registry::Timestamp;

use super::manifest::{self, Place};
use crate::report::{Class, Failure};

/// Time to make a connection, and for each pause within an answer.
const PATIENCE: Duration = Duration::from_secs(30);

/// A client of the registry that a place lies in.
pub(super) struct Client<'p> {
    place: &'p Place,
    auth: RegistryAuth,
    http: oci_client::Client,
    runtime: Runtime,
}

impl<'p> Client<'p> {
    /// With the user's credentials for the registry, where `docker login` or the like left any.
    pub(super) fn open(place: &'p Place) -> Result<Self, Failure> {
        // Whoever was first has installed the same.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| Failure::failed("cannot start").because(&error))?;
        let config = ClientConfig {
            protocol: if place.is_local() {
                ClientProtocol::Http
            } else {
                ClientProtocol::Https
            },
            read_timeout: Some(PATIENCE),
            connect_timeout: Some(PATIENCE),
            user_agent: concat!("cargo-zero/", env!("CARGO_PKG_VERSION")),
            ..ClientConfig::default()
        };
        Ok(Self {
            auth: credentials(place)?,
            http: oci_client::Client::new(config),
            place,
            runtime,
        })
    }

    /// Puts an artifact there; the answer is the address of its manifest.
    pub(super) fn push(&self, artifact: &Artifact, now: u64) -> Result<String, Failure> {
        let created = Timestamp::from_seconds(now).to_string();
        let (layer, config, manifest) = manifest::describe(artifact, &created);
        let pushed = self.runtime.block_on(self.http.push(
            self.place.reference(),
            &[layer],
            config,
            &self.auth,
            Some(manifest),
        ));
        pushed
            .map(|pushed| pushed.manifest_url)
            .map_err(|error| self.failure(&error))
    }

    /// What lies there, checked against the digest in its manifest, and no larger than an artifact may be.
    pub(super) fn pull(&self) -> Result<Vec<u8>, Failure> {
        self.runtime.block_on(async {
            let place = self.place.reference();
            let (manifest, _) = self
                .http
                .pull_manifest(place, &self.auth)
                .await
                .map_err(|error| self.failure(&error))?;
            let OciManifest::Image(manifest) = manifest else {
                return Err(Failure::new(
                    Class::Untrusted,
                    "what lies there is a list for several platforms, not an artifact",
                ));
            };
            let layer = manifest::layer(&manifest)?;
            let mut stream = self
                .http
                .pull_blob_stream(place, layer)
                .await
                .map_err(|error| self.failure(&error))?
                .stream;
            let mut bytes = Vec::new();
            while let Some(piece) = stream.try_next().await.map_err(|error| {
                Failure::new(Class::Untrusted, format!("cannot pull {}", self.place))
                    .because(&error)
            })? {
                if bytes.len() + piece.len() > limits::MAX_ARTIFACT {
                    return Err(Failure::new(
                        Class::Untrusted,
                        "the layer is longer than its manifest says",
                    ));
                }
                bytes.extend_from_slice(&piece);
            }
            Ok(bytes)
        })
    }

    fn failure(&self, error: &Error) -> Failure {
        let registry = self.place.reference().resolve_registry();
        let (class, hint) = match error {
            Error::RequestError(request) if request.is_connect() || request.is_timeout() => (
                Class::Unreachable,
                format!("look whether {registry} can be reached from here"),
            ),
            Error::UnauthorizedError { .. } | Error::AuthenticationFailure(_) => {
                (Class::Failed, format!("docker login {registry}"))
            }
            Error::ImageManifestNotFoundError(_) => {
                (Class::NotFound, "look at the name and the tag".to_owned())
            }
            Error::RegistryError { envelope, .. } => {
                let unknown = |one: &OciError| {
                    use OciErrorCode::{BlobUnknown, ManifestUnknown, NameUnknown, NotFound};
                    matches!(
                        one.code,
                        BlobUnknown | ManifestUnknown | NameUnknown | NotFound
                    )
                };
                if envelope.errors.iter().any(unknown) {
                    (Class::NotFound, "look at the name and the tag".to_owned())
                } else {
                    (Class::Failed, format!("docker login {registry}"))
                }
            }
            Error::DigestError(_) => (
                Class::Untrusted,
                "the registry gives other bytes than it promised".to_owned(),
            ),
            _ => (
                Class::Failed,
                format!("{registry} has to be a registry as the OCI specifies it"),
            ),
        };
        Failure::new(class, format!("cannot use {}", self.place))
            .because(error)
            .hint(hint)
    }
}

fn credentials(place: &Place) -> Result<RegistryAuth, Failure> {
    let registry = place.reference().resolve_registry();
    match docker_credential::get_credential(registry) {
        Ok(DockerCredential::UsernamePassword(user, password)) => {
            Ok(RegistryAuth::Basic(user, password))
        }
        Ok(DockerCredential::IdentityToken(token)) => Ok(RegistryAuth::Bearer(token)),
        // Public registries need none, and others will say so: the file may also be missing, or not ours to read.
        Err(
            CredentialRetrievalError::ConfigNotFound
            | CredentialRetrievalError::ConfigReadError
            | CredentialRetrievalError::NoCredentialConfigured,
        ) => Ok(RegistryAuth::Anonymous),
        Err(error) => Err(
            Failure::failed(format!("cannot get the credentials for {registry}")).because(&error),
        ),
    }
}
