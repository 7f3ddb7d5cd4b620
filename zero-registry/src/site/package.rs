//! The page of a package.

use std::fmt::Write as _;

use zero_format::Kind;

use super::html::{Text, frame};
use super::readme;
use super::record::{Need, Record, Version};
use crate::root::Root;

const UP: &str = "../../../";

pub(super) fn page(record: &Record, root: &Root) -> String {
    let name = record.name.as_str();
    let newest = newest(record);
    let mut body = String::from("<article>\n<div class=\"title\"><h1>");
    let _ = write!(body, "{}", Text(name));
    if let Some(version) = &record.newest {
        let _ = write!(body, " <span class=\"version\">{}</span>", Text(version));
    }
    body += "</h1>\n";
    if let Some(description) = &record.description {
        let _ = writeln!(body, "<p class=\"lead\">{}</p>", Text(description));
    }
    body += "</div>\n<div class=\"columns\"><div>\n";
    match newest {
        Some(release) => run(&mut body, record, release),
        None => {
            body += "<p class=\"warning\">No version of this package may be newly chosen.</p>\n";
        }
    }
    if let Some(text) = &record.readme {
        let _ = writeln!(
            body,
            "<section aria-labelledby=\"readme\"><h2 id=\"readme\">README</h2>\n<div class=\"readme\">{}</div></section>",
            readme::render(text)
        );
    }
    exports(&mut body, record);
    versions(&mut body, record);
    body += "</div><aside>\n";
    if let Some(release) = newest {
        verify(&mut body, record, release);
        about(&mut body, record, release);
    }
    body += "</aside></div>\n</article>\n";
    frame(root, UP, &format!("{name} – {}", root.origin()), &body)
}

fn newest(record: &Record) -> Option<&Version> {
    let newest = record.newest.as_ref()?;
    record
        .releases
        .iter()
        .find(|release| release.version == *newest)
}

fn run(body: &mut String, record: &Record, release: &Version) {
    let _ = writeln!(
        body,
        "<section aria-labelledby=\"run\"><h2 id=\"run\">Run it</h2>\n<pre><code>cargo zero run {}@{}</code></pre></section>",
        Text(record.name.as_str()),
        Text(&release.version)
    );
    *body += "<section aria-labelledby=\"may\"><h2 id=\"may\">What it may do</h2>\n";
    if release.needs.is_empty() {
        *body += "<p class=\"pure\"><strong>Nothing but compute.</strong> It reads its arguments and standard input, and \
                  writes to standard output. It asks for no files, no network, no clock.</p>\n";
    } else {
        *body += "<p>Only if you grant it, and nothing beyond:</p>\n<ul class=\"needs\">\n";
        for need in &release.needs {
            *body += &need_item(need);
        }
        *body += "</ul>\n";
    }
    *body += "</section>\n";
}

fn need_item(need: &Need) -> String {
    let mut item = format!("<li>{}", Text(&need.words));
    if let Some(reason) = &need.reason {
        let _ = write!(item, " <span class=\"reason\">“{}”</span>", Text(reason));
    }
    item + "</li>\n"
}

fn exports(body: &mut String, record: &Record) {
    if record.exports.is_empty() {
        return;
    }
    *body += "<section aria-labelledby=\"exports\"><h2 id=\"exports\">Functions</h2>\n<dl>\n";
    for export in &record.exports {
        let doc = export.doc.as_deref().unwrap_or_default();
        let _ = writeln!(
            body,
            "<dt><code>{}</code></dt><dd>{}</dd>",
            Text(&export.name),
            Text(doc)
        );
    }
    *body += "</dl></section>\n";
}

fn versions(body: &mut String, record: &Record) {
    *body += "<section aria-labelledby=\"versions\"><h2 id=\"versions\">Versions</h2>\n<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-labelledby=\"versions\"><table>\n<thead><tr>\
              <th scope=\"col\">Version</th><th scope=\"col\">Published</th><th scope=\"col\">Size</th>\
              <th scope=\"col\">Changes</th></tr></thead>\n<tbody>\n";
    for (index, release) in record.releases.iter().enumerate() {
        let before = record.releases.get(index + 1);
        let mark = match release.standing.as_str() {
            "good" => String::new(),
            standing => format!(" <span class=\"mark\">{}</span>", Text(standing)),
        };
        let time = release.time.to_string();
        let day = time.split('T').next().unwrap_or_default();
        let _ = writeln!(
            body,
            "<tr><th scope=\"row\">{}{mark}</th><td><time datetime=\"{}\">{}</time></td><td>{}</td><td>{}</td></tr>",
            Text(&release.version),
            Text(&time),
            Text(day),
            size(release.size),
            changes(release, before)
        );
    }
    *body += "</tbody></table></div>\n";
    if record.older > 0 {
        let _ = writeln!(
            body,
            "<p>{} older versions are not listed.</p>",
            record.older
        );
    }
    *body += "</section>\n";
}

/// What a version may do more or less than the one before.
fn changes(release: &Version, before: Option<&Version>) -> String {
    let Some(before) = before else {
        return "first version".to_owned();
    };
    let words = |version: &Version| -> Vec<String> {
        version
            .needs
            .iter()
            .map(|need| need.words.clone())
            .collect()
    };
    let (old, new) = (words(before), words(release));
    let mut told = Vec::new();
    for word in new.iter().filter(|word| !old.contains(word)) {
        told.push(format!("<ins>may {}</ins>", Text(word)));
    }
    for word in old.iter().filter(|word| !new.contains(word)) {
        told.push(format!("<del>may {}</del>", Text(word)));
    }
    if release.signers != before.signers {
        told.push("<ins>signed by other keys</ins>".to_owned());
    }
    if told.is_empty() {
        "same rights, same signer".to_owned()
    } else {
        told.join("<br>")
    }
}

fn verify(body: &mut String, record: &Record, release: &Version) {
    let pure = release.needs.is_empty() && record.kind == Some(Kind::Module);
    let record_path = record.path();
    let file = record_path.rsplit('/').next().unwrap_or_default();
    let _ = writeln!(
        body,
        "<section class=\"panel\" aria-labelledby=\"verify\" id=\"check\" data-record=\"{}\" data-version=\"{}\"{}>\
         <h2 id=\"verify\">Verify it here</h2>\n\
         <p>Your browser can compare this copy with the signed log: the log key’s signature, the place of the release in \
         the log, and every byte of the file.</p>\n\
         <noscript><p>This needs JavaScript. Everything else on this page does not.</p></noscript>\n\
         <p><button type=\"button\" id=\"go\" hidden>Verify</button></p>\n<ol id=\"steps\" role=\"status\"></ol>\n\
         <div id=\"calls\"></div>\n\
         <p class=\"small\">A page can only say what its server lets it say. To be sure, ask a program that you have: \
         <code>cargo zero verify {}@{}</code></p></section>",
        Text(file),
        Text(&release.version),
        if pure { " data-pure" } else { "" },
        Text(record.name.as_str()),
        Text(&release.version)
    );
}

fn about(body: &mut String, record: &Record, release: &Version) {
    *body += "<section class=\"panel\" aria-labelledby=\"about\"><h2 id=\"about\">About</h2>\n<dl class=\"facts\">\n";
    let mut fact = |name: &str, html: String| {
        let _ = writeln!(body, "<dt>{name}</dt><dd>{html}</dd>");
    };
    for signer in &release.signers {
        fact("Signed by", format!("<code>{}</code>", Text(signer)));
    }
    fact("SHA-256", format!("<code>{}</code>", release.sha256));
    if let Some(leaf) = release.leaf {
        fact("Place in the log", format!("leaf {leaf}"));
    }
    fact("Size", size(release.size));
    if let Some(kind) = record.kind {
        fact("Kind", kind.as_str().to_owned());
    }
    if let Some(license) = &record.license {
        fact("Licence", Text(license).to_string());
    }
    if let Some(repository) = &record.repository {
        fact("Source", link(repository));
    }
    let hex = release.sha256.to_hex();
    let fan = hex.get(..2).unwrap_or_default();
    fact(
        "File",
        format!("<a href=\"{UP}blob/{fan}/{hex}.zero\" download>download</a>"),
    );
    *body += "</dl></section>\n";
}

/// An address as a link, where it is one of the web.
fn link(address: &str) -> String {
    let text = Text(address);
    if address.starts_with("https://") || address.starts_with("http://") {
        format!("<a href=\"{text}\" rel=\"noopener noreferrer nofollow ugc\">{text}</a>")
    } else {
        text.to_string()
    }
}

fn size(bytes: u64) -> String {
    match bytes {
        0..1024 => format!("{bytes} B"),
        1024..1_048_576 => format!("{}.{} KiB", bytes / 1024, bytes % 1024 * 10 / 1024),
        _ => format!("{}.{} MiB", bytes >> 20, ((bytes & 0xf_ffff) * 10) >> 20),
    }
}
