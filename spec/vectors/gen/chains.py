"""The events of a package, and the release that a request means (spec/registry.md, "Events", "Chain", "Resolution")."""

from . import ed25519
from . import registry as r
from .keys import Key
from .output import Area

ONE, TWO, _ = r.ROOT_KEYS
NEW = Key("root new")


def chains():
    out = Area("chain", r.SPEC)
    root = r.root()
    out.put("root.json", root)
    by_keys = r.root(claims={"policy": "keys", "by": r.role([NEW])})
    out.put("root-keys.json", by_keys)
    by_root = r.root(claims={"policy": "root"})
    out.put("root-root.json", by_root)

    def case(file, chain, shows, expect="ok", section="Chain", **more):
        data = chain if isinstance(chain, bytes) else chain.data()
        more = {"root": "root.json", "name": "acme/tool", **more}
        out.add(file + ".jsonl", data, section, shows, expect, **more)

    def new():
        return r.Chain()

    keys = {"release": r.role([r.NEXT]), "admin": r.role([r.ADMIN])}
    number = r.RELEASE.line()
    case("release", new().release(), "a claim and a release", releases={"1.0.0": "good"})
    case("unscoped", r.Chain("tool").release(), "a name without a scope", name="tool", releases={"1.0.0": "good"})
    case("every-kind", new().release().release("1.1.0").add("yank", version="1.0.0", reason="slow")
         .add("unyank", version="1.0.0").add("attest", version="1.0.0", predicate="https://slsa.dev/provenance/v1", sha256="0" * 64, size=9)
         .add("revoke", version="1.1.0", reason="unsafe").add("keys", [r.ADMIN, r.NEXT], **keys)
         .release("1.2.0", [r.NEXT]).add("yank", [r.NEXT], version="1.2.0"), "every kind of event but `recover`",
         releases={"1.0.0": "good", "1.1.0": "revoked", "1.2.0": "yanked"})
    case("recover", new().release().add("recover", [ONE, TWO, r.NEXT, NEW], release=r.role([r.NEXT]), admin=r.role([NEW])).release("1.0.1", [r.NEXT]),
         "keys replaced by the root keys", releases={"1.0.0": "good", "1.0.1": "good"})
    case("admin-releases", new().release(keys=[r.ADMIN]), "a release by the admin keys", releases={"1.0.0": "good"})
    case("widened-major", new().release().release("2.0.0", capabilities={"random": {}}), "more capabilities in a new major version",
         releases={"1.0.0": "good", "2.0.0": "good"})
    case("older-line", new().release("2.0.0").release("1.0.0"), "an older version after a newer one", releases={"2.0.0": "good", "1.0.0": "good"})
    for file, start, standing in [("before", 3, "good"), ("at", 2, "good"), ("after", 1, "revoked")]:
        # The release stands at place 1; its signature counts below the cut-off.
        case(f"distrust-{file}", new().release().add("keys", [r.ADMIN, r.NEXT], **keys, distrust=[{"key": number, "from": start}]),
             f"a release {file} the cut-off of a distrusted key", releases={"1.0.0": standing})
    both = r.role([r.RELEASE, r.NEXT], 2)
    case("two-of-two", new().add("keys", [r.ADMIN, r.NEXT], release=both, admin=r.role([r.ADMIN])).release(keys=[r.RELEASE, r.NEXT]),
         "a release by a threshold of two", releases={"1.0.0": "good"})
    case("policy-keys", r.Chain(claim=False).claim([r.RELEASE, r.ADMIN, NEW]), "a claim that the policy's keys signed too", root="root-keys.json", releases={})
    case("policy-root", r.Chain(claim=False).claim([r.RELEASE, r.ADMIN, ONE, TWO]), "a claim that the root keys signed too", root="root-root.json", releases={})

    def bad(file, chain, shows, expect, **more):
        case(file, chain, shows, expect, **more)

    first = new()
    bad("claimed-twice", new().claim(), "a second claim", "claimed")
    bad("unclaimed", r.Chain(claim=False).release(), "a release before the claim", "unclaimed")
    bad("origin", new().release(origin="other.example"), "an event of another registry", "origin")
    bad("name", new().release(name="acme/other"), "an event of another package", "name")
    bad("prev", new().release(prev=b"another"), "another line named as the one before", "prev")
    bad("seq-gap", new().release(seq=2), "a number left out", "seq")
    bad("seq-repeated", new().release().release("1.0.1", seq=1), "a number twice", "seq")
    bad("duplicate", new().release().release(), "a version twice", "duplicate")
    bad("duplicate-build", new().release().release("1.0.0+b"), "a version that differs in build metadata alone", "duplicate")
    bad("republished-revoked", new().release().add("revoke", version="1.0.0").release(), "a revoked version again", "duplicate")
    bad("widened", new().release().release("1.1.0", capabilities={"random": {}}), "more capabilities in a minor version", "widened")
    bad("widened-zero", new().release("0.1.0").release("0.1.1", capabilities={"random": {}}), "more capabilities in 0.1.1", "widened")
    bad("yank-unknown", new().add("yank", version="1.0.0"), "a yank of nothing", "no-release")
    bad("attest-unknown", new().add("attest", version="1.0.0", predicate="x", sha256="0" * 64, size=1), "an attestation of nothing", "no-release")
    bad("yank-twice", new().release().add("yank", version="1.0.0").add("yank", version="1.0.0"), "a second yank", "standing")
    bad("unyank-good", new().release().add("unyank", version="1.0.0"), "a yank taken back that nobody made", "standing")
    bad("unrevoke", new().release().add("revoke", version="1.0.0").add("unyank", version="1.0.0"), "a revocation taken back", "standing")
    bad("stranger", new().release(keys=[NEW]), "a release by a stranger", "surplus")
    bad("stranger-beside", new().release(keys=[r.RELEASE, NEW]), "a stranger's signature beside the right one", "surplus")
    bad("signed-twice", new().release(keys=[r.RELEASE, r.RELEASE]), "the same signature twice", "surplus")
    bad("namesake", new().release(keys=[Key("namesake of release", r.RELEASE.number)]), "another key with the number of the right one", "surplus")
    bad("half-threshold", new().add("keys", [r.ADMIN, r.NEXT], release=both, admin=r.role([r.ADMIN])).release(keys=[r.RELEASE]),
        "one signature of two", "signatures")
    bad("keys-by-release", new().add("keys", [r.RELEASE, r.NEXT], **keys), "keys changed by the release keys", "signatures")
    bad("keys-no-possession", new().add("keys", [r.ADMIN], **keys), "a new key that did not sign", "possession")
    bad("claim-no-possession", r.Chain(claim=False).claim([r.RELEASE]), "a claim that one of its keys did not sign", "possession")
    bad("recover-one", new().add("recover", [ONE, r.NEXT], **keys), "a recovery by one root key of two", "signatures")
    bad("recover-admin", new().add("recover", [r.ADMIN, r.NEXT], **keys), "a recovery by the admin keys", "signatures")
    bad("old-key", new().add("keys", [r.ADMIN, r.NEXT], **keys).release(), "a release by a key that was replaced", "surplus")
    bad("policy-keys-missing", r.Chain(claim=False).claim(), "a claim without the policy's keys", "policy", root="root-keys.json")
    bad("policy-root-half", r.Chain(claim=False).claim([r.RELEASE, r.ADMIN, ONE]), "a claim with one root key of two", "policy", root="root-root.json")

    # One event after a good claim.
    def event(file, line, shows, expect, section="Events"):
        case(file, first.data() + line, shows, expect, section)

    fields = r.body("release", 1, first.lines[0], **r.release_fields())
    good = r.event(fields, [r.RELEASE])
    signature = r.RELEASE.minisig(r.line(fields).encode() + b"\n", "event")

    def line_of(text, signatures):
        return (r.line({"e": text, "s": signatures}) + "\n").encode()

    text = r.line(fields)
    event("line-no-line-feed", good[:-1], "no line feed at the end", "event-line")
    event("line-space", good.replace(b'{"e":', b'{"e": ', 1), "a space between the members", "event-line")
    event("line-order", (r.line({"s": [signature], "e": text}) + "\n").encode(), "the members in another order", "event-line")
    event("line-extra", good.replace(b'{"e":', b'{"x":1,"e":', 1), "a third member", "event-line")
    event("line-escape", good.replace(b'{"e":"', b'{"e":"\\u007b', 1).replace(b"\\u007b{", b"\\u007b", 1), "an escape that is not needed", "event-line")
    event("line-crlf", good[:-1] + b"\r\n", "another line end", "event-line")
    event("line-control", line_of(text.replace('"kind"', '\n"kind"'), [signature]), "a line feed in the body", "event-line")
    event("line-not-json", b"release\n", "no JSON", "event-line")
    event("line-long", line_of(text, [signature, "x" * 32768]), "a line of more than 32 KiB", "event-length")
    event("no-signature", line_of(text, []), "no signature", "event-signatures")
    event("signatures-49", line_of(text, [signature] * 49), "49 signatures", "event-signatures")
    event("signature-long", line_of(text, [r.RELEASE.minisig(text.encode() + b"\n", "x" * 2000)]), "a signature of more than 2,048 bytes", "event-signatures")
    event("signature-malformed", line_of(text, ["signature"]), "a signature that is none", "event-signature")
    event("signature-legacy", line_of(text, [signature.replace("\nRU", "\nRW", 1)]), "a relabelled signature", "event-signature")
    for lax, sign, shows in ed25519.LAX:
        weak = r.RELEASE.minisig(text.encode() + b"\n", "event", sign=sign)
        event("signature-" + lax, line_of(text, [weak]), shows, "surplus", "Chain")
    event("signature-wrong", line_of(text, [r.RELEASE.minisig(text.encode(), "event")]), "a signature over the body without its line feed", "surplus", "Chain")

    def body(file, fields_, shows, expect="event-json"):
        event("body-" + file, r.event(fields_, [r.RELEASE]), shows, expect)

    def with_(**more):
        return {name: value for name, value in {**fields, **more}.items() if value is not ...}

    body("type-last", r.line({**{k: v for k, v in fields.items() if k != "type"}, "type": "zero-event/1"}), "a type that does not come first")
    body("type-root", r.line(with_(type="zero-root/1")), "the type of a root")
    body("type-later", r.line(with_(type="zero-event/2")), "a later version of the type")
    body("kind-unknown", with_(kind="transfer"), "an unknown kind")
    body("unknown-member", with_(x=1), "an unknown member")
    body("duplicate-member", r.line(fields)[:-1] + ',"seq":1}', "a member twice")
    body("name-upper", with_(name="Acme/tool"), "a name that is none")
    body("version", with_(version="1.0"), "a version that is none")
    body("digest", with_(sha256="A" * 64), "a digest in upper case")
    body("time", with_(time="2026-01-01 00:00:00"), "a time of another form")
    body("null", with_(prev=None), "a `null`", "event-body")
    body("escape", with_(capabilities={"random": {"reason": "\x1b[2J"}}), "an escape sequence in a reason")
    body("capability-unknown", with_(capabilities={"gpu": []}), "an unknown capability")
    body("capabilities-array", with_(capabilities=[]), "capabilities as an array")
    body("random-array", with_(capabilities={"random": []}), "a rule as an array")
    body("rule-array", with_(capabilities={"env": [["LANG"]]}), "a rule of a list as an array")
    body("member-missing", with_(sha256=...), "no digest", "event-body")
    body("member-of-another", with_(predicate="x"), "a member of another kind", "event-body")
    body("size-0", with_(size=0), "a size of nothing", "event-body")
    body("size-huge", with_(size=2**28 + 1), "a size above the largest package", "event-body")
    body("capabilities-digest", with_(capabilities_sha256="0" * 64), "a digest of other capabilities", "event-body")
    body("prev-missing", with_(prev=...), "no `prev` at place 1", "event-body")
    yank = r.body("yank", 1, first.lines[0], version="1.0.0", reason="")
    body("reason-empty", yank, "an empty reason", "event-body")
    body("reason-long", {**yank, "reason": "x" * 1025}, "a reason of 1,025 characters", "event-body")
    case("body-prev-first", r.event(r.body("claim", 0, b"x", release=r.role([r.RELEASE]), admin=r.role([r.ADMIN])), [r.RELEASE, r.ADMIN]),
         "`prev` at place 0", "event-body", "Events")
    return out


def resolutions():
    out = Area("resolve", r.SPEC)
    out.put("root.json", r.root())
    chain = r.Chain()
    for version in ("0.9.0", "1.0.0", "1.1.0", "1.2.0-rc.1", "1.2.0", "1.3.0", "2.0.0-alpha", "3.0.0", "4.0.0"):
        chain.release(version)
    chain.add("yank", version="1.2.0").add("revoke", version="1.3.0").add("yank", version="3.0.0").add("revoke", version="4.0.0")
    chain.add("yank", version="0.9.0").add("revoke", version="0.9.0")
    out.put("chain.jsonl", chain.data())

    def case(shows, request, version=None, expect="ok", **more):
        found = {"version": version} if version else {}
        out.case("Resolution", shows, expect, request=request, **found, **more)

    case("the highest that is neither yanked nor revoked", "*", "1.1.0")
    case("the highest of a line", "1", "1.1.0")
    case("exactly that", "1.0.0", "1.0.0")
    case("a pre-release that is named", "1.2.0-rc.1", "1.2.0-rc.1")
    case("a pre-release that is named in a range", ">=2.0.0-alpha, <3", "2.0.0-alpha")
    case("a range without releases", "2", expect="no-match")
    case("no such version", "9.9.9", expect="no-match")
    case("only a yanked one", "3", expect="yanked")
    case("exactly a yanked one", "1.2.0", expect="yanked")
    case("only a revoked one", "4", expect="revoked")
    case("one that was yanked and then revoked", "0.9", expect="revoked")
    case("yanked and revoked ones", ">=1.2", expect="yanked")
    case("a locked older one", "1", "1.0.0", lock="1.0.0")
    case("a locked yanked one", "1", "1.2.0", lock="1.2.0")
    case("a locked revoked one, never replaced in silence", "1", expect="revoked", lock="1.3.0")
    case("a lock that does not match", "^1", "1.1.0", lock="0.9.0")
    case("a lock of no release", "1", "1.1.0", lock="1.0.7")
    return out
