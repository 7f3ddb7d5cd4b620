//! Compiles units, and explains those that do not compile.

use super::{Read, Run};
use crate::cause::chain;
use crate::check::Level;
use crate::compile::{self, CompileError, Job};
use crate::extract::Function;
use crate::harvest::HarvestError;
use crate::object::Object;
use crate::record::Reason;

/// An object, or why there is none.
type Built = Result<Object, (Reason, String)>;

impl Run<'_> {
    /// The objects of a unit: for release, and if it is wanted the one that traps.
    ///
    /// # Errors
    /// When this machine cannot compile at all: another run can, so that must not become a reject.
    pub(super) fn build(
        &self,
        read: &Read,
        keep: &[&Function],
    ) -> Result<(Built, Option<Object>), HarvestError> {
        let release = self.release(read, keep)?;
        let checked = if release.is_ok() && self.options.verify >= Level::L2 {
            self.object(read, keep, &compile::CHECKED)?.ok()
        } else {
            None
        };
        Ok((release, checked))
    }

    fn release(&self, read: &Read, keep: &[&Function]) -> Result<Built, HarvestError> {
        if let Some(why) = &read.crashed {
            return Ok(Err((Reason::Crashed, why.clone())));
        }
        if let Some(missing) = &read.extraction.missing {
            return Ok(Err((Reason::MissingHeader, missing.header.clone())));
        }
        // The parser is the compiler's: what it refuses, that one would refuse too.
        if let Some(error) = &read.extraction.error {
            return Ok(Err((Reason::DoesNotCompile, error.clone())));
        }
        self.object(read, keep, &compile::RELEASE)
    }

    fn object(
        &self,
        read: &Read,
        keep: &[&Function],
        options: &[&str],
    ) -> Result<Built, HarvestError> {
        let job = Job {
            toolchain: &self.options.toolchain,
            fence: &self.fence,
            root: &self.checkout.root,
            path: &read.unit.path,
            flags: &self.flags(&read.unit),
            keep,
            budget: self.options.budget,
        };
        let error = match compile::compile(&job, options) {
            Ok(object) => return Ok(Ok(object)),
            Err(error) => error,
        };
        let detail = chain(&error);
        let reason = match error {
            CompileError::Died => Reason::Crashed,
            CompileError::Io(error) => return Err(HarvestError::Temporary(error)),
            CompileError::Object(_) => Reason::Unsupported,
            CompileError::Source(_) => Reason::DoesNotCompile,
            CompileError::TooLarge => Reason::TooLarge,
        };
        Ok(Err((reason, detail)))
    }
}
