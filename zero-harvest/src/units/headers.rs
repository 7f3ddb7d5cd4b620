//! Finds the header that is missing, and only that: every folder on the search path would let the wrong one in.

use std::cmp::Reverse;
use std::collections::HashMap;

/// Files of a repository by their last name.
#[derive(Debug)]
pub(crate) struct Headers<'a>(HashMap<&'a str, Vec<&'a str>>);

impl<'a> Headers<'a> {
    pub(crate) fn new(files: &'a [String]) -> Self {
        let mut headers: HashMap<&str, Vec<&str>> = HashMap::new();
        for file in files {
            headers.entry(last(file)).or_default().push(file);
        }
        Self(headers)
    }

    /// The folder to look in so that `header`, as `from` names it, is found. The nearest candidate wins; a tie is broken
    /// by the shorter path, then by the alphabet.
    pub(crate) fn folder(&self, header: &str, from: &str) -> Option<&'a str> {
        // `../x.h` is relative to the file that names it, and was looked for there.
        let wanted = header.trim_start_matches("./");
        if wanted.starts_with('/') || wanted.split('/').any(|part| part == "..") {
            return None;
        }
        self.0
            .get(last(wanted))?
            .iter()
            .filter_map(|file| {
                let folder = file.strip_suffix(wanted)?;
                (folder.is_empty() || folder.ends_with('/')).then_some(folder)
            })
            .min_by_key(|folder| (Reverse(shared(folder, from)), folder.len(), *folder))
            .map(|folder| folder.trim_end_matches('/'))
    }
}

fn last(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// How many leading folders two paths share. What comes after the last slash is none.
pub(crate) fn shared(a: &str, b: &str) -> usize {
    let folders = |path: &str| path.matches('/').count();
    let parts = a.split('/').zip(b.split('/'));
    let same = parts.take_while(|(a, b)| a == b).count();
    same.min(folders(a)).min(folders(b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_header_wins() {
        let files: Vec<String> = ["a/include/x.h", "b/include/x.h", "x/y.h", "z/x/y.h"]
            .map(String::from)
            .into();
        let headers = Headers::new(&files);
        assert_eq!(headers.folder("x.h", "b/src/m.c"), Some("b/include"));
        assert_eq!(headers.folder("x/y.h", "z/m.c"), Some("z"));
        assert_eq!(headers.folder("x/y.h", "m.c"), Some(""));
        assert_eq!(headers.folder("../x.h", "m.c"), None);
        assert_eq!(headers.folder("none.h", "m.c"), None);
    }
}
