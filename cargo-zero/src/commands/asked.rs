//! What a user of `ask` wants, as it is typed: a signature, and calls with their results.

use std::str::FromStr;

use serde_json::{Number, Value as Json};
use zero_model::task::{Call, Prototype, Signature, Task, Tier, Type, Value};

/// The name of a function that nobody named.
const NAME: &str = "answer";

/// `11,13=>2`
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Example {
    args: Vec<Json>,
    result: Json,
}

impl FromStr for Example {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parts = text.split_once("=>").or_else(|| text.split_once('='));
        let (args, result) = parts.ok_or("write a call and its result as 11,13=>2")?;
        Ok(Self {
            args: numbers(args)?,
            result: number(result)?,
        })
    }
}

/// Numbers with commas or blanks between them.
pub(crate) fn numbers(text: &str) -> Result<Vec<Json>, String> {
    let words = text.split([',', ' ']).filter(|word| !word.is_empty());
    words.map(number).collect()
}

fn number(text: &str) -> Result<Json, String> {
    let text = text.trim();
    let integer = || -> Option<Json> {
        let (negative, digits) = text
            .strip_prefix('-')
            .map_or((false, text), |digits| (true, digits));
        let magnitude = match digits.strip_prefix("0x") {
            Some(hex) => u64::from_str_radix(hex, 16).ok()?,
            None => digits.parse().ok()?,
        };
        if !negative {
            return Some(magnitude.into());
        }
        i64::try_from(-i128::from(magnitude)).ok().map(Json::from)
    };
    let float = || -> Option<Json> {
        let value: f64 = text.parse().ok()?;
        // Its own digits, so that it is read again as what was typed.
        Some(Number::from_f64(value).map_or_else(|| text.into(), Json::Number))
    };
    integer()
        .or_else(float)
        .ok_or_else(|| format!("{text:?} is no number"))
}

/// The task that all of this makes; `Err` says what is missing.
pub(crate) fn task(
    prompt: &str,
    name: Option<&str>,
    wanted: Option<&Prototype>,
    (examples, tests): (&[Example], &[Example]),
    invoke: Option<&[Json]>,
) -> Result<Task, String> {
    let calls = || examples.iter().chain(tests);
    let first = calls()
        .map(|call| call.args.len())
        .next()
        .or(invoke.map(<[Json]>::len));
    let (params, result) = match (wanted, first) {
        (Some(wanted), _) => (wanted.params.clone(), wanted.result),
        (None, None) => return Err("nothing says what the function takes and returns".to_owned()),
        (None, Some(count)) => {
            let column = |at: usize| {
                let given = calls().map(|call| call.args.as_slice()).chain(invoke);
                widest(given.filter_map(|args| args.get(at)))
            };
            (
                (0..count).map(column).collect(),
                widest(calls().map(|call| &call.result)),
            )
        }
    };
    let name = wanted
        .and_then(|wanted| wanted.name.as_deref())
        .or(name)
        .unwrap_or(NAME);
    let call = |example: &Example| Call {
        args: example.args.iter().cloned().map(Value::Number).collect(),
        result: Some(Value::Number(example.result.clone())),
        after: Vec::new(),
    };
    let task = Task {
        id: "ask".to_owned(),
        tier: Tier::Scalar,
        prompt: prompt.to_owned(),
        signature: Signature {
            name: name.to_owned(),
            params,
            result,
        },
        examples: examples.iter().map(call).collect(),
        tests: tests.iter().map(call).collect(),
        c: None,
        reference: None,
    };
    task.check()?;
    Ok(task)
}

/// The type that holds all of these numbers.
fn widest<'a>(numbers: impl Iterator<Item = &'a Json>) -> Type {
    let mut ty = Type::I32;
    for number in numbers {
        let small = number
            .as_i64()
            .is_some_and(|value| i32::try_from(value).is_ok() || u32::try_from(value).is_ok());
        let whole = number.is_i64() || number.is_u64();
        match (whole, small) {
            (false, _) => return Type::F64,
            (true, false) => ty = Type::I64,
            (true, true) => {}
        }
    }
    ty
}

#[cfg(test)]
mod tests {
    use super::*;

    fn example(text: &str) -> Example {
        text.parse().expect(text)
    }

    #[test]
    fn types_follow_from_the_numbers() {
        let signature = |examples: &[&str]| {
            let examples: Vec<Example> = examples.iter().map(|text| example(text)).collect();
            task("x", None, None, (&examples, &[]), None).map(|task| task.signature.to_string())
        };
        assert_eq!(
            signature(&["11,13=>2"]).as_deref(),
            Ok("answer(i32, i32) -> i32")
        );
        assert_eq!(
            signature(&["1 => 1", "5000000000 => 0x10"]).as_deref(),
            Ok("answer(i64) -> i32")
        );
        assert_eq!(
            signature(&["-1, 2=>0.5", "1,2.5=>inf"]).as_deref(),
            Ok("answer(i32, f64) -> f64")
        );
        assert!(
            signature(&["1=>1", "1,2=>3"])
                .is_err_and(|error| error.contains("2 arguments instead of 1"))
        );
        assert!(signature(&[]).is_err());
    }

    #[test]
    fn a_signature_decides_and_numbers_have_to_fit() {
        let wanted: Prototype = "gcd(i32,i32) -> i32".parse().expect("it is one");
        let made = |text: &str| task("x", None, Some(&wanted), (&[example(text)], &[]), None);
        assert_eq!(
            made("12,18=>6").map(|task| task.signature.name).as_deref(),
            Ok("gcd")
        );
        assert!(made("12,1.5=>6").is_err_and(|error| error.contains("1.5 is no i32")));
        for text in ["1", "1=>x", "=>", "1,,x=>2"] {
            assert!(text.parse::<Example>().is_err(), "{text}");
        }
    }
}
