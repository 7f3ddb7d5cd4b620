//! What clang sees of this machine: the repository, our own temporary files, and its own and the C library's headers.
//!
//! Sources are untrusted: `#include` and `#embed` name any file, and what clang reads ends up in the dataset. So neither
//! the parser nor the compiler reads the disk itself: both get a file system that holds these folders and nothing else.
//! Links are hidden in it: they lead anywhere, and are no part of what a repository's digest is made of.

use std::io;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::source::Checkout;
use crate::toolchain::Toolchain;

/// The fence around a repository, and a folder inside it for files of ours.
#[derive(Debug)]
pub(crate) struct Fence {
    folder: PathBuf,
    _temporary: TempDir,
}

/// The description of the file system that clang gets.
const DESCRIPTION: &str = "fence.json";

impl Fence {
    /// Puts up a fence around a repository, or around our own files alone.
    pub(crate) fn around(toolchain: &Toolchain, checkout: Option<&Checkout>) -> io::Result<Self> {
        let temporary = tempfile::tempdir()?;
        let folder = std::fs::canonicalize(temporary.path())?;
        // The first that fits a path is taken.
        let nothing = folder.join("nothing");
        let hidden = checkout.into_iter().flat_map(|checkout| {
            checkout.hidden.iter().map(|path| {
                let name = checkout.root.join(path);
                json!({ "type": "file", "name": name, "external-contents": nothing })
            })
        });
        let ours = [&folder, &toolchain.resources, &toolchain.headers];
        let root = checkout.map(|checkout| &checkout.root);
        let open = root.into_iter().chain(ours).map(
            |path| json!({ "type": "directory-remap", "name": path, "external-contents": path }),
        );
        let roots: Vec<Value> = hidden.chain(open).collect();
        let description =
            json!({ "version": 0, "redirecting-with": "redirect-only", "roots": roots });
        std::fs::write(folder.join(DESCRIPTION), description.to_string())?;
        Ok(Self {
            folder,
            _temporary: temporary,
        })
    }

    /// Where files of ours go that clang has to see.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Where headers of a recipe go.
    pub(crate) fn headers(&self) -> PathBuf {
        self.folder.join("headers")
    }

    /// What keeps clang inside.
    pub(crate) fn arguments(&self) -> [String; 2] {
        let description = self.folder.join(DESCRIPTION);
        [
            String::from("-ivfsoverlay"),
            description.to_string_lossy().into_owned(),
        ]
    }
}
