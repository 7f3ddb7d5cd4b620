//! What an index may refer to at some point of the text.

use std::ops::Range;
use std::sync::Arc;

use super::number::reachable;

/// The references that are possible at some point, ready to be read a byte at a time.
#[derive(Clone, Debug, Default)]
pub(crate) struct Targets {
    /// Indices, in order.
    indices: Vec<u32>,
    /// Names, in order.
    names: Vec<Arc<str>>,
    /// Indices of what is not there yet, without some.
    beyond: Option<Beyond>,
    /// Names that must not be used although they are not among those above; `None` if no others may be used.
    refused: Option<Vec<Arc<str>>>,
}

#[derive(Clone, Debug)]
struct Beyond {
    range: Range<u32>,
    except: Vec<u32>,
}

impl Targets {
    pub(crate) fn new(indices: Vec<u32>, mut names: Vec<Arc<str>>) -> Self {
        names.sort();
        Self {
            indices,
            names,
            beyond: None,
            refused: None,
        }
    }

    /// Lets it refer to what is not there yet as well.
    pub(crate) fn with_forward(
        mut self,
        range: Range<u32>,
        except: Vec<u32>,
        refused: Vec<Arc<str>>,
    ) -> Self {
        self.indices.sort_unstable();
        self.beyond = Some(Beyond { range, except });
        self.refused = Some(refused);
        self
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.indices.is_empty() && self.refused.is_none()
    }

    /// Whether names can be used here at all.
    pub(crate) fn any_name(&self) -> bool {
        !self.names.is_empty() || self.refused.is_some()
    }

    /// Whether some index begins with the digits of a number.
    pub(crate) fn begins(&self, value: u64) -> bool {
        reachable(value, |low, high| self.within(low, high))
    }

    fn within(&self, low: u64, high: u64) -> bool {
        let at = self
            .indices
            .partition_point(|index| u64::from(*index) < low);
        let known = self
            .indices
            .get(at)
            .is_some_and(|index| u64::from(*index) <= high);
        known
            || self
                .beyond
                .as_ref()
                .is_some_and(|beyond| beyond.within(low, high))
    }

    pub(crate) fn has_index(&self, index: u32) -> bool {
        let index = u64::from(index);
        self.within(index, index)
    }

    /// Whether some name begins with a text.
    pub(crate) fn begins_name(&self, text: &str) -> bool {
        let at = self.names.partition_point(|name| **name < *text);
        self.refused.is_some()
            || self
                .names
                .get(at)
                .is_some_and(|name| name.starts_with(text))
    }

    pub(crate) fn has_name(&self, text: &str) -> bool {
        let known = self
            .names
            .binary_search_by(|name| (**name).cmp(text))
            .is_ok();
        let free = |refused: &Vec<Arc<str>>| !refused.iter().any(|name| **name == *text);
        known || self.refused.as_ref().is_some_and(free)
    }

    /// Some of them, as they are written.
    pub(crate) fn texts(&self) -> Vec<String> {
        let names = self.names.iter().map(|name| format!("${name}"));
        names
            .chain(self.indices.iter().map(u32::to_string))
            .take(12)
            .collect()
    }
}

impl Beyond {
    fn within(&self, low: u64, high: u64) -> bool {
        let low = low.max(u64::from(self.range.start));
        let high = high.min(u64::from(self.range.end).saturating_sub(1));
        let taken = || {
            self.except
                .iter()
                .filter(|index| (low..=high).contains(&u64::from(**index)))
                .count()
        };
        low <= high && high - low + 1 > taken() as u64
    }
}
