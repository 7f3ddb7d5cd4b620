"""The JSON of the `zero` section (spec/artifact.md, sections 5, 6, 7 and 9)."""

import copy
import json

from . import container as c
from .output import Area

FULL = {
    "zero": 1, "kind": "component",
    "package": {"name": "acme/tool", "version": "1.2.0-rc.1+b.5", "description": "Zählt Wörter",
                "license": "MIT OR Apache-2.0", "repository": "https://example.org/tool",
                "authors": ["The authors"], "readme": "# tool\n\n\tcode\n"},
    "capabilities": {
        "fs": [{"guest": "/data", "access": "read", "reason": "reads tables"}, {"from": "args", "access": "read-write"}],
        "net": [{"host": "api.example.org", "ports": [443]}, {"host": "10.0.0.0/8"}, {"host": "2001:db8::1"}],
        "http": [{"url": "https://api.example.org/v1/*", "methods": ["GET", "POST"]}, {"url": "http://*:8080/"}],
        "env": [{"name": "LANG"}], "clock": [{"clock": "wall"}, {"clock": "monotonic"}], "random": {}},
    "limits": {"memory": 268435456, "time_ms": 30000, "output": 67108864, "fuel": 5000000000},
    "exports": [{"name": "hamming", "type": "(i32, i32) -> i32", "doc": "Number of\ndiffering bits",
                 "params": [{"name": "a", "type": "i32", "unit": "bits"}, {"name": "b", "type": "i32"}],
                 "results": [{"type": "i32", "doc": "count"}],
                 "examples": [{"args": [11, [0.1, None], "a\nb"], "result": 2}], "pure": True}],
    "hints": {"resources": {"peak_memory": 65536, "later": 1}, "compile": {"opt_level": "speed", "features": ["simd"]},
              "new": [[None]]},
    "build": {"target": "wasm32-wasip2", "toolchain": "rustc 1.95.0", "source_digest": "0" * 64, "builder": "zero 0.1"},
}
BASE = c.metadata()
TEXT = c.compact(BASE).decode()
FIELD, LIMIT = "metadata-field", "metadata-limit"


def area():
    out = Area("metadata", "spec/artifact.md")
    good(out)
    strict_json(out)
    text(out)
    fields(out)
    capabilities(out)
    return out


def put(out, file, value, section, shows, expect="ok", **more):
    data = value if isinstance(value, (str, bytes)) else c.compact(value)
    out.add(file + ".json", data, section, shows, expect, **more)


def changed(path, value, base=None):
    """The base with one member set, at a path such as `package.name`; `...` removes it."""
    top = copy.deepcopy(base or BASE)
    at, steps = top, path.split(".")
    for step in steps[:-1]:
        at = at[int(step)] if isinstance(at, list) else at.setdefault(step, {})
    last = int(steps[-1]) if isinstance(at, list) else steps[-1]
    if value is ...:
        del at[last]
    else:
        at[last] = value
    return top


def good(out):
    put(out, "minimal", BASE, "7", "only what is required")
    put(out, "full", FULL, "7", "every member", json=json.dumps(FULL, separators=(",", ":"), ensure_ascii=False))
    put(out, "order-and-space", json.dumps(dict(reversed(FULL.items())), indent=2), "7", "other order, whitespace, escapes",
        json=json.dumps(FULL, separators=(",", ":"), ensure_ascii=False))
    put(out, "escaped-name", TEXT.replace('"zero"', '"\\u007aero"'), "5", "a member name written with an escape")
    put(out, "depth-32", changed("hints.deep", json.loads("[" * 30 + "]" * 30)), "5", "nested exactly 32 deep")
    put(out, "integer-bounds", changed("hints.numbers", [2**64 - 1, -2**63, 0.5, 1e300]), "5", "the outermost numbers")
    put(out, "joiners", changed("package.description", "👩\u200d💻 क\u094d\u200dष"), "6", "zero-width joiners, which scripts need")
    put(out, "tab-in-readme", changed("package.readme", "a\tb\n"), "6", "a tab and a line feed in a README")
    put(out, "hints-unknown", changed("hints", {"later": {"a": [None, [1]]}}), "7", "unknown hints are kept")
    put(out, "line-1024", changed("package.description", "ä" * 512), "7", "a line of exactly 1,024 bytes")


def strict_json(out):
    def bad(file, data, shows, expect="json"):
        put(out, file, data, "5", shows, expect)

    bad("empty", "", "nothing")
    bad("byte-order-mark", b"\xef\xbb\xbf" + TEXT.encode(), "a byte order mark")
    bad("not-utf8", TEXT.encode().replace(b"tool", b"t\xffol"), "bytes that are not UTF-8")
    bad("trailing", TEXT + "{}", "a second value")
    bad("trailing-nul", TEXT + "\0", "a zero byte after the value")
    bad("trailing-comma", TEXT[:-1] + ",}", "a comma before the closing brace")
    bad("comment", "/**/" + TEXT, "a comment")
    bad("single-quotes", TEXT.replace('"', "'"), "single quotes")
    bad("duplicate-key", TEXT[:-1] + ',"kind":"module"}', "a member twice")
    bad("duplicate-key-escaped", TEXT[:-1] + ',"k\\u0069nd":"module"}', "a member twice, once with an escape")
    bad("duplicate-key-deep", TEXT[:-1] + ',"hints":{"a":[{"b":1,"b":1}]}}', "a member twice, inside hints")
    bad("depth-33", changed("hints.deep", json.loads("[" * 31 + "]" * 31)), "nested 33 deep")
    bad("depth-bomb", TEXT[:-1] + ',"hints":' + "[" * 5000, "nested 5,000 deep and cut off")
    bad("lone-surrogate", TEXT.replace("tool", "\\ud800"), "half a surrogate pair")
    bad("raw-line-feed", TEXT.replace("tool", "to\nol"), "a line feed inside a string, not escaped")
    hints = TEXT[:-1] + ',"hints":{"n":%s}}'
    for file, number, shows in [("number-2-64", str(2**64), "an integer above 64 bits"),
                                ("number-below", str(-2**63 - 1), "an integer below 64 bits"),
                                ("number-minus-zero", "-0", "minus zero"), ("number-infinite", "1e999", "a number beyond binary64"),
                                ("number-leading-zero", "01", "a leading zero"), ("number-nan", "NaN", "not a number"),
                                ("number-plus", "+1", "a plus sign"), ("number-hex", "0x1", "hexadecimal")]:
        bad(file, hints % number, shows)


def text(out):
    def bad(file, path, value, shows):
        put(out, "text-" + file, changed(path, value), "6", shows, "text")

    bad("escape", "package.description", "\x1b[2J", "an escape sequence that clears the screen")
    bad("c1", "package.description", "\x9b2J", "a control sequence of one byte")
    bad("bidi-override", "package.description", "safe \u202e txet", "text that is shown backwards")
    bad("bidi-isolate", "package.license", "MIT\u2066", "an isolate")
    bad("zero-width-space", "package.authors", ["a\u200bb"], "an invisible space")
    bad("soft-hyphen", "package.description", "a\u00adb", "a soft hyphen")
    bad("byte-order-mark", "package.description", "\ufeffa", "an invisible mark")
    bad("tag", "package.description", "a\U000e0041", "an invisible tag character")
    bad("line-feed", "package.description", "one\ntwo", "two lines where one is shown")
    bad("carriage-return", "package.readme", "good\rbad", "a carriage return in a README")
    bad("escape-in-doc", "exports", [{"name": "f", "type": "()", "doc": "\x1b[0m"}], "an escape sequence in a doc")
    bad("in-hints", "hints.x", "\u202e", "a reordered text in hints")
    bad("in-example", "exports", [{"name": "f", "type": "()", "examples": [{"args": ["\x07"], "result": 0}]}],
        "a bell in an argument")
    bad("member-name", "hints", {"a\u202eb": 1}, "a reordered member name")
    bad("member-name-tab", "hints", {"a\tb": 1}, "a tab in a member name, where only strings may have one")
    bad("reason", "capabilities.random", {"reason": "\x1b]8;;x\x07"}, "a hyperlink sequence in a reason")


def fields(out):
    def bad(file, value, shows, expect=FIELD):
        put(out, file, value, "7", shows, expect)

    bad("array", [BASE], "an array instead of an object")
    bad("version-missing", changed("zero", ...), "no format version")
    bad("version-2", changed("zero", 2), "a later format", "metadata-version")
    bad("version-2-other", {"zero": 2, "anything": 1}, "a later format that differs in everything", "metadata-version")
    bad("version-text", changed("zero", "1"), "a format version that is a string")
    bad("version-float", TEXT.replace('"zero":1', '"zero":1.0'), "a format version with a fraction", "metadata-version")
    for member in ("kind", "package", "capabilities"):
        bad(f"{member}-missing", changed(member, ...), f"no `{member}`")
        bad(f"{member}-null", changed(member, None), f"`{member}` is null")
    bad("kind-unknown", changed("kind", "script"), "an unknown kind")
    bad("kind-case", changed("kind", "Module"), "a kind in another case")
    bad("member-unknown", changed("signature", "x"), "an unknown member")
    bad("package-member-unknown", changed("package.homepage", "x"), "an unknown member of `package`")
    bad("limits-member-unknown", changed("limits.cpu", 1), "an unknown limit")
    bad("build-member-unknown", changed("build.host", "x"), "an unknown member of `build`")
    bad("export-member-unknown", changed("exports", [{"name": "f", "type": "()", "x": 1}]), "an unknown member of an export")
    bad("package-as-array", changed("package", ["acme/tool", "1.0.0"]), "the members of `package` as an array")
    bad("limits-as-array", changed("limits", [1, 2, 3, 4]), "the members of `limits` as an array")
    bad("exports-null", changed("exports", None), "`exports` is null")
    bad("exports-nested-array", changed("exports", [["f", "()"]]), "an export as an array")
    bad("description-null", changed("package.description", None), "an optional member that is null")
    bad("limit-negative", changed("limits.memory", -1), "a negative limit")
    bad("limit-fraction", changed("limits.memory", 0.5), "a limit with a fraction")
    bad("limit-float", TEXT[:-1] + ',"limits":{"memory":1.0}}', "a limit written with a fraction")
    bad("limit-text", changed("limits.memory", "64 MiB"), "a limit as text")
    for file, name in [("upper", "Tool"), ("underscore", "my_tool"), ("empty", ""), ("digit-first", "7zip"), ("dots", ".."),
                       ("slash", "a/b/c"), ("empty-scope", "/tool"), ("percent", "a%2fb"), ("fullwidth", "ｔool"),
                       ("double-hyphen", "a--b"), ("hyphen-end", "a-"), ("device", "nul"), ("device-scope", "com1/tool"),
                       ("65", "a" * 65), ("at", "tool@1")]:
        bad("name-" + file, changed("package.name", name), f"a name that is none")
    for file, version in [("two-numbers", "1.0"), ("v", "v1.0.0"), ("leading-zero", "1.01.0"), ("empty", ""), ("space", " 1.0.0"),
                          ("2-64", f"{2**64}.0.0"), ("empty-pre-release", "1.0.0-")]:
        bad("semver-" + file, changed("package.version", version), "a version that is none")
    bad("semver-129", changed("package.version", "1.0.0+" + "a" * 123), "a version of 129 bytes", LIMIT)
    bad("line-1025", changed("package.description", "a" * 1025), "a line of 1,025 bytes", LIMIT)
    bad("authors-65", changed("package.authors", ["a"] * 65), "65 authors", LIMIT)
    bad("type-16385", changed("exports", [{"name": "f", "type": "a" * 16385}]), "a type of 16,385 bytes", LIMIT)
    bad("exports-4097", changed("exports", [0] * 4097), "4,097 exports", LIMIT)
    bad("export-no-name", changed("exports", [{"name": "", "type": "()"}]), "an export without a name")
    bad("export-no-type", changed("exports", [{"name": "f"}]), "an export without a type")
    bad("export-twice", changed("exports", [{"name": "f", "type": "()"}] * 2), "two exports of one name")
    bad("example-no-result", changed("exports", [{"name": "f", "type": "()", "examples": [{"args": []}]}]), "an example without a result")
    bad("digest-upper", changed("build.source_digest", "A" * 64), "a digest in upper case")
    bad("digest-short", changed("build.source_digest", "a" * 63), "a digest of 63 digits")
    bad("hints-null", changed("hints", None), "`hints` is null")
    bad("hint-known-shape", changed("hints.resources", {"fuel": "much"}), "a known hint of another shape")
    bad("hint-known-null", changed("hints.compile", None), "a known hint that is null")
    bad("opt-level", changed("hints.compile", {"opt_level": "fast"}), "an unknown optimisation level")


def capabilities(out):
    def bad(file, kind, rules, shows, expect=FIELD):
        put(out, "capability-" + file, changed("capabilities." + kind, rules), "9", shows, expect)

    def good_(file, kind, rules, shows):
        put(out, "capability-" + file, changed("capabilities." + kind, rules), "9", shows)

    bad("unknown", "gpu", [{}], "a kind that this version cannot deny", "unknown-capability")
    bad("unknown-empty", "gpu", [], "an unknown kind without rules", "unknown-capability")
    bad("object", "fs", {"guest": "/", "access": "read"}, "one rule instead of an array")
    bad("rule-member", "env", [{"name": "A", "value": "x"}], "an unknown member of a rule")
    bad("rules-257", "env", [{"name": "A"}] * 257, "257 rules", LIMIT)
    bad("reason-1025", "random", {"reason": "a" * 1025}, "a reason of 1,025 bytes", LIMIT)
    bad("random-true", "random", True, "`true` instead of an object")
    bad("random-array", "random", [], "an array instead of an object")
    good_("fs-root", "fs", [{"guest": "/", "access": "read"}], "the root folder")
    for file, rule in [("relative", {"guest": "data", "access": "read"}), ("parent", {"guest": "/a/..", "access": "read"}),
                       ("slash", {"guest": "/data/", "access": "read"}), ("double", {"guest": "//data", "access": "read"}),
                       ("backslash", {"guest": "/a\\b", "access": "read"}), ("empty", {"guest": "", "access": "read"}),
                       ("long", {"guest": "/" + "a" * 1024, "access": "read"}), ("access", {"guest": "/a", "access": "write"}),
                       ("no-access", {"guest": "/a"}), ("both", {"guest": "/a", "from": "args", "access": "read"}),
                       ("neither", {"access": "read"}), ("from", {"from": "stdin", "access": "read"})]:
        bad("fs-" + file, "fs", [rule], "a file rule that is none")
    for file, host in [("name", "localhost"), ("punycode", "xn--bcher-kva.example"), ("ipv6", "::1"), ("all", "0.0.0.0/0")]:
        good_("net-" + file, "net", [{"host": host}], "a host")
    for file, host in [("upper", "Example.org"), ("dot", "example.org."), ("star", "*.example.org"), ("url", "https://a"),
                       ("port", "a:80"), ("number", "127.1"), ("hex", "0x7f.1"), ("octal", "127.0.0.01"), ("empty", ""),
                       ("hyphen", "-a.org"), ("mapped", "::ffff:10.0.0.1"), ("unicode", "bücher.example"), ("zone", "fe80::1%eth0"),
                       ("host-bits", "10.0.0.1/8"), ("prefix-33", "10.0.0.0/33"), ("prefix-zero", "10.0.0.0/08"),
                       ("mapped-block", "::ffff:0:0/96"), ("label-64", "a" * 64 + ".org"), ("254", "a." * 126 + "bb")]:
        bad("net-host-" + file, "net", [{"host": host}], "a host that is none")
    bad("net-port-0", "net", [{"host": "a", "ports": [0]}], "port 0")
    bad("net-port-65536", "net", [{"host": "a", "ports": [65536]}], "port 65536")
    bad("net-ports-65", "net", [{"host": "a", "ports": [1] * 65}], "65 ports", LIMIT)
    for file, url in [("any", "https://*/*"), ("ipv6", "http://[::1]:8080/a/*"), ("exact", "https://a/b.c~d")]:
        good_("http-" + file, "http", [{"url": url}], "a URL pattern")
    for file, url in [("scheme", "ftp://a/"), ("upper-scheme", "HTTPS://a/"), ("no-path", "https://a"), ("user", "https://u@a/"),
                      ("query", "https://a/?q"), ("fragment", "https://a/#f"), ("percent", "https://a/%2e"), ("dots", "https://a/../b"),
                      ("double", "https://a//b"), ("star-inside", "https://a/*/b"), ("star-half", "https://a/b*"),
                      ("star-host", "https://*.a/"), ("port-0", "https://a:0/"), ("port-zero", "https://a:080/"),
                      ("port-empty", "https://a:/"), ("port-big", "https://a:65536/"), ("bare-ipv6", "https://::1/"), ("space", "https://a/ "),
                      ("mapped", "https://[::ffff:1.2.3.4]/"), ("long", "https://a/" + "b" * 2048)]:
        bad("http-url-" + file, "http", [{"url": url}], "a URL pattern that is none")
    for file, method in [("lower", "get"), ("empty", ""), ("hyphen", "-GET"), ("space", "GET "), ("33", "A" * 33)]:
        bad("http-method-" + file, "http", [{"url": "https://a/", "methods": [method]}], "a method that is none")
    bad("http-methods-65", "http", [{"url": "https://a/", "methods": ["GET"] * 65}], "65 methods", LIMIT)
    for file, name in [("equals", "A=B"), ("digit", "1A"), ("empty", ""), ("space", "A B"), ("129", "A" * 129), ("unicode", "Ä")]:
        bad("env-" + file, "env", [{"name": name}], "a variable that is none")
    bad("clock-unknown", "clock", [{"clock": "cpu"}], "an unknown clock")
