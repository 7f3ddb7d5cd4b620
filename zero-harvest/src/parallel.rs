//! Work in parallel, results in order.

use std::cmp::Reverse;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Applies `work` to every item on `jobs` threads. The results are in the order of the items, whoever made them. Those with
/// the largest `size` are begun first: one that is begun last would be waited for by all other threads.
pub(crate) fn map<T: Sync, R: Send>(
    jobs: usize,
    items: &[T],
    size: impl Fn(&T) -> u64,
    work: impl Fn(usize, &T) -> R + Sync,
) -> Vec<R> {
    let mut order: Vec<usize> = (0..items.len()).collect();
    order.sort_by_cached_key(|number| Reverse(size(&items[*number])));
    let next = AtomicUsize::new(0);
    let done = Mutex::new(Vec::with_capacity(items.len()));
    std::thread::scope(|scope| {
        for _ in 0..jobs.clamp(1, items.len().max(1)) {
            scope.spawn(|| {
                loop {
                    let turn = next.fetch_add(1, Ordering::Relaxed);
                    let Some(&number) = order.get(turn) else {
                        break;
                    };
                    let result = work(number, &items[number]);
                    if let Ok(mut done) = done.lock() {
                        done.push((number, result));
                    }
                }
            });
        }
    });
    let mut done = done.into_inner().unwrap_or_default();
    done.sort_unstable_by_key(|(number, _)| *number);
    done.into_iter().map(|(_, result)| result).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_are_in_order() {
        let items: Vec<u64> = (0..100).collect();
        assert_eq!(map(7, &items, |item| *item, |_, item| item * 2)[99], 198);
        assert!(map(3, &[] as &[u64], |_| 0, |_, item| *item).is_empty());
    }

    #[test]
    fn the_largest_is_begun_first() {
        let begun = Mutex::new(Vec::new());
        map(
            1,
            &[2, 9, 4],
            |item| *item,
            |_, item| begun.lock().unwrap().push(*item),
        );
        assert_eq!(*begun.lock().unwrap(), [9, 4, 2]);
    }
}
