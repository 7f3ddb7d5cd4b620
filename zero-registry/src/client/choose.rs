//! The release that answers a request (spec/registry.md, "Resolution").

use zero_format::PackageRef;

use super::{Client, ResolveOptions, Resolved, Trusted, age, error::FetchError};
use crate::limits::MAX_EVENT_AGE;
use crate::{Release, Timestamp, Young, resolve};

/// The release that answers a request in this state.
pub(super) fn choose(
    client: &Client,
    trusted: &Trusted,
    request: &PackageRef,
    options: &ResolveOptions,
    now: Timestamp,
) -> Result<Resolved, FetchError> {
    let (package, chain) = client.chain(trusted, request.name())?;
    let lock = options.lock.as_ref();
    let newest = resolve(&package, request.req(), lock, &Young::default())?;
    let cutoff = now.minus(options.min_age.as_secs());
    let mut passed_over = None;
    let mut release = newest;
    if !options.min_age.is_zero() && lock != Some(newest.version()) && may_be_after(newest, cutoff)
    {
        let young = age::young(client, trusted, &chain, cutoff)?;
        release = resolve(&package, request.req(), lock, &young)?;
        let since = young.since(newest);
        passed_over = since.map(|since| (newest.version().clone(), since));
    }
    let snapshot = trusted.head().snapshot();
    Ok(Resolved {
        origin: client.config.origin.clone(),
        name: package.name().clone(),
        version: release.version().clone(),
        digest: release.sha256(),
        size: release.size(),
        signers: release.signers().to_vec(),
        capabilities_digest: release.capabilities().digest(),
        runtime: release.runtime().clone(),
        head_expires: snapshot.expires,
        checked_at: trusted.checked_at(),
        yanked: release.is_yanked(),
        log: trusted.head().tree().size,
        passed_over,
        release: release.clone(),
        mirror: trusted.mirror(),
    })
}

/// Whether a release may have been committed after `cutoff`. A log takes no event whose signer dates it back by more
/// than this, so most releases need no look at the log.
fn may_be_after(release: &Release, cutoff: Timestamp) -> bool {
    release.time().plus(MAX_EVENT_AGE) > cutoff
}
