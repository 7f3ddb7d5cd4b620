"""Names, versions and the two computations over capabilities (spec/artifact.md, sections 8 and 9)."""

import hashlib

from .metadatas import FULL
from .output import Area

VERSIONS = ["0.9.0", "1.0.0", "1.2.0", "1.2.3", "1.2.3+b1", "1.2.4", "1.3.0-rc.1", "1.3.0", "2.0.0"]


def names():
    out = Area("name", "spec/artifact.md")

    def case(text, expect="ok", shows="a package as a user asks for it", **more):
        out.case("8", shows, expect, text=text, **more)

    part = "a" * 64
    for text, registry, name, requirement in [
        ("tool", None, "tool", "*"), ("acme/tool", None, "acme/tool", "*"), ("tool@", None, "tool", "*"),
        ("mine:acme/tool@^1.2", "mine", "acme/tool", "^1.2"), ("a-b2/c3@1.2.3+b", None, "a-b2/c3", "1.2.3+b"),
        ("com10@>=1, <2", None, "com10", ">=1, <2"), (f"{part}/{part}", None, f"{part}/{part}", "*")]:
        case(text, registry=registry, name=name, requirement=requirement)
    for text in ["", "Tool", "my_tool", "7zip", "a--b", "-a", "a-", "a/", "/a", "a/b/c", "..", "a/../b", "a%2fb", "ｔool", "to ol",
                 "nul", "con", "aux/tool", "lpt9", "a" * 65, "tool\n", "tool\x1b[m", "a\\b"]:
        case(text, "name", "a package name that is none")
    for text in ["A:tool", ":tool", "a/b:tool", "nul:tool"]:
        case(text, "registry", "a registry name that is none")
    for text in ["tool@x", "tool@1@2", "tool@latest", "tool@1.2.3.4", "tool@01", "tool@" + "1" * 257]:
        case(text, "requirement", "a requirement that is none")
    return out


def versions():
    out = Area("version", "spec/artifact.md")
    for text, matching in [
        ("", [v for v in VERSIONS if "-" not in v]), ("*", [v for v in VERSIONS if "-" not in v]),
        ("1.2.3", ["1.2.3"]), ("=1.2.3", ["1.2.3"]), ("1.2.3+b1", ["1.2.3+b1"]), ("1.2.3+b2", []),
        ("1.2", ["1.2.0", "1.2.3", "1.2.3+b1", "1.2.4"]), ("1.2.*", ["1.2.0", "1.2.3", "1.2.3+b1", "1.2.4"]),
        ("1", ["1.0.0", "1.2.0", "1.2.3", "1.2.3+b1", "1.2.4", "1.3.0"]), ("1.*", ["1.0.0", "1.2.0", "1.2.3", "1.2.3+b1", "1.2.4", "1.3.0"]),
        ("^1.2.3", ["1.2.3", "1.2.3+b1", "1.2.4", "1.3.0"]), ("^0.9", ["0.9.0"]), ("~1.2.3", ["1.2.3", "1.2.3+b1", "1.2.4"]),
        (">=1.2.4, <2", ["1.2.4", "1.3.0"]), (">1.3,<=2", ["2.0.0"]), ("<1", ["0.9.0"]), ("1.3.0-rc.1", ["1.3.0-rc.1"]),
        (">=1.3.0-alpha, <2", ["1.3.0-rc.1", "1.3.0"]), (">=1.2.4, <1.3.0", ["1.2.4"])]:
        out.case("8", "which versions a requirement accepts", requirement=text, versions=VERSIONS, matching=matching)
    for text in ["x", "1.x", "latest", "1,", ",1", "^1.2.3+b", ">=1 <2", "1.02", "=^1", "!1", "1.2.3.4", "v1", "1" * 257, ",".join(["1.2.345"] * 30)]:
        out.case("8", "a requirement that is none", "requirement", requirement=text)
    return out


def lines(capabilities):
    """The lines of section 9, for declarations whose hosts and URLs are written as they are compared."""
    found = set()
    for rule in capabilities.get("fs", []):
        found.add(f"fs {rule['access']} guest {rule['guest']}" if "guest" in rule else f"fs {rule['access']} args")
    for rule in capabilities.get("net", []):
        found |= {f"net {rule['host']} {port}" for port in rule.get("ports") or ["*"]}
    for rule in capabilities.get("http", []):
        found |= {f"http {method} {rule['url']}" for method in rule.get("methods") or ["*"]}
    found |= {f"env {rule['name']}" for rule in capabilities.get("env", [])}
    found |= {f"clock {rule['clock']}" for rule in capabilities.get("clock", [])}
    found |= {"random"} if "random" in capabilities else set()
    return sorted(found, key=str.encode)


def digest(capabilities):
    text = "zero-capabilities/1\n" + "".join(line + "\n" for line in lines(capabilities))
    return hashlib.sha256(text.encode()).hexdigest()


def capabilities():
    out = Area("capability", "spec/artifact.md")

    def digest_of(shows, value, same_as=None):
        out.case("Digest of capabilities", shows, capabilities=value, digest=digest(same_as or value))

    full = FULL["capabilities"]
    digest_of("no capability", {})
    digest_of("every kind", full)
    digest_of("reasons do not count", {"random": {"reason": "salts"}}, {"random": {}})
    digest_of("order does not count", {"env": [{"name": "B"}, {"name": "A"}]}, {"env": [{"name": "A"}, {"name": "B"}]})
    digest_of("repetition does not count", {"net": [{"host": "a", "ports": [1, 1]}, {"host": "a", "ports": [1]}]},
              {"net": [{"host": "a", "ports": [1]}]})
    digest_of("an address has one spelling", {"net": [{"host": "2001:0DB8:0:0::1"}]}, {"net": [{"host": "2001:db8::1"}]})
    digest_of("the port of the scheme is left out", {"http": [{"url": "https://a:443/"}]}, {"http": [{"url": "https://a/"}]})

    def widens(shows, old, new, expect):
        out.case("Widening", shows, old=old, new=new, widened=expect)

    def fs(path, access="read"):
        return {"fs": [{"guest": path, "access": access}]}

    def net(*rules):
        return {"net": [{"host": host, **({"ports": ports} if ports else {})} for host, ports in rules]}

    def http(url, *methods):
        return {"http": [{"url": url, "methods": list(methods)}]}

    for shows, old, new, expect in [
        ("nothing from nothing", {}, {}, 0), ("the first capability", {}, {"random": {}}, 1), ("one given up", full, {}, 0),
        ("another reason", {"random": {}}, {"random": {"reason": "x"}}, 0),
        ("a folder below", fs("/a"), fs("/a/b"), 0), ("a folder above", fs("/a/b"), fs("/a"), 1), ("a folder beside", fs("/a"), fs("/ab"), 1),
        ("everything below the root", fs("/"), fs("/a"), 0), ("less access", fs("/a", "read-write"), fs("/a"), 0),
        ("more access", fs("/a"), fs("/a", "read-write"), 1),
        ("from arguments to a folder", {"fs": [{"from": "args", "access": "read"}]}, fs("/"), 1),
        ("one port of any", net(("a", [])), net(("a", [80])), 0), ("any port from one", net(("a", [80])), net(("a", [])), 1),
        ("an address of a block", net(("10.0.0.0/8", [])), net(("10.1.2.3", [])), 0),
        ("a larger block", net(("10.0.0.0/8", [])), net(("10.0.0.0/7", [])), 1),
        ("a block that two old ones make up", net(("10.0.0.0/9", []), ("10.128.0.0/9", [])), net(("10.0.0.0/8", [])), 1),
        ("a name in place of an address", net(("10.0.0.0/8", [])), net(("a", [])), 1),
        ("two new ports", net(("a", [1])), net(("a", [1, 2, 3])), 2),
        ("a path below", http("https://a/b/*"), http("https://a/b/c"), 0), ("a path beside", http("https://a/b/*"), http("https://a/bc"), 1),
        ("the folder itself", http("https://a/b/*"), http("https://a/b"), 1), ("a host of any", http("https://*/*"), http("https://a/b/*"), 0),
        ("without encryption", http("https://a/*"), http("http://a/*"), 1), ("another port", http("https://a/*"), http("https://a:444/*"), 1),
        ("one method of any", http("https://a/*"), http("https://a/*", "GET"), 0), ("another method", http("https://a/*", "GET"), http("https://a/*", "POST"), 1)]:
        widens(shows, old, new, expect)
    return out
