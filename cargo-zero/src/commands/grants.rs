//! `grants`: the consent that was given and stored.

use serde_json::{Value, json};
use zero_format::{Digest, printable};
use zrun::{Consent, ConsentError};

use crate::cli::Grants;
use crate::host::Session;
use crate::report::{Class, Failure, Report};

pub(crate) fn run(session: &Session, args: &Grants) -> Result<Report, Failure> {
    match args {
        Grants::List => list(session),
        Grants::Show { package } => show(session, package),
        Grants::Revoke { package, .. } => revoke(session, package.as_deref()),
    }
}

fn failed(error: &ConsentError) -> Failure {
    Failure::failed("cannot use the stored consent").because(error)
}

/// Those of one package, or all.
fn stored(session: &Session, package: Option<&str>) -> Result<Vec<(Digest, Consent)>, Failure> {
    let mut all = session.home.consents().map_err(|error| failed(&error))?;
    if let Some(package) = package {
        all.retain(|(_, consent)| consent.package.as_str() == package);
        if all.is_empty() {
            return Err(Failure::new(
                Class::NotFound,
                format!("no consent is stored for `{package}`"),
            )
            .hint("`cargo zero grants list` shows all there is"));
        }
    }
    Ok(all)
}

fn describe(id: &Digest, consent: &Consent) -> Value {
    json!({
        "id": id.to_hex(),
        "package": consent.package,
        "version": consent.version,
        "registry": consent.registry,
        "signer": consent.signer,
        "given": consent.given,
        "capabilities": consent.capabilities,
        "words": consent.capabilities.describe(),
    })
}

fn list(session: &Session) -> Result<Report, Failure> {
    let all = stored(session, None)?;
    let mut text = String::new();
    for (_, consent) in &all {
        text += &format!(
            "{:<24} {:<24} {}\n",
            format!("{} {}", consent.package, consent.version),
            printable(&consent.registry),
            consent.capabilities.describe().join(", "),
        );
    }
    let grants: Vec<Value> = all
        .iter()
        .map(|(id, consent)| describe(id, consent))
        .collect();
    Ok(Report::new(json!({ "grants": grants }), text))
}

fn show(session: &Session, package: &str) -> Result<Report, Failure> {
    let all = stored(session, Some(package))?;
    let mut text = String::new();
    for (_, consent) in &all {
        text += &format!("{} {}\n", consent.package, consent.version);
        text += &format!(
            "  registry  {}\n  signer    {}\n",
            printable(&consent.registry),
            consent.signer
        );
        for need in consent.capabilities.needs() {
            text += &match need.reason {
                Some(reason) => format!("  may {}: {}\n", need.words, printable(reason)),
                None => format!("  may {}\n", need.words),
            };
        }
    }
    let grants: Vec<Value> = all
        .iter()
        .map(|(id, consent)| describe(id, consent))
        .collect();
    Ok(Report::new(json!({ "grants": grants }), text))
}

fn revoke(session: &Session, package: Option<&str>) -> Result<Report, Failure> {
    let mut revoked = 0;
    for (id, _) in stored(session, package)? {
        revoked += u64::from(
            session
                .home
                .revoke_consent(&id)
                .map_err(|error| failed(&error))?,
        );
    }
    let text = format!("{revoked} taken back; the next run asks again\n");
    Ok(Report::new(json!({ "revoked": revoked }), text))
}
