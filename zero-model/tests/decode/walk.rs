//! Random texts that follow the checker end in modules that validate.

use proptest::prelude::*;
use zero_model::decode::{Checker, Options};

use crate::reference;

/// What ends something, most eager first; with a space before it first, since that ends an identifier as well.
const ENDINGS: &[&str] = &[
    ")",
    "end",
    "unreachable)",
    "unreachable end",
    "else unreachable end",
    "unreachable",
    "\"x\"",
    "\"\"",
    "0",
    "1",
    "i32.const 1",
    "funcref",
    "func",
    "i32",
    "(i32.const 0)",
    "(func)",
    "(func",
    "(data \"\")",
    "(type 0)",
    "(param i32)",
    "(param i64)",
    "(param f32)",
    "(param f64)",
    "(result i32)",
    "(result i64)",
    "(result f32)",
    "(result f64)",
];

/// Ends a text that stands anywhere; `choose` picks a byte where nothing of the above does.
pub(crate) fn finish(checker: &mut Checker, mut choose: impl FnMut(usize) -> usize) -> bool {
    for _ in 0..1_000 {
        let Err(rejected) = checker.finish() else {
            return true;
        };
        // What was used and is not there yet.
        let named = |what: &str, field: &str| {
            let (_, rest) = rejected.context.split_once(what)?;
            rest.split_once(' ')
                .map(|(name, _)| format!("({field} ${name}"))
        };
        let owed = named("function $", "func").or_else(|| named("segment $", "data"));
        let owed = owed.or_else(|| {
            rejected
                .context
                .contains("segment")
                .then(|| "(data \"\")".to_owned())
        });
        if checker.allows(b'{') && checker.push(b'"').is_ok() {
            // Only strings take a brace.
            continue;
        }
        let endings = owed
            .iter()
            .map(String::as_str)
            .chain(ENDINGS.iter().copied());
        let close = std::iter::once(")".to_owned());
        let spaced = endings.clone().map(|ending| format!(" {ending}"));
        let ended = close
            .chain(spaced)
            .chain(endings.map(str::to_owned))
            .any(|ending| {
                let mut next = checker.clone();
                let fits = next.push_str(&ending).is_ok();
                if fits {
                    *checker = next;
                }
                fits
            });
        if !ended {
            step(checker, &mut choose);
        }
    }
    false
}

fn step(checker: &mut Checker, choose: &mut impl FnMut(usize) -> usize) {
    let allowed = checker.allowed();
    assert!(
        !allowed.is_empty(),
        "a dead end: {}",
        String::from_utf8_lossy(checker.text())
    );
    checker
        .push(allowed[choose(allowed.len())])
        .expect("the byte is allowed");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_bytes_end_in_valid_modules(choices in prop::collection::vec(any::<u16>(), 0..400), forward in 0_u32..4) {
        let mut checker = Checker::new(Options { forward, comments: false, ..Options::default() });
        for choice in &choices {
            // Names and strings hold a walk up: most of the time something else is picked.
            step(&mut checker, &mut |len| usize::from(*choice) % len);
        }
        // Mixed well (splitmix64): choices that repeat would pick blanks for ever.
        let mut state = choices.iter().fold(0_u64, |sum, choice| sum.rotate_left(7) ^ u64::from(*choice));
        let mut choose = |len: usize| {
            state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            usize::try_from((mixed ^ (mixed >> 31)) % len as u64).expect("it is below len")
        };
        let ended = finish(&mut checker, &mut choose);
        let text = String::from_utf8_lossy(checker.text()).into_owned();
        prop_assert!(ended, "not ended: {text}");
        prop_assert!(reference(&text).is_ok(), "{text}: {:?}", reference(&text));
    }
}
