"""Inputs for the reference functions: edge cases, then seeded random numbers, texts and lists.

A parameter is a number or a buffer. The length of a buffer is the number after it, called n or m. A buffer called `out`
has room for 64 elements. A word in brackets before a prompt says what texts and lists are to look like.
"""

from dataclasses import dataclass

TYPES = {"int32_t": "i32", "uint32_t": "i32", "int64_t": "i64", "uint64_t": "i64", "double": "f64"}
ELEMENTS = {"char": 1, "uint8_t": 1, "int32_t": 4, "double": 8}
ROOM = 64
SMALL = [0, 1, 2, 3, 5, 7, 10, 12, 100, 255, 256, 1000]


@dataclass
class Parameter:
    base: str
    name: str
    buffer: bool
    const: bool

    @classmethod
    def parse(cls, text):
        before, name = text.strip().replace("*", " * ").rsplit(" ", 1)
        words = before.split()
        return cls(next(w for w in words if w not in ("const", "*")), name, "*" in words, "const" in words)

    @property
    def wasm(self):
        return "i32" if self.buffer else TYPES[self.base]


def signed(value, base):
    if not isinstance(value, int) or base not in TYPES:
        return value
    bits = 32 if "32" in base else 64
    return value - (1 << bits) if value >= 1 << (bits - 1) else value


def number(rng, base, n, at):
    if base == "double":
        edge = [0.0, 1.0, -1.0, 0.5, 2.0, 3.0, 100.0, 1e6, -0.25]
        return rng.choice(edge) if rng.random() < 0.4 else round(rng.uniform(-1000, 1000), rng.randrange(6))
    bits = 32 if "32" in base else 64
    pick = rng.random()
    if n < len(SMALL):
        return SMALL[(n + 5 * at) % len(SMALL)]
    if pick < 0.45:
        return rng.randrange(0, 1 << rng.choice([4, 8, 12, 16]))
    if pick < 0.55:
        return rng.choice([(1 << bits) - 1, 1 << (bits - 1), (1 << (bits - 1)) - 1])
    return rng.randrange(0, 1 << bits)


def text(rng, style, length):
    pick = lambda alphabet: "".join(rng.choice(alphabet) for _ in range(length))
    if style == "digits":
        return pick("0123456789") if rng.random() < 0.7 else pick("0123456789x -")
    if style == "hex":
        return pick("0123456789abcdefABCDEF") if rng.random() < 0.7 else pick("0123456789abcdefgXF ")
    if style == "binary":
        return pick("01") if rng.random() < 0.7 else pick("01 _2")
    if style == "expr":
        return pick("0123456789+-")
    if style == "csv":
        return pick("0123456789,,")
    if style == "repeats":
        return pick("ab") if rng.random() < 0.5 else pick("abcab")
    if style == "words":
        return pick("abcde XYz  ")
    if style == "utf8":
        return pick("aé€𝄞z")
    if style == "brackets":
        half = "".join(rng.choice("([{") for _ in range(length // 2))
        nested = half + "".join({"(": ")", "[": "]", "{": "}"}[c] for c in reversed(half))
        return nested if rng.random() < 0.4 else pick("()[]{}x")
    if rng.random() < 0.3:
        return pick("abcdefghijklmnopqrstuvwxyz ")
    return pick([chr(c) for c in range(32, 127)])


def elements(rng, base, style, length):
    if base == "char":
        return list(text(rng, style, length).encode())
    if base == "uint8_t":
        top = rng.choice([2, 4, 256])
        return [rng.randrange(top) for _ in range(length)]
    if base == "double":
        return [number(rng, "double", 99, 0) for _ in range(length)]
    if style == "sorted":
        return sorted(rng.sample(range(-60, 60), length))
    if style == "small":
        top = rng.choice([2, 4, 20])
        return [rng.randrange(-top, top + 1) for _ in range(length)]
    return [signed(number(rng, "int32_t", 99, 0), "int32_t") for _ in range(length)]


def length(rng, n):
    return n if n < 2 else rng.randrange(0, 25)


def inputs(rng, parameters, style, count):
    """Lists of arguments: numbers, and lists of elements for buffers."""
    for n in range(count):
        args = []
        for at, parameter in enumerate(parameters):
            buffers = [arg for arg in args if isinstance(arg, list)]
            if parameter.name == "out":
                args.append([0] * ROOM)
            elif parameter.buffer:
                size = length(rng, n)
                if buffers and rng.random() < 0.3:
                    # Two buffers that have something in common.
                    args.append(rng.sample(buffers[0], rng.randrange(len(buffers[0]) + 1)))
                    if style == "sorted":
                        args[-1].sort()
                elif buffers and style == "repeats" and rng.random() < 0.6:
                    args.append(elements(rng, parameter.base, style, rng.randrange(4)))
                else:
                    args.append(elements(rng, parameter.base, style, size))
            elif parameter.name in ("n", "m") and buffers and isinstance(args[-1], list):
                args.append(len(args[-1]))
            elif buffers and parameter.base == "int32_t":
                ints = [value for value in buffers[0] if isinstance(value, int)]
                args.append(rng.choice(ints) if ints and rng.random() < 0.5 else rng.randrange(-20, 21))
            else:
                args.append(number(rng, parameter.base, n, at))
        yield args
