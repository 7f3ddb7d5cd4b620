//! Functions that are used before they are there.

use crate::{check, reference};

fn both(text: &str) {
    reference(text).unwrap_or_else(|error| panic!("{text}: {error}"));
    check(text).unwrap_or_else(|error| panic!("{text}: {error}"));
}

#[test]
fn calls_of_later_functions_are_typed_by_what_follows() {
    both(
        "(module (type (func (param i32) (result i64))) (func (param i32) (result i64) local.get 0 call $f) (func $f (type 0) i64.const 1))",
    );
    both(
        "(module (func (param i32) (result i32) local.get 0 call 1) (func (param i32) (result i32) local.get 0 call 0))",
    );
    both("(module (type (func)) (type (func (result i32))) (func call 1) (func))");
}

#[test]
fn a_later_function_must_have_a_type_that_its_calls_allow() {
    // After the call an i64 was used, so `$f` cannot be the function without a result.
    let text =
        "(module (type (func)) (type (func (result i64))) (func call $f drop) (func $f (type ";
    assert_eq!(
        check(&format!("{text}0)))")).unwrap_err().offset,
        text.len()
    );
    both(&format!("{text}1) i64.const 1))"));
    // The second call agrees with the first.
    let text = "(module (type (func (result i32))) (type (func (result i64))) (func call $f i32.eqz drop call $f i64.e";
    assert_eq!(
        check(&format!("{text}qz drop) ")).unwrap_err().offset,
        text.len(),
        "after an i32, only i64.extend_i32_s begins so"
    );
}

#[test]
fn index_and_name_of_one_function_agree() {
    let text = "(module (type (func (result i32))) (type (func (result i64))) (func call $f i32.eqz drop call 1 i64.eqz drop) (func $f";
    assert_eq!(check(&format!("{text} ")).unwrap_err().offset, text.len());
    both(&format!(
        "{text}2 (result i64) i64.const 0) (func $f (result i32) i32.const 0))"
    ));
}

#[test]
fn exports_elements_and_start_may_come_first() {
    both(
        "(module (table 2 funcref) (export \"f\" (func $f)) (start $g) (elem (i32.const 0) func $f $g) (func $f (param i32)) (func $g))",
    );
    assert!(check("(module (export \"f\" (func $f)))").is_err());
    assert!(check("(module (start $g) (func $g (result i32) i32.const 1))").is_err());
}

#[test]
fn a_type_that_was_never_seen_before_the_call_is_outside_the_subset() {
    let text = "(module (func call $f) (func $f (param i32)))";
    assert!(check(text).is_err() && reference(text).is_err());
    // The reference accepts this one; the subset wants the type to be written first.
    let text = "(module (func i64.const 1 call $f) (func $f (param i64)))";
    assert!(reference(text).is_ok());
    assert!(check(text).is_err());
    both("(module (type (func (param i64))) (func i64.const 1 call $f) (func $f (param i64)))");
}

#[test]
fn data_segments_may_come_later() {
    both(
        "(module (memory 1) (func i32.const 0 i32.const 0 i32.const 1 memory.init $d data.drop 0) (data $d \"x\"))",
    );
    assert!(check("(module (func data.drop 0) (data) (func data.drop 1))").is_err());
}
