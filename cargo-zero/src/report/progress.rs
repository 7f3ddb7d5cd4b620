//! What a person sees meanwhile: a spinner for a step, a bar for many.

use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

/// A step that takes less shows no spinner.
const MOMENT: Duration = Duration::from_millis(400);

/// A running step; the spinner goes when this is dropped.
#[derive(Debug)]
pub(crate) struct Step(Option<(Sender<()>, JoinHandle<()>)>);

impl Step {
    /// A step that nobody watches.
    pub(super) fn silent() -> Self {
        Self(None)
    }

    /// A step that a person watches.
    pub(super) fn start(text: &str) -> Self {
        let text = text.to_owned();
        let (done, wait) = mpsc::channel();
        let watcher = thread::spawn(move || {
            if wait.recv_timeout(MOMENT) != Err(RecvTimeoutError::Timeout) {
                return;
            }
            let bar = ProgressBar::new_spinner().with_message(text);
            if let Ok(style) = ProgressStyle::with_template("{spinner:.cyan} {msg} {elapsed:.dim}")
            {
                bar.set_style(style);
            }
            bar.enable_steady_tick(Duration::from_millis(120));
            // Ends when the step is dropped.
            let _ = wait.recv();
            bar.finish_and_clear();
        });
        Self(Some((done, watcher)))
    }
}

impl Drop for Step {
    fn drop(&mut self) {
        if let Some((done, watcher)) = self.0.take() {
            drop(done);
            // A spinner that panicked is no reason to fail.
            let _ = watcher.join();
        }
    }
}

/// A bar for phases of known length.
#[derive(Debug)]
pub(crate) struct Bar(ProgressBar);

impl Bar {
    /// A bar; hidden if nobody watches.
    pub(super) fn new(visible: bool) -> Self {
        let bar = if visible {
            ProgressBar::new(0)
        } else {
            ProgressBar::hidden()
        };
        if let Ok(style) =
            ProgressStyle::with_template("{prefix} {msg:<9} {bar:30.cyan} {pos}/{len} {eta:.dim}")
        {
            bar.set_style(style);
        }
        Self(bar)
    }

    /// What the phases belong to.
    pub(crate) fn title(&self, text: String) {
        self.0.set_prefix(text);
    }

    /// The next phase.
    pub(crate) fn phase(&self, name: &'static str, steps: usize) {
        self.0.set_position(0);
        self.0.set_length(u64::try_from(steps).unwrap_or(u64::MAX));
        self.0.set_message(name);
        self.0.reset_eta();
    }

    /// One step of it is done.
    pub(crate) fn advance(&self) {
        self.0.inc(1);
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
