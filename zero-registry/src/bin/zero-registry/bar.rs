//! A bar for whoever waits at a terminal.

use std::io::{IsTerminal as _, stderr};

use indicatif::{ProgressBar, ProgressStyle};
use zero_registry::Watch;

/// The phases of a command, drawn on standard error.
#[derive(Debug)]
pub(crate) struct Bar(ProgressBar);

impl Bar {
    /// A bar; hidden from machines.
    pub(crate) fn new(json: bool) -> Self {
        let bar = if json || !stderr().is_terminal() {
            ProgressBar::hidden()
        } else {
            ProgressBar::new(0)
        };
        if let Ok(style) =
            ProgressStyle::with_template("{msg:<8} {bar:30.cyan} {pos}/{len} {eta:.dim}")
        {
            bar.set_style(style);
        }
        Self(bar)
    }
}

impl Watch for Bar {
    fn phase(&self, name: &'static str, steps: u64) {
        self.0.set_position(0);
        self.0.set_length(steps);
        self.0.set_message(name);
        self.0.reset_eta();
    }

    fn advance(&self) {
        self.0.inc(1);
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
