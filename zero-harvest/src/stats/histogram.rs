//! How a figure is distributed, by powers of two.

use std::fmt::Write as _;

/// Counts of values: none, 1, 2–3, 4–7, …
#[derive(Clone, Debug, Default)]
pub struct Histogram {
    counts: Vec<usize>,
    total: usize,
    sum: u128,
    most: usize,
}

const WIDTH: usize = 640;
const LEFT: usize = 120;
const ROW: usize = 22;

impl Histogram {
    /// Adds a value.
    pub fn add(&mut self, value: usize) {
        let class = usize::try_from(usize::BITS - value.leading_zeros()).unwrap_or(0);
        if self.counts.len() <= class {
            self.counts.resize(class + 1, 0);
        }
        self.counts[class] += 1;
        self.total += 1;
        self.sum += u128::try_from(value).unwrap_or(0);
        self.most = self.most.max(value);
    }

    /// The mean, rounded down.
    pub fn mean(&self) -> u128 {
        self.sum / u128::try_from(self.total.max(1)).unwrap_or(1)
    }

    /// The largest value.
    pub fn most(&self) -> usize {
        self.most
    }

    /// The classes that are not empty at either end, with their counts.
    pub fn classes(&self) -> Vec<(String, usize)> {
        let first = self.counts.iter().position(|count| *count > 0).unwrap_or(0);
        let class = |class: usize| match class {
            0 => String::from("0"),
            1 => String::from("1"),
            class => format!("{}–{}", 1_u128 << (class - 1), (1_u128 << class) - 1),
        };
        let counts = self.counts.iter().enumerate().skip(first);
        counts
            .map(|(number, count)| (class(number), *count))
            .collect()
    }

    /// A picture for web pages.
    pub fn svg(&self, title: &str) -> String {
        let classes = self.classes();
        let highest = classes
            .iter()
            .map(|(_, count)| *count)
            .max()
            .unwrap_or(0)
            .max(1);
        let height = ROW * (classes.len() + 2);
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" font-family=\"sans-serif\" font-size=\"12\">\n<title>{title}</title>\n<text x=\"{LEFT}\" y=\"16\" font-weight=\"bold\">{title}</text>\n"
        );
        for (number, (class, count)) in classes.iter().enumerate() {
            let top = ROW * (number + 1) + 4;
            let width = (WIDTH - LEFT - 80) * count / highest;
            let text = top + 14;
            let (right, after) = (LEFT - 8, LEFT + width + 6);
            let _ = writeln!(
                svg,
                "<text x=\"{right}\" y=\"{text}\" text-anchor=\"end\">{class}</text><rect x=\"{LEFT}\" y=\"{top}\" width=\"{width}\" height=\"18\" fill=\"#4878a8\"/><text x=\"{after}\" y=\"{text}\">{count}</text>"
            );
        }
        svg + "</svg>\n"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_fall_into_classes_by_powers_of_two() {
        let mut histogram = Histogram::default();
        for value in [1, 2, 3, 4, 7, 8] {
            histogram.add(value);
        }
        let expected = [("1", 1), ("2–3", 2), ("4–7", 2), ("8–15", 1)];
        let classes = histogram.classes();
        let classes: Vec<(&str, usize)> = classes.iter().map(|(a, b)| (a.as_str(), *b)).collect();
        assert_eq!(classes, expected);
        assert_eq!((histogram.mean(), histogram.most()), (4, 8));
        assert!(histogram.svg("x").contains(">2–3<"));
    }
}
