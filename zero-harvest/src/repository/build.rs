//! Compiles units, and explains those that do not compile.

use super::{Read, Run};
use crate::check::Level;
use crate::compile::{self, CompileError, Job};
use crate::extract::Function;
use crate::object::Object;
use crate::record::Reason;

impl Run<'_> {
    /// The objects of a unit: for release, and if it is wanted the one that traps.
    pub(super) fn build(
        &self,
        read: &Read,
        keep: &[&Function],
    ) -> (Result<Object, (Reason, String)>, Option<Object>) {
        let release = self.release(read, keep);
        let wanted = release.is_ok() && self.options.verify >= Level::L2;
        let checked = wanted.then(|| self.object(read, keep, &compile::CHECKED));
        (release, checked.and_then(Result::ok))
    }

    fn release(&self, read: &Read, keep: &[&Function]) -> Result<Object, (Reason, String)> {
        if let Some(why) = &read.crashed {
            return Err((Reason::Crashed, why.clone()));
        }
        if let Some(missing) = &read.extraction.missing {
            return Err((Reason::MissingHeader, missing.header.clone()));
        }
        // The parser is the compiler's: what it refuses, that one would refuse too.
        if let Some(error) = &read.extraction.error {
            return Err((Reason::DoesNotCompile, error.clone()));
        }
        self.object(read, keep, &compile::RELEASE)
    }

    fn object(
        &self,
        read: &Read,
        keep: &[&Function],
        options: &[&str],
    ) -> Result<Object, (Reason, String)> {
        let job = Job {
            toolchain: &self.options.toolchain,
            fence: &self.fence,
            root: &self.checkout.root,
            path: &read.unit.path,
            flags: &self.flags(&read.unit),
            keep,
            budget: self.options.budget,
        };
        compile::compile(&job, options).map_err(|error| {
            let reason = match &error {
                CompileError::Died | CompileError::Io(_) => Reason::Crashed,
                CompileError::Object(_) => Reason::Unsupported,
                CompileError::Source(_) => Reason::DoesNotCompile,
            };
            let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}"));
            (reason, format!("{error}{}", cause.unwrap_or_default()))
        })
    }
}
