"""Manifests as authors write them (spec/manifest.md). A refusal names the line of the fault."""

from .output import Area

EXAMPLE = '''[package]
name = "csvstat"
version = "1.2.0"
description = "Describe the columns of CSV files"
license = { workspace = true }

[build]
kind = "cargo"
target = "wasm32-wasip1"

[capabilities]
fs = [
  { from = "args", access = "read", reason = "reads the tables that you name" },
  { guest = "/data", access = "read", reason = "reads the tables in this folder" },
]
net = ["api.example.org:443"]

[limits]
memory = "256 MiB"
time = "1.5 min"

[exports.hamming]
doc = "Number of differing bits."
params = [{ name = "a", doc = "one" }, { name = "b", doc = "the other" }]
examples = [{ args = [11, 13], result = 2 }]
pure = true
'''


def area():
    out = Area("manifest", "spec/manifest.md")
    good(out)
    bad(out)
    return out


def good(out):
    def ok(file, text, section, shows, **more):
        out.add(file + ".toml", text, section, shows, **more)

    ok("worked-example", EXAMPLE, "9", "the worked example of the specification", capabilities={
        "fs": [{"from": "args", "access": "read", "reason": "reads the tables that you name"},
               {"guest": "/data", "access": "read", "reason": "reads the tables in this folder"}],
        "net": [{"host": "api.example.org", "ports": [443]}]}, limits={"memory": 268435456, "time_ms": 90000})
    ok("empty", "", "1", "an empty file", capabilities={}, limits={})
    ok("unicode", '[package]\nname = "tool"\ndescription = "Zählt Wörter – 単語"\n', "2", "text of other scripts")

    def capabilities(file, toml, value, shows):
        ok("capability-" + file, "[capabilities]\n" + toml + "\n", "5", shows, capabilities=value)

    capabilities("fs-short", 'fs = ["/data", "/a:ro", "/b:rw", "args"]', {"fs": [
        {"guest": "/data", "access": "read"}, {"guest": "/a", "access": "read"}, {"guest": "/b", "access": "read-write"},
        {"from": "args", "access": "read"}]}, "short file rules")
    capabilities("one", 'fs = "args:rw"', {"fs": [{"from": "args", "access": "read-write"}]}, "one rule in place of a list")
    capabilities("net-short", 'net = ["a.example", "10.0.0.0/8", "[::1]:80", "a:443"]', {"net": [
        {"host": "a.example"}, {"host": "10.0.0.0/8"}, {"host": "::1", "ports": [80]}, {"host": "a", "ports": [443]}]}, "short network rules")
    capabilities("http-short", 'http = ["https://a/*", "GET,HEAD https://a/*"]', {"http": [
        {"url": "https://a/*"}, {"url": "https://a/*", "methods": ["GET", "HEAD"]}]}, "short HTTP rules")
    capabilities("others", 'env = ["LANG"]\nclock = "wall"\nrandom = true', {
        "env": [{"name": "LANG"}], "clock": [{"clock": "wall"}], "random": {}}, "variables, clocks and random numbers")
    capabilities("random-false", "random = false", {}, "random numbers not asked for")
    capabilities("reasons", 'env = [{ name = "A", reason = "why" }]\nrandom = { reason = "salts" }', {
        "env": [{"name": "A", "reason": "why"}], "random": {"reason": "salts"}}, "reasons")

    def limits(file, toml, value, shows):
        ok("limit-" + file, "[limits]\n" + toml + "\n", "6", shows, limits=value)

    limits("all", 'memory = "64MiB"\ntime = "250 ms"\noutput = 1024\nfuel = 5_000_000_000',
           {"memory": 67108864, "time_ms": 250, "output": 1024, "fuel": 5000000000}, "every limit")
    limits("units", 'memory = "1 GiB"\noutput = "3 KiB"\ntime = "2 h"', {"memory": 1 << 30, "time_ms": 7200000, "output": 3072}, "units")
    limits("rounding", 'memory = "1.001 KiB"\ntime = "0.001 s"', {"memory": 1025, "time_ms": 1}, "fractions, rounded down")
    ok("hints", '[hints]\nlater = { a = [1, "b"] }\n[hints.compile]\nopt_level = "speed"\n', "8", "known and unknown hints")
    ok("quoted-export", '[exports."ns:pkg/iface#f"]\ndoc = "x"\n', "7", "an export whose name must be quoted")
    for kind, toml in [("clang", 'sources = ["a.c", "b.c"]\nflags = ["-O2"]'), ("module", 'module = "x.wat"'),
                       ("command", 'command = ["make", "x"]\nmodule = "x.wasm"')]:
        ok("kind-" + kind, f"[build]\n{toml}\n", "4", "a kind that follows from its keys", build=kind)


def bad(out):
    def refuse(file, text, section, line, shows):
        out.add(file + ".toml", text, section, shows, "refused", line=line)

    refuse("syntax", '[package]\nname = tool\n', "Conventions", 2, "no TOML")
    refuse("duplicate-key", '[package]\nname = "a"\nname = "b"\n', "Conventions", 3, "a key twice")
    refuse("unknown-section", "[pakage]\n", "Conventions", 1, "a section that does not exist")
    refuse("unknown-key", '[package]\nverison = "1.0.0"\n', "Conventions", 2, "a key that does not exist")
    refuse("unknown-capability", '[capabilities]\ngpu = true\n', "Conventions", 2, "a capability that does not exist")
    refuse("line-feed", '[package]\ndescription = """one\ntwo"""\n', "Conventions", 2, "two lines where one is allowed")
    refuse("blank-line", '[package]\ndescription = "  "\n', "Conventions", 2, "a blank line")
    refuse("escape", '[package]\ndescription = "\\u001b[2J"\n', "Conventions", 2, "an escape sequence")
    refuse("bidi", '[package]\ndescription = "\u202e"\n', "Conventions", 2, "reordered text")
    refuse("line-1025", f'[package]\ndescription = "{"a" * 1025}"\n', "Conventions", 2, "a line of 1,025 bytes")
    for file, path in [("absolute", "/etc/passwd"), ("parent", "../x"), ("parent-inside", "a/../x"), ("backslash", "a\\\\b"), ("empty-part", "a//b")]:
        refuse("path-" + file, f'[package]\nreadme = "{path}"\n', "Conventions", 2, "a path that leads elsewhere")
    for file, name in [("upper", "Tool"), ("underscore", "my_tool"), ("empty", ""), ("device", "nul")]:
        refuse("name-" + file, f'[package]\nname = "{name}"\n', "2", 2, "a name that is none")
    refuse("version", '[package]\nversion = "1.0"\n', "2", 2, "a version that is none")
    refuse("type", "[package]\nname = 1\n", "2", 2, "a number for a name")
    refuse("authors-65", "[package]\nauthors = [" + '"a",' * 65 + "]\n", "2", 2, "65 authors")
    refuse("inherit-false", "[package]\nlicense = { workspace = false }\n", "3", 2, "another table than the one that inherits")
    refuse("inherit-readme", "[package]\nreadme = { workspace = true }\n", "3", 2, "a key that Cargo does not give")
    refuse("kind", '[build]\nkind = "zig"\n', "4", 2, "an unknown kind")
    refuse("target", '[build]\ntarget = "wasm32-unknown-unknown"\n', "4", 2, "an unknown target")
    refuse("sources-for-cargo", '[build]\nkind = "cargo"\nsources = ["a.c"]\n', "4", 3, "sources that would do nothing")
    refuse("flags-for-module", '[build]\nmodule = "x.wat"\nflags = ["-O2"]\n', "4", 3, "flags that would do nothing")
    for file, rule in [("fs-relative", 'fs = ["data"]'), ("fs-mode", 'fs = ["/data:wr"]'), ("fs-mode-twice", 'fs = ["/data:rw:rw"]'), ("fs-args-mode", 'fs = "args:write"'), ("fs-parent", 'fs = ["/a/.."]'),
                       ("fs-no-access", 'fs = [{ guest = "/a" }]'), ("fs-both", 'fs = [{ guest = "/a", from = "args", access = "read" }]'),
                       ("fs-key", 'fs = [{ guest = "/a", access = "read", why = "x" }]'), ("net-star", 'net = ["*.example.org"]'),
                       ("net-port", 'net = ["a:0"]'), ("net-block", 'net = ["10.0.0.1/8"]'), ("http-scheme", 'http = ["ftp://a/"]'),
                       ("http-method", 'http = ["get https://a/"]'), ("env", 'env = ["A=B"]'), ("clock", 'clock = ["cpu"]'), ("random", 'random = "yes"'),
                       ("reason", 'env = [{ name = "A", reason = "\\u001b" }]')]:
        refuse("capability-" + file, f"[capabilities]\n{rule}\n", "5", 2, "a rule that is none")
    for file, limit in [("zero", "memory = 0"), ("unit", 'memory = "64 MB"'), ("no-unit", 'memory = "64"'), ("negative", "fuel = -1"),
                        ("float", "memory = 1.5"), ("duration-integer", "time = 30"), ("duration-unit", 'time = "1 d"'), ("digits", 'memory = "1.0001 MiB"'),
                        ("overflow", 'memory = "99999999999 TiB"'), ("unknown", "cpu = 1"), ("rounded-to-zero", 'time = "0.1 ms"')]:
        refuse("limit-" + file, f"[limits]\n{limit}\n", "6", 2, "a limit that is none")
    refuse("export-key", '[exports.f]\ndocs = "x"\n', "7", 2, "an unknown key of an export")
    refuse("example-no-args", "[exports.f]\nexamples = [{ result = 1 }]\n", "7", 2, "an example without arguments")
    refuse("example-nan", "[exports.f]\nexamples = [{ args = [nan] }]\n", "7", 2, "an argument that is no number")
    refuse("hint-date", "[hints]\nwhen = 2026-01-01\n", "8", 2, "a date, which JSON has not")
    refuse("hint-infinity", "[hints]\nx = inf\n", "8", 2, "an infinity, which JSON has not")
    refuse("hint-shape", '[hints.compile]\nopt_level = "fast"\n', "8", 1, "a known hint of another shape")
