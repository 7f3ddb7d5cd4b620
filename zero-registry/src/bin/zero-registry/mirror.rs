//! `mirror`: from its arguments to the library's call.

use serde_json::json;
use zero_format::PackageName;
use zero_registry::{
    DirTransport, ErrorClass, HttpTransport, Location, MirrorOptions, Network, NetworkOptions,
    ObjectTransport, Role, Transport, mirror,
};

use crate::{
    bar::Bar,
    cli::Mirror,
    host,
    keys::{self, read_file},
    place,
    report::{Failure, Report},
};

/// A server may be this much slower than the rate that was asked for, as several files share it.
const SHARES: u64 = 32;
const MAX_CA_BYTES: u64 = 1 << 20;

pub(crate) fn run(json: bool, args: &Mirror) -> Result<Report, Failure> {
    let upstream = upstream(args)?;
    let bar = Bar::new(json);
    let options = options(args, &bar)?;
    let storage = place::open_copy(&args.directory)?;
    let copied = mirror(&*upstream, &storage, &options, host::now())
        .map_err(|error| Failure::of(error.class(), &error, error.hint()))?;
    drop(bar);
    let directory = args.directory.display();
    let text = if copied.from == copied.to {
        format!("{directory} is up to date: {} leaves\n", copied.to)
    } else {
        format!(
            "copied {} to {directory}: {} leaves, {} of them new, {} package files of {} bytes\n",
            upstream.location(),
            copied.to,
            copied.to - copied.from,
            copied.files,
            copied.bytes
        )
    };
    let mut report = Report {
        text,
        ..Report::default()
    };
    for (name, value) in [
        ("from", json!(copied.from)),
        ("to", json!(copied.to)),
        ("files", json!(copied.files)),
        ("bytes", json!(copied.bytes)),
        ("fetched", json!(upstream.traffic().bytes)),
        ("requests", json!(upstream.traffic().requests)),
    ] {
        report.members.insert(name.to_owned(), value);
    }
    Ok(report)
}

fn upstream(args: &Mirror) -> Result<Box<dyn Transport>, Failure> {
    let location = args
        .upstream
        .parse()
        .map_err(|error: zero_registry::LocationError| {
            Failure::usage(
                format!("`{}` is no place for a registry", args.upstream),
                error.hint(),
            )
            .because(&error)
        })?;
    let url = match location {
        Location::Dir(path) => return Ok(Box::new(DirTransport::new(path))),
        Location::Bucket(url) => return in_bucket(&url),
        Location::Url(url) => url,
    };
    let authorities = args
        .ca
        .as_ref()
        .map(|path| read_file(path, MAX_CA_BYTES, "--ca FILE"));
    let mut options = NetworkOptions {
        max_rate: args.rate,
        authorities: authorities.transpose()?,
        retries: 5,
        ..NetworkOptions::default()
    };
    if let Some(rate) = args.rate {
        options.min_rate = options.min_rate.min(rate / SHARES).max(1);
    }
    let transport = HttpTransport::new(&url, Network::new(options));
    transport
        .map(|transport| Box::new(transport) as Box<dyn Transport>)
        .map_err(|error| Failure::of(ErrorClass::Unreachable, &error, error.hint()))
}

fn in_bucket(url: &str) -> Result<Box<dyn Transport>, Failure> {
    match ObjectTransport::new(url, host::store_variables()) {
        Ok(transport) => Ok(Box::new(transport)),
        Err(error) => Err(Failure::of(ErrorClass::Unreachable, &error, error.hint())),
    }
}

fn options<'a>(args: &Mirror, bar: &'a Bar) -> Result<MirrorOptions<'a>, Failure> {
    let keys = args.root_keys.iter().map(|key| keys::public(key));
    let keys = keys.collect::<Result<Vec<_>, _>>()?;
    let pinned = if keys.is_empty() {
        None
    } else {
        Some(Role::new(keys, args.threshold).map_err(|error| {
            Failure::usage(
                "these root keys and this threshold do not go together",
                "zero-registry mirror --help",
            )
            .because(&error)
        })?)
    };
    let packages = args.packages.iter().map(|name| {
        name.parse::<PackageName>().map_err(|error| {
            Failure::usage(
                format!("`{name}` is not the name of a package"),
                error.hint(),
            )
            .because(&error)
        })
    });
    let packages = packages.collect::<Result<std::collections::BTreeSet<_>, _>>()?;
    Ok(MirrorOptions {
        pinned,
        packages: (!packages.is_empty()).then_some(packages),
        watch: bar,
    })
}
