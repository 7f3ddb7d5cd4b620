//! The first impossible byte, by example.

use crate::{check, reference};
use zero_model::decode::{Checker, Options};

/// Texts with `¦` before the first impossible byte.
const IMPOSSIBLE: &[&str] = &[
    "(module (func (result i32) i32.const 1 i32.¦add))",
    "(module (func (param i32) local.get ¦1))",
    "(module (func (param $ab i32) local.get $a¦ drop))",
    "(module (func (param $a i32) (param $a¦ i32)))",
    "(module (func (param i64) local.get 0 i32.¦eqz drop))",
    "(module (func i32.¦load))",
    "(module (memory 1) (func i32.const 0 i32.load align=¦8 drop))",
    "(module (memory 6553¦7))",
    "(module (memory 2 1¦))",
    "(module (func i32.const 429496729¦6 drop))",
    "(module (func f32.const 1e3¦9 drop))",
    "(module (export \"a\" (func 0)) (export \"a¦\" (func 0)) (func))",
    "(module (func (result i32)¦))",
    "(module (func block i32.const 1 ¦end))",
    "(module (func (param i32) local.get 0 if (result i32) i32.const 1 e¦nd drop))",
    "(module (func ¦else))",
    "(module (func i32.const 0 br_if ¦1))",
    "(module (type (func (param i32))) (func (type 0) (param i¦64)))",
    "(module (func) (¦import \"a\" \"b\" (func)))",
    "(module (start 0) (func (¦param i32)))",
    "(module (global i32 i32.const 1) (func i32.const 1 global.¦set 0))",
    "(module (func call $later)¦)",
    "(module (func nop) ¦x)",
    "(module (func block $a end br ¦$a))",
    "(module (func br¦_table 0))",
    "(module (start $¦) (func))",
];

#[test]
fn the_first_impossible_byte_is_found() {
    for marked in IMPOSSIBLE {
        let (before, rest) = marked.split_once('¦').unwrap();
        let whole = format!("{before}{rest}");
        let rejected = check(&whole).expect_err(marked);
        let found = String::from_utf8_lossy(&whole.as_bytes()[..rejected.offset]).into_owned();
        assert_eq!(found, before, "{marked}: {rejected}");
        assert!(reference(&whole).is_err(), "the reference accepts {whole}");
    }
}

#[test]
fn a_refusal_says_what_stands_where_and_what_could() {
    let rejected =
        check("(module\n(func (param $a i32) (result i64)\nlocal.get $a\ni64.mul))").unwrap_err();
    assert_eq!((rejected.line, rejected.column), (4, 5));
    assert_eq!(
        rejected.to_string(),
        "read line 4, column 5: `i64.m` cannot stand here with operands [i32]; possible: i64.const i64.extend_i32_s i64.extend_i32_u",
    );
    let rejected = check("(module (func call $f)").unwrap_err();
    assert!(
        rejected.context.contains("function $f is missing"),
        "{rejected}"
    );
}

#[test]
fn a_refused_byte_leaves_the_checker_where_it_was() {
    let mut checker = Checker::new(Options::default());
    checker
        .push_str("(module (func (result i32) i32.const 1")
        .unwrap();
    assert!(checker.push(b'x').is_err());
    checker.push_str("7))").unwrap();
    checker.finish().unwrap();
}

#[test]
fn folded_instructions_are_outside_the_subset() {
    assert!(check("(module (func (i32.const 1) drop))").is_err());
}

#[test]
fn generation_has_one_spelling() {
    let generated = |text| Checker::check(text, Options::GENERATION);
    generated("(module (func (result i32) i32.const 1))").unwrap();
    assert_eq!(generated("(module  (func))").unwrap_err().offset, 8);
    assert_eq!(generated("(module (; ;) (func))").unwrap_err().offset, 9);
}
