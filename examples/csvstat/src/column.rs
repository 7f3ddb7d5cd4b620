//! The running description of one column.

use serde::Serialize;

/// What a column holds: numbers if every value that is there is one.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    Empty,
    Number,
    Text,
}

/// One column, described.
#[derive(Clone, Debug, Serialize)]
pub struct Summary {
    pub column: String,
    pub kind: Kind,
    /// Values that are there.
    pub count: u64,
    /// Values that are not: empty fields.
    pub empty: u64,
    pub min: Option<String>,
    pub max: Option<String>,
    pub sum: Option<f64>,
    pub mean: Option<f64>,
    /// Sample standard deviation.
    pub stddev: Option<f64>,
}

/// A column while its rows arrive.
#[derive(Debug)]
pub struct Column {
    name: String,
    count: u64,
    empty: u64,
    numbers: Option<Numbers>,
    least: Option<String>,
    greatest: Option<String>,
}

/// Welford's running mean and variance: one pass, and no loss when values are large and close together.
#[derive(Debug, Default)]
struct Numbers {
    count: f64,
    mean: f64,
    squares: f64,
    sum: f64,
    min: f64,
    max: f64,
}

impl Numbers {
    fn add(&mut self, value: f64) {
        if self.count == 0.0 {
            (self.min, self.max) = (value, value);
        }
        self.count += 1.0;
        let delta = value - self.mean;
        self.mean += delta / self.count;
        self.squares += delta * (value - self.mean);
        self.sum += value;
        self.min = self.min.min(value);
        self.max = self.max.max(value);
    }
}

impl Column {
    pub fn new(name: String) -> Self {
        Column {
            name,
            count: 0,
            empty: 0,
            numbers: Some(Numbers::default()),
            least: None,
            greatest: None,
        }
    }

    pub fn add(&mut self, field: &str) {
        let value = field.trim();
        if value.is_empty() {
            self.empty += 1;
            return;
        }
        self.count += 1;
        // One value that is no number makes the column text, for good.
        match value
            .parse::<f64>()
            .ok()
            .filter(|number| number.is_finite())
        {
            Some(number) => self
                .numbers
                .iter_mut()
                .for_each(|numbers| numbers.add(number)),
            None => self.numbers = None,
        }
        if self.least.as_deref().is_none_or(|least| value < least) {
            self.least = Some(value.to_owned());
        }
        if self
            .greatest
            .as_deref()
            .is_none_or(|greatest| value > greatest)
        {
            self.greatest = Some(value.to_owned());
        }
    }

    pub fn finish(self) -> Summary {
        let empty = Summary {
            column: self.name,
            kind: Kind::Empty,
            count: self.count,
            empty: self.empty,
            min: None,
            max: None,
            sum: None,
            mean: None,
            stddev: None,
        };
        match self.numbers {
            _ if self.count == 0 => empty,
            Some(numbers) => Summary {
                kind: Kind::Number,
                min: Some(numbers.min.to_string()),
                max: Some(numbers.max.to_string()),
                sum: Some(numbers.sum),
                mean: Some(numbers.mean),
                stddev: (numbers.count > 1.0)
                    .then(|| (numbers.squares / (numbers.count - 1.0)).sqrt()),
                ..empty
            },
            None => Summary {
                kind: Kind::Text,
                min: self.least,
                max: self.greatest,
                ..empty
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn summary(values: &[&str]) -> Summary {
        let mut column = Column::new(String::from("x"));
        values.iter().for_each(|value| column.add(value));
        column.finish()
    }

    #[test]
    fn numbers_get_mean_and_spread() {
        let found = summary(&["2", "4", "4", "4", "5", "5", "7", "9", ""]);
        assert_eq!((found.kind, found.count, found.empty), (Kind::Number, 8, 1));
        assert_eq!((found.mean, found.sum), (Some(5.0), Some(40.0)));
        assert_eq!(
            (found.min.as_deref(), found.max.as_deref()),
            (Some("2"), Some("9"))
        );
        assert!((found.stddev.unwrap() - 2.138_089_935_299_395).abs() < 1e-12);
    }

    #[test]
    fn one_word_makes_the_column_text() {
        let found = summary(&["10", "9", "pear"]);
        assert_eq!((found.kind, found.mean), (Kind::Text, None));
        assert_eq!(
            (found.min.as_deref(), found.max.as_deref()),
            (Some("10"), Some("pear"))
        );
    }

    #[test]
    fn only_empty_fields_have_no_range() {
        let found = summary(&["", " "]);
        assert_eq!(
            (found.kind, found.count, found.empty, found.min),
            (Kind::Empty, 0, 2, None)
        );
    }

    #[test]
    fn one_number_has_no_spread() {
        assert_eq!(summary(&["1"]).stddev, None);
    }
}
