//! How far something long has come, for whoever waits for it.

use std::fmt::Debug;

/// Told of phases and their steps; threads tell it at the same time.
pub trait Watch: Debug + Sync {
    /// A phase of so many steps begins.
    fn phase(&self, name: &'static str, steps: u64);
    /// One of its steps is done.
    fn advance(&self);
}

/// Nobody waits.
#[derive(Debug)]
pub struct Unwatched;

impl Watch for Unwatched {
    fn phase(&self, _: &'static str, _: u64) {}
    fn advance(&self) {}
}

#[cfg(test)]
pub(crate) mod testing {
    use std::sync::Mutex;

    use super::Watch;

    /// Notes the phases: name, steps expected, steps done.
    #[derive(Debug, Default)]
    pub(crate) struct Noted(pub(crate) Mutex<Vec<(&'static str, u64, u64)>>);

    impl Watch for Noted {
        fn phase(&self, name: &'static str, steps: u64) {
            self.0.lock().unwrap().push((name, steps, 0));
        }

        fn advance(&self) {
            self.0.lock().unwrap().last_mut().unwrap().2 += 1;
        }
    }
}
