//! Shares as horizontal bars, in SVG.

use std::fmt::Write as _;

use super::Interval;

const LEFT: f64 = 110.0;
const WIDTH: f64 = 400.0;
const ROW: f64 = 24.0;
const TOP: f64 = 36.0;

/// A picture of shares between 0 and 1, with their intervals where they have any.
pub(super) fn bars(title: &str, rows: &[(&str, f64, Option<Interval>)]) -> String {
    let height = rows.iter().fold(TOP, |height, _| height + ROW) + 8.0;
    let title = escaped(title);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 600 {height}\" font-family=\"sans-serif\" font-size=\"13\">\n\
         <title>{title}</title>\n<text x=\"8\" y=\"20\" font-weight=\"bold\">{title}</text>\n"
    );
    let mut y = TOP;
    for (name, share, interval) in rows {
        let _ = writeln!(
            svg,
            "<text x=\"8\" y=\"{}\">{}</text>\n<rect x=\"{LEFT}\" y=\"{y}\" width=\"{:.1}\" height=\"16\" fill=\"#4878a8\"/>",
            y + 13.0,
            escaped(name),
            share * WIDTH
        );
        if let Some(Interval { low, high }) = interval {
            let middle = y + 8.0;
            let _ = writeln!(
                svg,
                "<path d=\"M{:.1} {middle}H{:.1}\" stroke=\"#222\" stroke-width=\"2\"/>",
                LEFT + low * WIDTH,
                LEFT + high * WIDTH
            );
        }
        let _ = writeln!(
            svg,
            "<text x=\"{}\" y=\"{}\">{:.1} %</text>",
            LEFT + WIDTH + 8.0,
            y + 13.0,
            share * 100.0
        );
        y += ROW;
    }
    svg.push_str("</svg>\n");
    svg
}

/// A model has the name that its user gave it.
fn escaped(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            '&' => "&amp;".to_owned(),
            '<' => "&lt;".to_owned(),
            '>' => "&gt;".to_owned(),
            c if c.is_control() => " ".to_owned(),
            c => c.to_string(),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_cannot_leave_their_place() {
        let svg = bars("<script>", &[("a&b", 0.5, None)]);
        assert!(svg.contains("&lt;script&gt;") && svg.contains("a&amp;b"));
        assert!(!svg.contains("<script"));
        assert!(svg.contains("width=\"200.0\""));
    }
}
