//! What the roots vouch for, compared with the log.

use zero_format::Digest;

use super::Difference;
use crate::log::Tree;
use crate::root::{Anchor, Root, Roots};

fn anchored(roots: &Roots) -> impl Iterator<Item = (&Root, &Anchor)> {
    roots
        .iter()
        .filter_map(|root| Some((root, root.fields().anchor.as_ref()?)))
}

/// Leaves of a bundle, cut where an anchor lies, so that the tree is known there.
pub(super) fn portions<'a>(roots: &Roots, first: u64, leaves: &'a [Vec<u8>]) -> Vec<&'a [Vec<u8>]> {
    let within = anchored(roots)
        .filter_map(|(_, anchor)| usize::try_from(anchor.size.checked_sub(first)?).ok());
    let mut cuts: Vec<usize> = within
        .filter(|cut| (1..leaves.len()).contains(cut))
        .collect();
    cuts.sort_unstable();
    cuts.dedup();
    let mut rest = leaves;
    let mut portions = Vec::with_capacity(cuts.len() + 1);
    let mut before = 0;
    for cut in cuts {
        let (portion, behind) = rest.split_at(cut - before);
        portions.push(portion);
        rest = behind;
        before = cut;
    }
    portions.push(rest);
    portions
}

/// Compares a tree of the log, and its map where a commit ends there, with the anchors of this size.
pub(super) fn check(roots: &Roots, tree: Tree, map: Option<Digest>) -> Result<(), Difference> {
    let mut here = anchored(roots).filter(|(_, anchor)| anchor.size == tree.size);
    let wrong = here.find(|(_, anchor)| anchor.tree != tree.hash || Some(anchor.map) != map);
    wrong.map_or(Ok(()), |(root, _)| Err(Difference::Anchor(root.version())))
}

/// Refuses a log that ends before an anchor.
pub(super) fn check_reached(roots: &Roots, tree: Tree) -> Result<(), Difference> {
    let beyond = anchored(roots).find(|(_, anchor)| anchor.size > tree.size);
    beyond.map_or(Ok(()), |(root, _)| Err(Difference::Anchor(root.version())))
}
