"""What a model is asked, in the words of `cargo zero ask` (`src/prompt.rs`): it is trained on what it will be sent.

`tests/data/questions.jsonl` holds both to the same text.
"""

import json
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any

from zero_tune.records import EXAMPLES, Call, Record

MEMORY = (
    'Export the memory as "memory", with at least one page and no maximum. Where an argument is a buffer, the function '
    "gets\nits address; its length is another argument where it is needed. Write nowhere outside the buffers and your "
    "own memory."
)
ALLOC = (
    "Where the result is a buffer, return the address of a block that you found room for in your own memory: its "
    "length in\nbytes as an i32 in four bytes, then the bytes."
)


def of_record(record: Record) -> str:
    """A record's question, with up to three of its examples. People give some, or none, so records have any number."""
    shown = record.examples[: int(record.digest[:8], 16) % (EXAMPLES + 1)]
    return asked(record.instruction, record.name, record.signature, [line(record.name, call) for call in shown])


def of_task(prompt: str, name: str, signature: str, examples: Sequence[dict[str, Any]]) -> str:
    """A task's question (spec/eval.md), with all of its examples.

    Raises:
        KeyError, TypeError, ValueError: an example is no call.

    """
    values = [value for call in examples for value in (*call["args"], call.get("result"))]
    lines = [MEMORY] if any(map(_is_buffer, values)) else []
    if any(_is_buffer(call.get("result")) for call in examples):
        lines.append(ALLOC)
    return asked(prompt, name, signature, lines + [_example(name, call) for call in examples])


def asked(prompt: str, name: str, signature: str, lines: Iterable[str] = ()) -> str:
    """What to do, the function's name and type if known, and what else there is to say."""
    if name and signature:
        prompt += f'\nExport it as "{name}", with the type {name}{signature}.'
    return "\n".join([prompt, *lines])


def line(name: str, call: Call) -> str:
    """A call of numbers, and what it gives."""
    return f"{name}({', '.join(map(_number, call.args))}) returns {_number(call.result)}"


def _example(name: str, call: dict[str, Any]) -> str:
    args, after = call["args"], call.get("after", [])
    text = f"{name}({', '.join(map(_value, args))})"
    if call.get("result") is not None:
        text += f" returns {_value(call['result'])}"
    for before, then in zip(filter(_is_buffer, args), after, strict=False):
        if then is not None:
            text += f"; {_value(before)} then holds {_value(then)}"
    return text


def _is_buffer(value: Any) -> bool:
    return isinstance(value, dict)


def _value(value: Any) -> str:
    if isinstance(value, dict):
        ((kind, inside),) = value.items()
        return _buffer(kind, inside)
    return json.dumps(value, ensure_ascii=False) if isinstance(value, str) else _number(value)


def _buffer(kind: str, inside: Any) -> str:
    if kind == "text":
        return '"' + "".join(map(_character, inside)) + '"'
    if kind == "bytes":
        elements = [f"0x{byte:02x}" for byte in bytes.fromhex(inside)]
    else:
        elements = [_float(float(one)) if kind == "f64" else str(one) for one in inside]
    return f"[{', '.join(elements)}]"


def _float(value: float) -> str:
    """As Rust writes one in a list that is shown."""
    digits, mark, exponent = repr(value).replace("nan", "NaN").partition("e")
    return f"{digits}e{int(exponent)}" if mark else digits


def _character(one: str) -> str:
    """As Rust writes it in a text that is shown."""
    known = {"\0": "\\0", "\t": "\\t", "\r": "\\r", "\n": "\\n", '"': '\\"', "\\": "\\\\"}
    return known.get(one) or (one if one.isprintable() else f"\\u{{{ord(one):x}}}")


def _number(value: float) -> str:
    """As Rust writes one in JSON: of the shortest digits, with an exponent where there would be many zeros."""
    text = repr(value)
    digits, mark, exponent = text.partition("e")
    if not mark:
        return text
    if int(exponent) == -5:
        return format(Decimal(text), "f")
    return f"{digits}e{int(exponent):+}"
