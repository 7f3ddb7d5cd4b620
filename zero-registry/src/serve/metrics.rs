//! What the server counts, as Prometheus reads it.

use std::{
    fmt::Write as _,
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::Duration,
};

/// Upper bounds of the commit histogram, in milliseconds.
const BOUNDS: [u64; 8] = [5, 10, 25, 50, 100, 250, 1000, 5000];
/// Results of requests to publish, as they are labelled.
pub(super) const RESULTS: [&str; 6] = [
    "committed",
    "present",
    "upload",
    "refused",
    "limited",
    "busy",
];

/// Counters and gauges. Reading and writing them never waits.
#[derive(Debug, Default)]
pub(super) struct Metrics {
    pub(super) connections: AtomicU64,
    /// By the first digit of the status code.
    answers: [AtomicU64; 6],
    results: [AtomicU64; RESULTS.len()],
    pub(super) queued: AtomicU64,
    pub(super) events: AtomicU64,
    pub(super) uploaded: AtomicU64,
    commits: [AtomicU64; BOUNDS.len()],
    commit_count: AtomicU64,
    commit_millis: AtomicU64,
    pub(super) log_size: AtomicU64,
    pub(super) head_expires: AtomicU64,
}

impl Metrics {
    pub(super) fn answered(&self, status: u16) {
        if let Some(counter) = self.answers.get(usize::from(status / 100)) {
            counter.fetch_add(1, Relaxed);
        }
    }

    pub(super) fn result(&self, result: &str) {
        let counter = RESULTS
            .iter()
            .zip(&self.results)
            .find(|(name, _)| **name == result);
        if let Some((_, counter)) = counter {
            counter.fetch_add(1, Relaxed);
        }
    }

    pub(super) fn committed(&self, took: Duration) {
        let millis = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        let slot = BOUNDS
            .iter()
            .zip(&self.commits)
            .find(|(bound, _)| millis <= **bound);
        if let Some((_, counter)) = slot {
            counter.fetch_add(1, Relaxed);
        }
        self.commit_count.fetch_add(1, Relaxed);
        self.commit_millis.fetch_add(millis, Relaxed);
    }

    /// The text format of Prometheus, version 0.0.4.
    pub(super) fn text(&self) -> String {
        let mut text = String::new();
        let read = |counter: &AtomicU64| counter.load(Relaxed);
        let mut one = |name: &str, kind: &str, help: &str, value: u64| {
            let _ = writeln!(
                text,
                "# HELP {name} {help}\n# TYPE {name} {kind}\n{name} {value}"
            );
        };
        one(
            "zero_connections",
            "gauge",
            "Open connections.",
            read(&self.connections),
        );
        one(
            "zero_publish_queue",
            "gauge",
            "Requests that wait for a commit.",
            read(&self.queued),
        );
        one(
            "zero_events_total",
            "counter",
            "Events that were committed.",
            read(&self.events),
        );
        one(
            "zero_upload_bytes_total",
            "counter",
            "Bytes of package files received.",
            read(&self.uploaded),
        );
        one(
            "zero_log_size",
            "gauge",
            "Leaves of the log.",
            read(&self.log_size),
        );
        one(
            "zero_head_expires_seconds",
            "gauge",
            "When the head expires, in seconds since 1970.",
            read(&self.head_expires),
        );
        self.labelled(&mut text);
        self.histogram(&mut text);
        text
    }

    fn labelled(&self, text: &mut String) {
        *text += "# HELP zero_answers_total Answers by the class of their status code.\n# TYPE zero_answers_total counter\n";
        for (class, counter) in self.answers.iter().enumerate().skip(2) {
            let count = counter.load(Relaxed);
            let _ = writeln!(text, "zero_answers_total{{status=\"{class}xx\"}} {count}");
        }
        *text += "# HELP zero_publish_total Requests to publish by their result.\n# TYPE zero_publish_total counter\n";
        for (result, counter) in RESULTS.iter().zip(&self.results) {
            let count = counter.load(Relaxed);
            let _ = writeln!(text, "zero_publish_total{{result=\"{result}\"}} {count}");
        }
    }

    fn histogram(&self, text: &mut String) {
        *text += "# HELP zero_commit_seconds Time that a commit took.\n# TYPE zero_commit_seconds histogram\n";
        let mut sum = 0;
        for (bound, counter) in BOUNDS.iter().zip(&self.commits) {
            sum += counter.load(Relaxed);
            let seconds = seconds(*bound);
            let _ = writeln!(text, "zero_commit_seconds_bucket{{le=\"{seconds}\"}} {sum}");
        }
        let count = self.commit_count.load(Relaxed);
        let total = seconds(self.commit_millis.load(Relaxed));
        let _ = writeln!(
            text,
            "zero_commit_seconds_bucket{{le=\"+Inf\"}} {count}\nzero_commit_seconds_sum {total}\nzero_commit_seconds_count {count}"
        );
    }
}

fn seconds(millis: u64) -> String {
    format!("{}.{:03}", millis / 1000, millis % 1000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_histogram_is_cumulative() {
        let metrics = Metrics::default();
        for millis in [1, 20, 20, 9000] {
            metrics.committed(Duration::from_millis(millis));
        }
        let text = metrics.text();
        for line in [
            "zero_commit_seconds_bucket{le=\"0.005\"} 1",
            "zero_commit_seconds_bucket{le=\"0.025\"} 3",
            "zero_commit_seconds_bucket{le=\"5.000\"} 3",
            "zero_commit_seconds_bucket{le=\"+Inf\"} 4",
            "zero_commit_seconds_sum 9.041",
            "zero_commit_seconds_count 4",
        ] {
            assert!(text.contains(line), "{line} in {text}");
        }
    }

    #[test]
    fn each_metric_has_its_help_and_type() {
        let metrics = Metrics::default();
        metrics.answered(404);
        metrics.result("committed");
        let text = metrics.text();
        assert!(text.contains("zero_answers_total{status=\"4xx\"} 1"));
        assert!(text.contains("zero_publish_total{result=\"committed\"} 1"));
        let lines = |prefix: &str| text.lines().filter(|line| line.starts_with(prefix)).count();
        assert_eq!(lines("# HELP"), lines("# TYPE"));
        assert_eq!(lines("# TYPE"), 9);
    }
}
