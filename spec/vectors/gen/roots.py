"""Roots and their successors (spec/registry.md, "Root")."""

from . import ed25519
from . import registry as r
from .keys import Key, b64
from .output import Area

ONE, TWO, THREE = r.ROOT_KEYS
NEW = Key("root new")
ONE_TWICE = Key("root 1", b"\1" * 8)


def roots():
    out = Area("root", r.SPEC)
    count = iter(range(1000))

    def case(name, shows, steps, expect="ok", pinned=None, **more):
        """Each step is a root and the keys that sign it."""
        files = []
        for number, (data, keys) in enumerate(steps, 1):
            file = f"{name}-{number}.json"
            out.put(file, data)
            signatures = []
            for at, key in enumerate(keys):
                text = key if isinstance(key, str) else key.minisig(data, "root")
                signatures.append(f"{file}.{at}.minisig")
                out.put(signatures[-1], text)
            files.append({"root": file, "signatures": signatures})
        out.case("Root", shows, expect, number=next(count), pinned=pinned or r.role(r.ROOT_KEYS, 2), steps=files, **more)

    first = r.root()
    two = [ONE, TWO]
    case("good", "a first root", [(first, two)], version=1)
    case("every-member", "every member", [(r.root(
        claims={"policy": "keys", "by": r.role([NEW])}, mirrors=["https://mirror.example/"], witness=["quorum none"],
        anchor={"size": 1, "tree": "0" * 64, "map": "1" * 64}), two)], version=1)
    second = r.root(2, first, root=r.role([TWO, THREE, NEW], 2))
    case("rotation", "a second root with another key, signed by old and new", [(first, two), (second, [TWO, THREE])], version=2)
    old = r.root(expires="2025-01-01T00:00:00Z")
    case("expired-on-the-way", "an expired root between, which must pass",
         [(old, two), (r.root(2, old, expires="2025-02-01T00:00:00Z"), two)], version=2)
    anchor = {"size": 1, "tree": "0" * 64, "map": "1" * 64}
    case("new-log-key", "another log key, and an anchor", [(first, two), (r.root(2, first, log=NEW.line(), anchor=anchor), two)], version=2)
    case("surplus", "a signature of a stranger beside enough others", [(first, [ONE, NEW, TWO])], version=1)

    def bad(name, shows, steps, expect, **more):
        case(name, shows, steps, expect, **more)

    bad("one-signature", "one signature of two", [(first, [ONE])], "threshold")
    bad("no-signature", "no signature", [(first, [])], "threshold")
    bad("repeated-signer", "the same signature twice", [(first, [ONE, ONE])], "threshold")
    bad("two-numbers", "the same key under two numbers", [(first, [ONE, ONE_TWICE])], "threshold")
    for lax, sign, shows in ed25519.LAX:
        bad("signature-" + lax, f"two signatures, one of them {shows}", [(first, [ONE, TWO.minisig(first, "root", sign=sign)])], "threshold")
    bad("changed", "a root changed after signing", [(first.replace(b"604800", b"604801"), [
        key.minisig(first, "root") for key in two])], "threshold")
    bad("pinned-elsewhere", "keys that are not the pinned ones", [(first, two)], "threshold", pinned=r.role([NEW]))
    bad("own-threshold", "the pinned keys alone", [(r.root(root=r.role([NEW])), two)], "threshold")
    bad("old-only", "a successor signed by the old keys alone",
        [(first, two), (r.root(2, first, root=r.role([NEW])), two)], "threshold")
    bad("new-only", "a successor signed by the new keys alone",
        [(first, two), (r.root(2, first, root=r.role([NEW])), [NEW])], "threshold")
    bad("new-log-key-no-anchor", "another log key without an anchor", [(first, two), (r.root(2, first, log=NEW.line()), two)], "anchor")
    bad("skipped", "a version left out", [(first, two), (r.root(3, first), two)], "version")
    bad("repeated", "the same version again", [(first, two), (first, two)], "version")
    bad("prev", "a successor of another root", [(first, two), (r.root(2, b"another"), two)], "prev")
    bad("origin", "a successor of another registry", [(first, two), (r.root(2, first, origin="other.example"), two)], "origin")
    for name, shows, more in [
        ("version-0", "version 0", {"version": 0}), ("version-1025", "version 1,025", {"version": 1025, "prev": "0" * 64}),
        ("prev-in-first", "`prev` in the first version", {"prev": "0" * 64}),
        ("lifetime-0", "a lifetime of nothing", {"head_lifetime": 0}), ("lifetime-long", "a lifetime of 93 days", {"head_lifetime": 93 * 86400}),
        ("mirrors-17", "17 mirrors", {"mirrors": ["a"] * 17}), ("anchor-empty", "an anchor of nothing", {
            "anchor": {"size": 0, "tree": "0" * 64, "map": "0" * 64}}),
        ("log-key", "the log key among the root keys", {"log": ONE.line()})]:
        bad(name, shows, [(r.root(**more), two)], "field")
    bad("prev-missing", "no `prev` in the second version", [(first, two), (r.root(2), two)], "field")
    weak = b64(b"Ed" + bytes(8) + b"\1" + bytes(31))
    for name, shows, data in [
        ("not-json", "no JSON", b"root"), ("trailing", "a second value", first + b"{}"), ("no-type", "no type", r.root(type=...)),
        ("type-last", "a type that does not come first", b'{"origin":"a",' + first.strip()[1:-1].replace(b'"origin"', b'"x"') + b"}"),
        ("type-other", "the type of an event", first.replace(b"zero-root/1", b"zero-event/1")),
        ("type-later", "a later version of the type", first.replace(b"zero-root/1", b"zero-root/2")),
        ("duplicate", "a member twice", first.replace(b'"version": 1', b'"version": 1, "version": 1')),
        ("unknown-member", "an unknown member", r.root(x=1)), ("no-log", "no log key", r.root(log=...)),
        ("text-version", "a version as text", r.root(version="1")), ("negative", "a negative number", r.root(head_lifetime=-1)),
        ("fraction", "a number with a fraction", first.replace(b"604800", b"604800.0")), ("time-zone", "another time zone", r.root(expires="2027-01-01T00:00:00+01:00")),
        ("time-february", "a day that does not exist", r.root(expires="2027-02-29T00:00:00Z")),
        ("origin-upper", "an origin in capitals", r.root(origin="Registry.example")), ("origin-escape", "an escape sequence in the origin", r.root(origin="a\x1bb")),
        ("threshold-0", "a threshold of none", r.root(root=r.role(r.ROOT_KEYS, 0))),
        ("threshold-4", "a threshold above the number of keys", r.root(root=r.role(r.ROOT_KEYS, 4))),
        ("no-keys", "no keys", r.root(root=r.role([], 1))), ("keys-17", "17 keys", r.root(root=r.role([Key(str(n)) for n in range(17)]))),
        ("duplicate-key", "the same key twice", r.root(root=r.role([ONE, ONE], 2))),
        ("duplicate-key-number", "the same key under two numbers", r.root(root=r.role([ONE, ONE_TWICE], 2))),
        ("role-array", "a role as an array", r.root(root=[[key.line() for key in r.ROOT_KEYS], 2])),
        ("policy-array", "a policy as an array", r.root(claims=["open"])), ("anchor-array", "an anchor as an array", r.root(anchor=[1, "0" * 64, "0" * 64])),
        ("key-space", "a key with a space before it", r.root(log=" " + r.LOG.line())),
        ("weak-key", "a key of small order", r.root(root={"keys": [weak], "threshold": 1})),
        ("policy-unknown", "an unknown claim policy", r.root(claims={"policy": "lottery"})),
        ("policy-extra", "keys for an open policy", r.root(claims={"policy": "open", "by": r.role([NEW])})),
        ("policy-no-keys", "no keys for a policy of keys", r.root(claims={"policy": "keys"})),
        ("deep", "33 levels", first.strip()[:-1] + b', "x": ' + b"[" * 32 + b"]" * 32 + b"}"),
        ("bidi", "reordered text in a mirror", r.root(mirrors=["https://a/\u202e"]))]:
        bad(name, shows, [(data, two)], "json")
    bad("long", "more than 64 KiB", [(first + b" " * 65536, two)], "length")
    return out
