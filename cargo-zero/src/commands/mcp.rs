//! `mcp`: packages as tools of the Model Context Protocol (spec/mcp.md).
//!
//! Whoever calls the tools acts on text from anywhere. So it can only call what a person chose to offer, with rights that
//! a person gave, in an instance of its own under limits, and there is no tool that grants anything.

mod answer;
mod call;
mod offer;
mod serve;
mod tool;

use crate::cli::Mcp;
use crate::host::Session;
use crate::report::{Class, Failure, Report};

use call::Rules;
use offer::Offers;

pub(crate) fn run(session: &Session, args: &Mcp) -> Result<Report, Failure> {
    if let Some(address) = args.http.filter(|address| !address.ip().is_loopback()) {
        return Err(
            Failure::usage(format!("{address} can be reached from other machines")).hint(
                "whoever reaches the port may call the tools: use 127.0.0.1:PORT, and a proxy that asks who is there for others",
            ),
        );
    }
    let rules = Rules::new(session, args)?;
    let offers = Offers::load(session, args, &rules)?;
    for offer in offers
        .packages
        .iter()
        .filter(|offer| rules.rights(offer).is_err())
    {
        session.output.note(&format!(
            "{} declares what nobody allowed yet, so its calls are denied; {} allows it",
            offer.target,
            offer.granting()
        ));
    }
    let server = serve::Server::new(offers, rules);
    let ended = match args.http {
        Some(address) => serve::http(session, server, address, &args.allow_origin),
        None => serve::stdio(server),
    };
    ended.map_err(|error| Failure::new(Class::Failed, "the connection failed").because(&*error))?;
    Ok(Report::exit(0))
}
