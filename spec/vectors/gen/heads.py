"""The one mutable file, and the snapshot in it (spec/registry.md, "Head", "Snapshot")."""

import base64

from . import ed25519
from . import registry as r
from .keys import Key, b64
from .output import Area


def heads():
    out = Area("head", r.SPEC)
    out.put("root.json", r.root())
    names = [f"witness.example/{number}" for number in (1, 2, 3)]
    watching = [Key(name) for name in names]
    policy = [f"witness w{i} {r.vkey(key, name)}" for i, (key, name) in enumerate(zip(watching, names), 1)]
    out.put("root-witness.json", r.root(witness=[*policy, "group two 2 w1 w2 w3", "quorum two"]))
    out.put("root-witness-groups.json",
            r.root(witness=[*policy, "group any any w1 w2", "group both all any w3", "quorum both"]))
    out.put("root-witness-none.json", r.root(witness=["quorum none"]))
    unknown = "other.example/1+" + r.sha256(b"other.example/1\n\x06" + bytes(1312))[:8] + "+" + b64(b"\x06" + bytes(1312))
    out.put("root-witness-unknown.json", r.root(witness=[*policy, f"witness x {unknown}", "group g 2 x w1 w2", "quorum g"]))
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
    text = note.split("\n\n")[0] + "\n"
    by = [r.cosignature(key, name, text) for key, name in zip(watching, names)]
    demand = {"root": "root-witness.json"}
    groups = {"root": "root-witness-groups.json"}
    case("cosigned", good + by[0] + by[2], "cosignatures of two of three witnesses", size=5, **demand)
    case("cosigned-all", good + "".join(by) + witness, "cosignatures of all, and a line of somebody else", size=5, **demand)
    case("cosigned-groups", good + by[1] + by[2], "a quorum of groups within groups", size=5, **groups)
    case("cosigned-none", good, "a policy that demands nobody", size=5, root="root-witness-none.json")
    case("cosigned-unknown", good + by[0] + by[1], "a policy with a key of a type that is not known", size=5,
         root="root-witness-unknown.json")
    bad("quorum-missing", good, "no cosignature where two are demanded", "quorum", **demand)
    bad("quorum-few", good + by[1], "one cosignature where two are demanded", "quorum", **demand)
    bad("quorum-twice", good + by[1] + r.cosignature(watching[1], names[1], text, 1767312001),
        "two cosignatures of one witness", "quorum", **demand)
    bad("quorum-groups", good + by[0] + by[1], "both of one group and none of the other", "quorum", **groups)
    bad("quorum-unknown", good + by[0], "a witness whose key is of a type that is not known", "quorum", root="root-witness-unknown.json")
    plain = r.note_line(watching[0], names[0], text)
    bad("quorum-plain", good + plain + by[1], "a plain signature in place of a cosignature", "quorum", **demand)
    other_text = text.replace("\n5\n", "\n6\n")
    bad("cosignature-other-tree", good + by[0] + r.cosignature(watching[1], names[1], other_text),
        "the cosignature of another tree", "checkpoint-cosignature", **demand)
    bad("cosignature-other-key", good + by[0] + by[1].split(" ")[0] + " " + names[1] + " "
        + b64(base64.b64decode(by[1].split(" ")[2])[:12] + base64.b64decode(by[0].split(" ")[2])[12:]) + "\n",
        "a cosignature of another key", "checkpoint-cosignature", **demand)
    bad("cosignature-time-zero", good + by[0] + r.cosignature(watching[1], names[1], text, 0),
        "a cosignature of no time", "checkpoint-cosignature", **demand)
    bad("cosignature-short", good + by[0] + "\u2014 " + names[1] + " " + b64(base64.b64decode(by[1].split(" ")[2])[:-1]) + "\n",
        "a cosignature that is cut short", "checkpoint-cosignature", **demand)
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
    for lax, sign, shows in ed25519.LAX:
        signature = sign(r.LOG.seed, (note.split("\n\n")[0] + "\n").encode())
        bad("signature-" + lax, r.head(leaves[4], 4, proof, swap_signature(note, signature)), shows, "checkpoint-signature")
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


def swap_signature(note, signature=bytes(64)):
    text, line = note.split("\n\n")
    dash, name, blob = line.strip().split(" ")
    return f"{text}\n\n{dash} {name} {b64(base64.b64decode(blob)[:4] + signature)}\n"
