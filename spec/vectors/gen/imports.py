"""Programs and what their imports need (spec/capabilities.md, "Imports")."""

from . import container as c
from .output import Area

P1 = "wasi_snapshot_preview1"


def text(value):
    value = value.encode() if isinstance(value, str) else value
    return c.leb(len(value)) + value


def module(*imports):
    """A module that imports functions of type `() -> ()`, or what `kind` says."""
    entries = [text(where) + text(name) + kind for where, name, kind in imports]
    types = c.section(1, b"\x01\x60\0\0")
    return c.MODULE + types + c.section(2, c.leb(len(entries)) + b"".join(entries))


def function(where, name):
    return where, name, b"\0\0"


def component(*imports):
    """A component that imports instances, each with functions of type `func()`."""
    types, entries = [], []
    for interface, names in imports:
        declared = [b"\x01\x40\0\x01\0"]
        declared += [b"\x04\0" + text(name) + b"\x01\0" for name in names]
        types.append(b"\x42" + c.leb(len(declared)) + b"".join(declared))
        entries.append(b"\0" + text(interface) + b"\x05" + c.leb(len(types) - 1))
    return (c.COMPONENT + c.section(7, c.leb(len(types)) + b"".join(types))
            + c.section(10, c.leb(len(entries)) + b"".join(entries)))


def area():
    out = Area("import", "spec/capabilities.md")

    def case(file, wasm, shows, expect="ok", section="Core modules", **more):
        out.add(file + ".wasm", wasm, section, shows, expect, **more)

    def preview1(file, names, **more):
        case("preview1-" + file, module(*[function(P1, name) for name in names]), f"functions of preview 1: {file}", **more)

    case("none", module(), "no imports", needs=[], unknown=[])
    preview1("neutral", ["args_get", "fd_write", "fd_prestat_get", "poll_oneoff", "proc_exit", "sched_yield"], needs=[], unknown=[])
    preview1("environment", ["environ_get", "environ_sizes_get"], needs=[], unknown=[], uses=["env"])
    preview1("clock", ["clock_time_get"], needs=["clock"], unknown=[])
    preview1("fs", ["path_open", "fd_readdir"], needs=["fs"], unknown=[])
    preview1("net", ["sock_send"], needs=["net"], unknown=[])
    preview1("random", ["random_get"], needs=["random"], unknown=[])
    preview1("unknown", ["path_teleport"], needs=[], unknown=["path_teleport"])
    preview1("case", ["Path_open"], needs=[], unknown=["Path_open"])
    case("foreign-module", module(function("env", "system")), "a function of a module that is not known", needs=[], unknown=["system"])
    case("old-preview", module(function("wasi_unstable", "fd_write")), "an older preview", needs=[], unknown=["fd_write"])
    case("memory", module((P1, "memory", b"\x02\0\x01")), "an imported memory", needs=[], unknown=["memory"])
    case("mixed", module(function(P1, "path_open"), function(P1, "random_get"), function("env", "x")), "several needs",
         needs=["fs", "random"], unknown=["x"])

    def wit(file, imports, shows, **more):
        case("component-" + file, component(*imports), shows, section="Components", **more)

    wit("none", [], "no imports", needs=[], unknown=[])
    wit("neutral", [("wasi:cli/environment@0.2.3", ["get-arguments"]), ("wasi:filesystem/preopens@0.2.0", ["get-directories"]),
                    ("wasi:io/poll@0.2.6", ["poll"])], "what is harmless without grants", needs=[], unknown=[])
    wit("environment", [("wasi:cli/environment@0.2.3", ["get-environment"])], "the environment", needs=[], unknown=[], uses=["env"])
    wit("clock", [("wasi:clocks/wall-clock@0.2.3", ["now"])], "a clock", needs=["clock"], unknown=[])
    wit("waiting", [("wasi:clocks/monotonic-clock@0.2.3", ["subscribe-duration"])], "waiting, which is no clock", needs=[], unknown=[])
    wit("random", [("wasi:random/insecure-seed@0.2.3", ["insecure-seed"])], "a seed", needs=["random"], unknown=[])
    wit("net", [("wasi:sockets/tcp-create-socket@0.2.3", ["create-tcp-socket"])], "a socket", needs=["net"], unknown=[])
    wit("http", [("wasi:http/outgoing-handler@0.2.3", ["handle"])], "a request", needs=["http"], unknown=[])
    wit("pre-release", [("wasi:clocks/wall-clock@0.2.0-rc.1", ["now"])], "a pre-release, which is another interface", needs=[], unknown=["now"])
    wit("later", [("wasi:clocks/wall-clock@1.0.0", ["now"])], "a later version", needs=[], unknown=["now"])
    wit("unknown-function", [("wasi:cli/environment@0.2.3", ["set-environment"])], "a function that is not known", needs=[], unknown=["set-environment"])
    wit("own-world", [("acme:host/api@1.0.0", ["system"])], "an interface of somebody else", needs=[], unknown=["system"])

    opens = module(function(P1, "path_open"), function(P1, "environ_get"))
    read = {"fs": [{"from": "args", "access": "read"}]}
    for file, declared, missing, unused, shows in [
        ("undeclared", {}, ["fs"], [], "a need that is not declared"), ("declared", read, [], [], "a need that is declared"),
        ("unused", {**read, "random": {}}, [], ["random"], "a declaration that no import can use"),
        ("used", {**read, "env": [{"name": "LANG"}]}, [], [], "a declaration that an import may use"),
        ("other-declared", {"random": {}}, ["fs"], ["random"], "another declaration than the one that is needed")]:
        case("check-" + file, opens, shows, section="Imports", needs=["fs"], uses=["env"], unknown=[], declared=declared,
             undeclared=missing, unused=unused)
    case("empty", b"", "no bytes", "malformed")
    case("no-wasm", b"#!/bin/sh\n", "no WebAssembly", "malformed")
    case("cut", module(function(P1, "fd_write"))[:-3], "a module that is cut short", "malformed")
    case("count-lie", c.MODULE + c.section(2, b"\xff\xff\xff\xff\x0f"), "a count of 2^32 - 1 imports", "malformed")
    return out
