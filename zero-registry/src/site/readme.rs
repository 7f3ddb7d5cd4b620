//! A README, written by a stranger, as harmless HTML.
//!
//! Two filters, one after the other: the Markdown is rendered with pictures as links and raw HTML as
//! it is, then everything but a short list of elements and attributes is thrown away. The page's
//! content security policy is a third.

use std::collections::{HashMap, HashSet};

use pulldown_cmark::{Event, HeadingLevel, Options, Parser, Tag, TagEnd, html};

/// Bytes of a README that are rendered; metadata cannot hold much more.
const MAX_BYTES: usize = 256 * 1024;

const ELEMENTS: [&str; 37] = [
    "a",
    "abbr",
    "b",
    "blockquote",
    "br",
    "code",
    "dd",
    "del",
    "details",
    "div",
    "dl",
    "dt",
    "em",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "hr",
    "i",
    "kbd",
    "li",
    "ol",
    "p",
    "pre",
    "s",
    "strong",
    "sub",
    "summary",
    "sup",
    "table",
    "tbody",
    "td",
    "th",
    "thead",
    "tr",
    "ul",
];

/// Renders a README.
pub(super) fn render(markdown: &str) -> String {
    let end = markdown.floor_char_boundary(MAX_BYTES);
    let options = Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH;
    let events = Parser::new_ext(&markdown[..end], options).map(plain);
    let mut rendered = String::new();
    html::push_html(&mut rendered, events);
    clean(&rendered)
}

/// Pictures would tell a third party who reads; headings belong below that of the page.
fn plain(event: Event<'_>) -> Event<'_> {
    match event {
        Event::Start(Tag::Image {
            dest_url,
            title,
            id,
            ..
        }) => Event::Start(Tag::Link {
            link_type: pulldown_cmark::LinkType::Inline,
            dest_url,
            title,
            id,
        }),
        Event::End(TagEnd::Image) => Event::End(TagEnd::Link),
        Event::Start(Tag::Heading { level, .. }) => Event::Start(Tag::Heading {
            level: lower(level),
            id: None,
            classes: Vec::new(),
            attrs: Vec::new(),
        }),
        Event::End(TagEnd::Heading(level)) => Event::End(TagEnd::Heading(lower(level))),
        event => event,
    }
}

fn lower(level: HeadingLevel) -> HeadingLevel {
    match level {
        HeadingLevel::H1 => HeadingLevel::H3,
        HeadingLevel::H2 => HeadingLevel::H4,
        HeadingLevel::H3 => HeadingLevel::H5,
        _ => HeadingLevel::H6,
    }
}

fn clean(rendered: &str) -> String {
    let attributes = HashMap::from([("a", HashSet::from(["href"]))]);
    ammonia::Builder::empty()
        .tags(HashSet::from(ELEMENTS))
        .tag_attributes(attributes)
        .clean_content_tags(HashSet::from([
            "script", "style", "svg", "math", "template",
        ]))
        .url_schemes(HashSet::from(["http", "https", "mailto"]))
        .url_relative(ammonia::UrlRelative::Deny)
        .link_rel(Some("noopener noreferrer nofollow ugc"))
        .clean(rendered)
        .to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markdown_becomes_what_it_means() {
        let html = render(
            "# Tool\n\nCounts *words*.\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n```sh\ntool x\n```\n",
        );
        for part in [
            "<h3>Tool</h3>",
            "<em>words</em>",
            "<td>1</td>",
            "<code>tool x\n</code>",
        ] {
            assert!(html.contains(part), "{part}: {html}");
        }
    }

    /// Each of these runs code, loads something, or imitates the page where nothing is filtered.
    #[test]
    fn nothing_that_acts_gets_through() {
        let attacks = [
            "<script>alert(1)</script>",
            "<img src=x onerror=alert(1)>",
            "![x](https://tracker.example/p.gif)",
            "![x](javascript:alert(1))",
            "[x](javascript:alert(1))",
            "[x](JaVaScRiPt:alert(1))",
            "[x](data:text/html;base64,PHNjcmlwdD4=)",
            "[x](vbscript:msgbox)",
            "<javascript:alert(1)>",
            "<a href=\"java\nscript:alert(1)\">x</a>",
            "<a href=\"&#106;avascript:alert(1)\">x</a>",
            "<svg><script>alert(1)</script></svg>",
            "<math><mtext><table><mglyph><style><img src=x onerror=alert(1)>",
            "<iframe src=https://evil.example></iframe>",
            "<object data=x></object><embed src=x>",
            "<form action=https://evil.example><input name=p></form>",
            "<base href=https://evil.example/>",
            "<meta http-equiv=refresh content=0>",
            "<link rel=stylesheet href=https://evil.example/x.css>",
            "<style>body{display:none}</style>",
            "<p style=\"position:fixed\" class=\"verified\" id=\"verify\" onclick=alert(1)>x</p>",
            "<details open ontoggle=alert(1)>x</details>",
            "<noscript><p title=\"</noscript><img src=x onerror=alert(1)>\">",
            "<template><script>alert(1)</script></template>",
            "```\n</code></pre><script>alert(1)</script>\n```",
            "`<script>alert(1)</script>`",
        ];
        for attack in attacks {
            let html = render(attack);
            for bad in [
                "<script",
                "<img",
                "<svg",
                "<math",
                "<iframe",
                "<object",
                "<embed",
                "<form",
                "<input",
                "<base",
                "<meta",
                "<link",
                "<style",
                "<template",
                " on",
                "style=",
                "class=",
                "id=",
                "href=\"java",
                "href=\"data",
                "href=\"vb",
            ] {
                let lower = html.to_lowercase();
                assert!(!lower.contains(bad), "{attack} became {html}");
            }
        }
    }

    #[test]
    fn links_leave_without_a_trace() {
        let html = render("[x](https://example.org/a?b=1&c=2)");
        assert!(
            html.contains("rel=\"noopener noreferrer nofollow ugc\""),
            "{html}"
        );
        assert!(
            html.contains("href=\"https://example.org/a?b=1&amp;c=2\""),
            "{html}"
        );
        assert!(!render("[x](//evil.example)").contains("href"));
        assert!(!render("[x](../../head)").contains("href"));
    }

    #[test]
    fn endless_nesting_ends() {
        let deep = "> ".repeat(20_000) + "x";
        assert!(render(&deep).len() < 2_000_000);
        assert!(render(&"<div>".repeat(50_000)).len() < 2_000_000);
    }
}
