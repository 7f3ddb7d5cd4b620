"""Map pages, proofs and entry bundles (spec/registry.md, "Map", "Log")."""

from . import registry as r
from .output import Area


def maps():
    out = Area("map", r.SPEC)
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
    out = Area("log", r.SPEC)
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
