"""The parts of a registry, one at a time: roots, heads, map pages, chains and the log (spec/registry.md)."""

import base64

from . import registry as r
from .keys import Key, b64
from .output import Area

SPEC = "spec/registry.md"
ONE, TWO, THREE = r.ROOT_KEYS
NEW = Key("root new")
ONE_TWICE = Key("root 1", b"\1" * 8)


def roots():
    out = Area("root", SPEC)
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
        claims={"policy": "keys", "by": r.role([NEW])}, mirrors=["https://mirror.example/"], witness="policy",
        anchor={"size": 1, "tree": "0" * 64, "map": "1" * 64}), two)], version=1)
    second = r.root(2, first, root=r.role([TWO, THREE, NEW], 2))
    case("rotation", "a second root with another key, signed by old and new", [(first, two), (second, [TWO, THREE])], version=2)
    old = r.root(expires="2025-01-01T00:00:00Z")
    case("expired-on-the-way", "an expired root between, which must pass",
         [(old, two), (r.root(2, old, expires="2025-02-01T00:00:00Z"), two)], version=2)
    case("surplus", "a signature of a stranger beside enough others", [(first, [ONE, NEW, TWO])], version=1)

    def bad(name, shows, steps, expect, **more):
        case(name, shows, steps, expect, **more)

    bad("one-signature", "one signature of two", [(first, [ONE])], "threshold")
    bad("no-signature", "no signature", [(first, [])], "threshold")
    bad("repeated-signer", "the same signature twice", [(first, [ONE, ONE])], "threshold")
    bad("two-numbers", "the same key under two numbers", [(first, [ONE, ONE_TWICE])], "threshold")
    bad("changed", "a root changed after signing", [(first.replace(b"604800", b"604801"), [
        key.minisig(first, "root") for key in two])], "threshold")
    bad("pinned-elsewhere", "keys that are not the pinned ones", [(first, two)], "threshold", pinned=r.role([NEW]))
    bad("own-threshold", "the pinned keys alone", [(r.root(root=r.role([NEW])), two)], "threshold")
    bad("old-only", "a successor signed by the old keys alone",
        [(first, two), (r.root(2, first, root=r.role([NEW])), two)], "threshold")
    bad("new-only", "a successor signed by the new keys alone",
        [(first, two), (r.root(2, first, root=r.role([NEW])), [NEW])], "threshold")
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
        ("weak-key", "a key of small order", r.root(root={"keys": [weak], "threshold": 1})),
        ("policy-unknown", "an unknown claim policy", r.root(claims={"policy": "lottery"})),
        ("policy-extra", "keys for an open policy", r.root(claims={"policy": "open", "by": r.role([NEW])})),
        ("policy-no-keys", "no keys for a policy of keys", r.root(claims={"policy": "keys"})),
        ("deep", "33 levels", first.strip()[:-1] + b', "x": ' + b"[" * 32 + b"]" * 32 + b"}"),
        ("bidi", "reordered text in a mirror", r.root(mirrors=["https://a/\u202e"]))]:
        bad(name, shows, [(data, two)], "json")
    bad("long", "more than 64 KiB", [(first + b" " * 65536, two)], "length")
    return out


def chains():
    out = Area("chain", SPEC)
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


def heads():
    out = Area("head", SPEC)
    out.put("root.json", r.root())
    out.put("root-witness.json", r.root(witness="policy"))
    out.put("root-expired.json", r.root(expires="2026-01-01T12:00:00Z"))
    empty = r.bucket([])
    leaves = [r.snapshot(r.map_root(0, empty))]
    chain = r.Chain().release()
    leaves += [*chain.lines, r.snapshot(r.map_root(1, r.bucket([chain])))]
    leaves += [r.snapshot(r.map_root(1, r.bucket([chain])), time=r.T1, expires="2026-01-09T00:00:00Z")]
    hashes = [r.leaf_hash(leaf) for leaf in leaves]
    good = r.head_of(leaves)
    tile = b"".join(hashes)
    out.put("tile", tile)

    def tree(size, of=hashes):
        return {"size": size, "hash": r.tree_hash(of[:size]).hex()}

    def case(name, text, shows, expect="ok", now=r.T1, root="root.json", section="Head", **more):
        out.add(name + ".head", text, section, shows, expect, now=now, root=root, **more)

    case("first", r.head_of(leaves[:1]), "the head of a new registry", now=r.T0, size=1)
    case("grown", good, "a log of five leaves", size=5)
    case("same", good, "the tree that was seen before", stored=tree(5), size=5)
    for size in (1, 2, 3, 4):
        case(f"from-{size}", good, f"a log that grew from {size}", stored=tree(size), tile="tile", size=5)
    note = r.checkpoint(5, r.tree_hash(hashes))
    witness = r.note_line(Key("witness"), "witness.example", note.split("\n\n")[0] + "\n")
    case("witnessed", good + witness, "a line of a witness, which is left alone", size=5)
    case("clock-behind", good, "a clock 300 seconds behind", now="2026-01-01T23:55:00Z", size=5)
    case("last-second", good, "the last second before it expires", now="2026-01-08T23:59:59Z", size=5)

    def bad(name, text, shows, expect, **more):
        case(name, text, shows, expect, **more)

    bad("expired", good, "the second in which it expires", "expired", now="2026-01-09T00:00:00Z")
    bad("future", good, "a time 301 seconds ahead", "future", now="2026-01-01T23:54:59Z")
    bad("root-expired", good, "a root that has expired", "root-expired", root="root-expired.json")
    bad("witness-policy", good, "a root that demands witnesses", "witness", root="root-witness.json")
    bad("smaller", r.head_of(leaves[:1]), "a smaller log than before", "stale", now=r.T0, stored=tree(5))
    forked = [r.leaf_hash(b"other")] + hashes[1:]
    bad("same-size-other-tree", good, "another tree of the same size", "fork", stored=tree(5, forked))
    bad("fork", good, "a log that does not continue the one seen before", "fork", stored=tree(3, forked), tile="tile")
    bad("fork-empty", good, "an empty tree with a wrong hash", "fork", stored={"size": 0, "hash": "0" * 64})
    out.put("tile-wrong", tile[:64] + bytes(32) + tile[96:])
    out.put("tile-short", tile[:-1])
    bad("tile-wrong", good, "a tile with a wrong hash", "fork", stored=tree(3), tile="tile-wrong")
    bad("tile-short", good, "a tile that is cut short", "fork", stored=tree(3), tile="tile-short")
    bad("tile-missing", good, "no tile", "fork", stored=tree(3))

    def last(snapshot, **more):
        return r.head_of([*leaves[:-1], snapshot], **more)

    now = r.snapshot(r.map_root(1, r.bucket([chain])), time=r.T1, expires="2026-01-09T00:00:00Z")
    bad("lifetime", last(r.snapshot(r.map_root(1, r.bucket([chain])), time=r.T1, expires="2026-01-09T00:00:01Z")),
        "a longer lifetime than the root allows", "lifetime")
    bad("newer-root", last(r.snapshot(r.map_root(1, r.bucket([chain])), root_version=2)), "a root that is not known", "root")
    bad("origin", last(now, origin="other.example"), "a checkpoint of another registry", "checkpoint-origin")
    bad("snapshot-origin", last(now.replace(b"registry.example/vectors", b"other.example")), "a snapshot of another registry", "snapshot-origin")
    bad("log-key", last(now, key=Key("another log")), "a checkpoint by another key", "checkpoint-signature")
    hash_ = r.tree_hash(hashes)
    proof = r.inclusion(4, hashes)
    bad("signature-wrong", r.head(leaves[4], 4, proof, swap_signature(note)), "a signature of zeros", "checkpoint-signature")
    other = r.checkpoint(5, r.tree_hash(forked))
    bad("signature-of-another", r.head(leaves[4], 4, proof, note.split("\n\n")[0] + "\n\n" + other.split("\n\n")[1]),
        "the signature of another tree", "checkpoint-signature")
    bad("second-signature-wrong", good + swap_signature(note).split("\n\n")[1], "a second, wrong line of the log key", "checkpoint-signature")
    bad("not-last", r.head(leaves[3], 3, r.inclusion(3, hashes), note), "a snapshot that is not the last leaf", "index")
    bad("not-included", r.head(leaves[3], 4, proof, note), "a snapshot that is not in the tree", "proof")
    bad("proof-short", r.head(leaves[4], 4, proof[:-1], note), "a proof without its last hash", "proof")
    bad("proof-long", r.head(leaves[4], 4, [*proof, bytes(32)], note), "a proof with one hash more", "proof")
    bad("proof-65", r.head(leaves[4], 4, [bytes(32)] * 65, note), "65 hashes", "form")
    bad("event-as-snapshot", r.head(leaves[1], 4, proof, note), "an event in place of the snapshot", "snapshot-json")
    head_line = good.index("\n") + 1
    for name, text, shows in [
        ("empty", "", "nothing"), ("first-line", good.replace("@v1", "@v2", 1), "a later version of the proof"),
        ("no-extra", good[:head_line] + good[good.index("index"):], "no snapshot"), ("no-proof-end", good.replace("\n\n", "\n", 1), "no empty line before the checkpoint"),
        ("crlf", good.replace("\n", "\r\n"), "other line ends"), ("index-zero", good.replace("index 4", "index 04"), "an index with a leading zero"),
        ("index-sign", good.replace("index 4", "index +4"), "an index with a sign"),
        ("base64", good.replace(b64(proof[0]), b64(proof[0])[:-1]), "a hash without padding"), ("long", good + witness * 200, "more than 16 KiB")]:
        bad("form-" + name, text, shows, "form")
    for name, text, shows in [
        ("no-line-feed", good[:-1], "no line feed at the end"), ("extension", good.replace(b64(hash_) + "\n", b64(hash_) + "\nextension\n"), "an extension line"),
        ("size-zero", good.replace("\n5\n", "\n05\n"), "a size with a leading zero"), ("no-signature", good[:good.index("\u2014")], "no signature"),
        ("dash", good.replace("\u2014", "-"), "another dash"), ("many", good + witness * 16, "17 signature lines"),
        ("trailing-line", good + "x\n", "a line that is none"), ("size-huge", good.replace("\n5\n", f"\n{2**48 + 1}\n"), "more leaves than any log")]:
        bad("checkpoint-" + name, text, shows, "checkpoint-form")

    def snapshot(name, leaf, shows, expect):
        bad("snapshot-" + name, r.head_of([leaf]), shows, "snapshot-" + expect, now=r.T0)

    map_ = r.map_root(0, empty)
    fields = r.snapshot(map_)
    snapshot("space", fields.replace(b":", b": ", 1), "a space, where one form is allowed", "form")
    snapshot("no-line-feed", fields[:-1], "no line feed at the end", "form")
    snapshot("unknown-member", r.snapshot(map_, x=1), "an unknown member", "json")
    snapshot("duplicate", fields.replace(b'"root":1', b'"root":1,"root":1'), "a member twice", "json")
    snapshot("expires-before", r.snapshot(map_, expires="2025-12-31T23:59:59Z"), "an expiry before its time", "field")
    snapshot("depth-lie", r.snapshot(r.map_root(0, empty, 1)), "a depth that the number of packages does not have", "field")
    snapshot("depth-3", r.snapshot(r.map_root(2**40, empty, 3)), "a map of depth 3", "field")
    snapshot("map-size", r.snapshot({**map_, "size": 2**22 + 1}), "a page larger than any", "field")
    return out


def swap_signature(note):
    text, line = note.split("\n\n")
    dash, name, blob = line.strip().split(" ")
    return f"{text}\n\n{dash} {name} {b64(base64.b64decode(blob)[:4] + bytes(64))}\n"


def maps():
    out = Area("map", SPEC)
    names = [f"acme/tool-{number}" for number in range(70)]
    chains = [r.Chain(name, claim=False) for name in names]
    for chain in chains:
        chain.lines = [b"line\n"]

    def key(name):
        return r.sha256(name.encode())

    def case(file, shows, pages, name, packages, depth, expect="ok", **more):
        files = []
        for number, page in enumerate(pages):
            files.append(f"{file}-{number}.page")
            out.put(files[-1], page)
        first = more.pop("first", pages[0])
        out.case("Map", shows, expect, name=name, map=r.map_root(packages, first, depth), pages=files, **more)

    few = sorted(chains[:3], key=lambda chain: key(chain.name))
    flat = r.bucket(few)
    present, absent = few[0].name, "acme/absent"
    case("flat", "a package in the only bucket", [flat], present, 3, 0, found=1)
    case("flat-absent", "a package that is not there", [flat], absent, 3, 0)
    case("empty", "a registry without packages", [r.bucket([])], absent, 0, 0)
    buckets = {}
    for chain in chains:
        buckets.setdefault(key(chain.name)[:2], []).append(chain)
    pages = {byte: r.bucket(below, byte) for byte, below in buckets.items()}
    top = r.node(pages)
    byte = key(present)[:2]
    case("node", "a package below a node", [top, pages[byte]], present, 70, 1, found=1)
    missing = next(f"acme/absent-{n}" for n in range(9999) if key(f"acme/absent-{n}")[:2] not in pages)
    case("node-absent", "a package whose branch is not there", [top], missing, 70, 1)
    beside = next(f"acme/absent-{n}" for n in range(9999) if key(f"acme/absent-{n}")[:2] == byte)
    case("bucket-absent", "a package that its bucket does not list", [top, pages[byte]], beside, 70, 1)
    prefix = key(present)[:4]
    deep = r.bucket([few[0]], prefix)
    middle = r.node({prefix[2:]: deep}, prefix[:2])
    case("deep", "a map of two levels", [r.node({prefix[:2]: middle}), middle, deep], present, 20000, 2, found=1)
    long = r.Chain("acme/long", claim=False)
    long.lines = [b"line\n"] * 129
    first_segment, second_segment = b"".join(long.lines[:128]), b"line\n"
    segments = f"zero-map/1 bucket -\nacme/long 129 {r.page_ref(first_segment)} {r.page_ref(second_segment)}\n"
    case("segments", "a chain of two segments", [segments.encode()], "acme/long", 1, 0, found=129)

    def bad(file, shows, page, expect, name=present, **more):
        case("bad-" + file, shows, [page], name, 3, 0, expect, **more)

    text = flat.decode()
    rows = text.splitlines(keepends=True)
    bad("digest", "a page of the right size and another content", flat.replace(b" 1 ", b" 2 ", 1), "digest", first=flat)
    bad("size", "a page that is longer than its size", flat + b"\n", "length", first=flat)
    bad("sort", "a node in place of the bucket", r.node({}), "place")
    bad("prefix", "the bucket of another place", r.bucket(few, "aa"), "place")
    bad("version", "a later version", text.replace("/1", "/2").encode(), "place")
    bad("empty-file", "nothing", b"", "place")
    bad("order", "packages in descending order", (rows[0] + "".join(rows[:0:-1])).encode(), "order")
    bad("twice", "a package twice", (text + rows[-1]).encode(), "order")
    row = rows[1].rstrip("\n")
    for file, line, shows in [
        ("no-line-feed", row, "no line feed at the end"), ("crlf", row + "\r\n", "another line end"), ("empty-line", "\n", "an empty line"),
        ("two-spaces", row.replace(" ", "  ", 1) + "\n", "two spaces"), ("trailing-space", row + " \n", "a space at the end"),
        ("events-0", row.replace(" 1 ", " 0 ", 1) + "\n", "no events"), ("events-zero", row.replace(" 1 ", " 01 ", 1) + "\n", "a leading zero"),
        ("events-129", row.replace(" 1 ", " 129 ", 1) + "\n", "fewer segments than 129 events need"),
        ("segments-2", row + row[row.index(" ", row.index(" ") + 1):] + "\n", "more segments than one event needs"),
        ("no-segment", row.split(" ")[0] + " 1\n", "no segment"), ("upper", row[:-40] + row[-40:].upper() + "\n", "a digest in upper case"),
        ("name", "Acme/tool 1 " + r.page_ref(b"x") + "\n", "a name that is none"), ("size-0", row.rsplit(" ", 1)[0] + " 0\n", "a segment of nothing"),
        ("size-huge", row.rsplit(" ", 1)[0] + " 4194305\n", "a segment larger than any")]:
        bad("line-" + file, shows, (rows[0] + line).encode(), "line")
    bad("not-utf8", "bytes that are not UTF-8", rows[0].encode() + b"\xff\n", "line")
    wrong = next(c for c in chains if key(c.name)[:2] != byte)
    misplaced = r.bucket([wrong], byte)
    case("bad-foreign", "a package that belongs elsewhere", [r.node({byte: misplaced}), misplaced], present, 70, 1, "order")
    down = r.node({"02": pages[byte], "01": pages[byte]}).decode().splitlines(keepends=True)
    case("bad-node-order", "children in descending order", [(down[0] + down[2] + down[1]).encode()], present, 70, 1, "order")
    case("bad-node-twice", "a child twice", [(down[0] + down[1] + down[1]).encode()], present, 70, 1, "order")
    for file, line, shows in [("upper", f"AA {r.page_ref(b'x')}\n", "a byte in upper case"), ("long", f"0aa {r.page_ref(b'x')}\n", "three digits"),
                              ("word", f"aa {r.page_ref(b'x')} 1\n", "a fourth word"), ("size-0", f"aa {'0' * 64} 0\n", "a page of nothing")]:
        case(f"bad-node-{file}", shows, [(down[0] + line).encode()], present, 70, 1, "line")
    case("bad-node-place", "the node of another place", [r.node(pages, "aa")], present, 70, 1, "place")
    return out


def logs():
    out = Area("log", SPEC)
    leaves = [bytes([number]) for number in range(21)]
    hashes = [r.leaf_hash(leaf) for leaf in leaves]

    def tree(size):
        return {"size": size, "hash": r.tree_hash(hashes[:size]).hex()}

    def included(shows, leaf, index, size, proof, expect="ok"):
        out.case("Log", shows, expect, inclusion={"leaf": leaf.hex(), "index": index, "tree": tree(size), "proof": [h.hex() for h in proof]})

    def extends(shows, old, new, proof, expect="ok"):
        out.case("Log", shows, expect, consistency={"old": old, "new": new, "proof": [h.hex() for h in proof]})

    for size in (1, 2, 3, 5, 8, 13, 21):
        for index in sorted({0, size // 2, size - 1}):
            included(f"leaf {index} of {size}", leaves[index], index, size, r.inclusion(index, hashes[:size]))
    for old, new in [(1, 2), (1, 21), (2, 3), (3, 5), (4, 8), (5, 8), (7, 13), (8, 21), (13, 13), (16, 21), (20, 21)]:
        extends(f"from {old} to {new}", tree(old), tree(new), r.consistency(old, hashes[:new]))
    extends("from nothing", tree(0), tree(5), [])
    proof = r.inclusion(5, hashes[:13])
    included("another leaf", leaves[6], 5, 13, proof, "hash")
    included("another index", leaves[5], 6, 13, proof, "hash")
    included("a hash left out", leaves[5], 5, 13, proof[:-1], "length")
    included("a hash too many", leaves[5], 5, 13, proof + [bytes(32)], "length")
    included("hashes in another order", leaves[5], 5, 13, proof[::-1], "hash")
    included("an index outside", leaves[5], 13, 13, proof, "index")
    included("a node as a leaf", hashes[0] + hashes[1], 0, 2, [], "length")
    proof = r.consistency(7, hashes[:13])
    extends("a smaller tree", tree(13), tree(7), proof, "smaller")
    extends("another old tree", {"size": 7, "hash": "0" * 64}, tree(13), proof, "hash")
    extends("another new tree", tree(7), {"size": 13, "hash": "0" * 64}, proof, "hash")
    extends("the same size with another hash", tree(7), {"size": 7, "hash": "0" * 64}, [], "hash")
    extends("a hash left out", tree(7), tree(13), proof[:-1], "length")
    extends("a hash too many", tree(7), tree(13), proof + [bytes(32)], "length")
    extends("no hashes", tree(7), tree(13), [], "length")
    extends("hashes where none are needed", tree(7), tree(7), proof, "length")

    def entries(file, data, shows, expect="ok", **more):
        out.add(file + ".bundle", data, "Log", shows, expect, **more)

    entries("empty", b"", "no entry", entries=0)
    entries("three", r.bundle([b"a", b"", b"ccc"]), "three entries, one of them empty", entries=3)
    entries("full", r.bundle([b"x"] * 256), "256 entries", entries=256)
    entries("too-many", r.bundle([b"x"] * 257), "257 entries", "count")
    entries("cut-length", r.bundle([b"a"]) + b"\0", "half a length", "truncated")
    entries("cut-entry", r.bundle([b"abc"])[:-1], "an entry that is cut short", "truncated")
    entries("long", b"\x80\x01" + bytes(32769), "an entry of more than 32 KiB", "length")
    return out


def resolutions():
    out = Area("resolve", SPEC)
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
