//! Token masks: they allow exactly what the checker accepts.

use proptest::prelude::*;
use zero_model::decode::{Checker, Mask, Options, Vocabulary};

use crate::reference;

/// Tokens that cut words in places of their own, as trained vocabularies do.
fn vocabulary() -> Vocabulary {
    let words = "(module| (func| $f| $g|func| (export| \"|f|\"|)| (param| (result| i32| i64| f64|)| local|.get| 0| 1| 2|i32|.add\
        | i32.const| i64.const|.| mul| i32.mul| i64.add| drop| block| loop| end| if| else| br| br_if| call| return|1|0|42| (local| unreachable\
        |))| end)| i32.eqz| (memory| (data| (type| select| local.set| local.get| i32.load| offset|=| ";
    let mut tokens: Vec<Vec<u8>> = (0..=u8::MAX).map(|byte| vec![byte]).collect();
    tokens.extend(words.split('|').map(|word| word.as_bytes().to_vec()));
    tokens.push(Vec::new());
    let end = u32::try_from(tokens.len() - 1).expect("a few hundred");
    Vocabulary::new(&tokens, end)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_tokens_end_in_valid_modules(choices in prop::collection::vec(any::<u16>(), 20..200)) {
        let vocabulary = vocabulary();
        let mut mask = Mask::new(&vocabulary, Options::GENERATION);
        let mut checker = Checker::new(Options::GENERATION);
        for choice in choices {
            // Whole words are likelier than bytes.
            let allowed: Vec<u32> = mask.compute().iter().collect();
            for token in 0..u32::try_from(vocabulary.len()).unwrap() {
                let mut next = checker.clone();
                let bytes = vocabulary.token(token);
                let fits = !bytes.is_empty() && bytes.iter().all(|byte| next.push(*byte).is_ok());
                prop_assert_eq!(fits, allowed.contains(&token) && token != vocabulary.end(), "{:?}", bytes);
            }
            let long: Vec<u32> = allowed.iter().copied().filter(|token| *token > 255 && *token != vocabulary.end()).collect();
            let pick = if long.is_empty() { &allowed } else { &long };
            let token = pick[usize::from(choice) % pick.len()];
            if token == vocabulary.end() {
                break;
            }
            prop_assert!(mask.take(token));
            for byte in vocabulary.token(token) {
                checker.push(*byte).unwrap();
            }
        }
        let mut turn = 0;
        let ended = crate::walk::finish(&mut checker, |len| { turn += 1; turn % len });
        let text = String::from_utf8_lossy(checker.text()).into_owned();
        prop_assert!(ended, "not ended: {text}");
        prop_assert!(reference(&text).is_ok(), "{text}: {:?}", reference(&text));
    }
}

#[test]
fn a_token_that_does_not_fit_is_not_taken() {
    let vocabulary = vocabulary();
    let mut mask = Mask::new(&vocabulary, Options::GENERATION);
    assert!(!mask.take(u32::from(b')')));
    assert!(!mask.take(vocabulary.end()));
    for byte in b"(module)" {
        assert!(mask.take(u32::from(*byte)));
    }
    assert!(mask.is_complete());
    assert!(mask.compute().is_allowed(vocabulary.end()));
}
