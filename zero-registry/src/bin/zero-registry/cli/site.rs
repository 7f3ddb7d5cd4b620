//! `site`: its arguments.

use std::path::PathBuf;

use clap::Args;

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  zero-registry site packages            # what has changed since the last time
  zero-registry site packages --anew

The pages lie beside the registry's own files and are served with them: index.html, llms.txt,
catalogue.json and site/. `serve --publish` makes them at each commit by itself.

With another log key all pages are made anew, without those of what its root discarded. In a bucket,
where nothing is deleted, remove the prefix site/ first. A bucket has no locks either: let one maker at
a time run there.")]
pub(crate) struct Site {
    /// The registry's directory
    pub(crate) directory: PathBuf,
    /// Make all pages anew
    #[arg(long)]
    pub(crate) anew: bool,
}
