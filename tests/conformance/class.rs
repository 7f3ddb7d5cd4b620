//! The class of a failure: the name of the error's variant, as the specification spells it.

use std::fmt::Debug;

/// `NotAPoint { … }` becomes `not-a-point`.
pub(crate) fn class(error: &impl Debug) -> String {
    let text = format!("{error:?}");
    let name = text.chars().take_while(char::is_ascii_alphanumeric);
    let mut class = String::new();
    for character in name {
        if character.is_ascii_uppercase() && !class.is_empty() {
            class.push('-');
        }
        class.push(character.to_ascii_lowercase());
    }
    class
}

#[test]
fn names_variants_as_the_specification_does() {
    #[derive(Debug)]
    #[expect(dead_code, reason = "only its name is looked at")]
    enum Error {
        NotAPoint { x: u8 },
        Weak,
        Wrapped(u8),
    }
    assert_eq!(class(&Error::NotAPoint { x: 1 }), "not-a-point");
    assert_eq!(class(&Error::Weak), "weak");
    assert_eq!(class(&Error::Wrapped(1)), "wrapped");
}
