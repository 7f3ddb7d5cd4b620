//! Roots from a mirror: the first one by the pinned keys, then one by one.

use std::collections::BTreeSet;

use zero_format::PublicKey;

use super::{
    RegistryConfig,
    error::MirrorError,
    stored::{RootFile, verify_roots},
};
use crate::{
    Fetched, GetOptions, RegistryPath, Request, Role, Root, RootError, Roots, Transport,
    TransportError,
    limits::{MAX_ROOT_BYTES, MAX_ROOT_VERSION, MAX_SIGNATURE_BYTES},
};

/// The roots known so far, as values and as the files that prove them.
#[derive(Clone, Debug)]
pub(crate) struct KnownRoots {
    pub(crate) roots: Roots,
    pub(crate) files: Vec<RootFile>,
}

impl KnownRoots {
    /// Verifies stored files again.
    pub(crate) fn load(config: &RegistryConfig, files: Vec<RootFile>) -> Result<Self, MirrorError> {
        let roots = verify_roots(&config.pinned, &files)?;
        check_origin(config, &roots)?;
        Ok(Self { roots, files })
    }

    /// First contact: root 1 by the pinned keys, or the later root that they belong to.
    ///
    /// `also` is asked for together with root 1, as nothing about it depends on the roots; its
    /// answer comes back with them.
    pub(crate) fn first(
        config: &RegistryConfig,
        mirror: &dyn Transport,
        also: Request,
    ) -> Result<(Self, Result<Fetched, TransportError>), MirrorError> {
        let mut requests = vec![also];
        requests.extend(requests_for(1, &config.pinned));
        let mut answers = mirror.get_all(&requests).into_iter();
        let other = answers.next().unwrap_or(Ok(Fetched::NotFound));
        let mut files = Vec::new();
        let mut found = read_root(mirror, 1, &config.pinned, answers.collect())?;
        let mut refusal = None;
        while let Some(file) = found {
            files.push(file);
            match verify_roots(&config.pinned, &files) {
                Ok(roots) => {
                    check_origin(config, &roots)?;
                    return Ok((Self { roots, files }, other));
                }
                Err(error @ RootError::Threshold { keys: "pinned", .. }) => {
                    refusal.get_or_insert(error);
                }
                Err(error) => return Err(error.into()),
            }
            let version = u64::try_from(files.len())
                .unwrap_or(u64::MAX)
                .saturating_add(1);
            if version > MAX_ROOT_VERSION {
                break;
            }
            let answers = mirror.get_all(&requests_for(version, &config.pinned));
            found = read_root(mirror, version, &config.pinned, answers)?;
        }
        Err(refusal.map_or_else(
            || MirrorError::Missing {
                path: RegistryPath::root(1),
            },
            MirrorError::from,
        ))
    }

    /// Puts the next root in force, if the mirror has one.
    pub(crate) fn advance(&mut self, mirror: &dyn Transport) -> Result<bool, MirrorError> {
        let version = self.roots.current().version().saturating_add(1);
        if version > MAX_ROOT_VERSION {
            return Ok(false);
        }
        let role = self.roots.current().role().clone();
        let answers = mirror.get_all(&requests_for(version, &role));
        let Some(file) = read_root(mirror, version, &role, answers)? else {
            return Ok(false);
        };
        self.roots.extend(file.json.as_bytes(), &file.minisigs())?;
        self.files.push(file);
        Ok(true)
    }
}

fn check_origin(config: &RegistryConfig, roots: &Roots) -> Result<(), MirrorError> {
    let found = roots.current().origin();
    if *found == config.origin {
        return Ok(());
    }
    Err(MirrorError::Origin {
        expected: config.origin.clone(),
        found: found.clone(),
    })
}

/// A root, and its signatures by keys that are known before it is read.
fn requests_for(version: u64, role: &Role) -> Vec<Request> {
    let root = Request {
        path: RegistryPath::root(version),
        options: GetOptions::up_to(MAX_ROOT_BYTES),
    };
    let ids: BTreeSet<_> = role.keys().iter().map(PublicKey::key_id_hex).collect();
    std::iter::once(root)
        .chain(ids.iter().filter_map(|id| signature_request(version, id)))
        .collect()
}

fn signature_request(version: u64, id: &str) -> Option<Request> {
    Some(Request {
        path: RegistryPath::root_signature(version, id)?,
        options: GetOptions::up_to(u64::try_from(MAX_SIGNATURE_BYTES).unwrap_or(u64::MAX)),
    })
}

/// Puts the answers to [`requests_for`] together, and asks for signatures by the root's own keys
/// that were not known before. `None` when there is no such root.
fn read_root(
    mirror: &dyn Transport,
    version: u64,
    role: &Role,
    answers: Vec<Result<Fetched, TransportError>>,
) -> Result<Option<RootFile>, MirrorError> {
    let mut answers = answers.into_iter();
    let Some(Fetched::Bytes { bytes, .. }) = answers.next().transpose()? else {
        return Ok(None);
    };
    let mut signatures = Vec::new();
    collect(answers.collect(), &mut signatures)?;
    let known: BTreeSet<_> = role.keys().iter().map(PublicKey::key_id_hex).collect();
    let own: BTreeSet<_> = Root::decode(&bytes)?
        .role()
        .keys()
        .iter()
        .map(PublicKey::key_id_hex)
        .collect();
    let more: Vec<_> = own
        .difference(&known)
        .filter_map(|id| signature_request(version, id))
        .collect();
    if !more.is_empty() {
        collect(mirror.get_all(&more), &mut signatures)?;
    }
    let json = String::from_utf8(bytes).map_err(|_| RootError::Field("it is not UTF-8"))?;
    Ok(Some(RootFile { json, signatures }))
}

/// A missing signature is no fault: the threshold decides. A mirror that fails is left.
fn collect(
    answers: Vec<Result<Fetched, TransportError>>,
    signatures: &mut Vec<String>,
) -> Result<(), MirrorError> {
    for answer in answers {
        if let Fetched::Bytes { bytes, .. } = answer? {
            signatures.extend(String::from_utf8(bytes));
        }
    }
    Ok(())
}
