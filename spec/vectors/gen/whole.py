"""Whole registries, each with one fault: what a verifier of everything and a client must find (spec/registry.md)."""

from . import container as c
from . import registry as r
from .keys import Key
from .output import Area

ONE, TWO, THREE = r.ROOT_KEYS
STRANGER = Key("stranger")
NOW = "2026-01-03T00:00:00Z"


def blob(name="acme/tool", version="1.0.0", keys=(r.RELEASE,), capabilities=None):
    meta = c.metadata(name=name, version=version)
    meta["capabilities"] = capabilities or {}
    return c.artifact(meta, list(keys))


class Registry:
    """A registry in the making. Each hook is where one fault can be put in."""

    def __init__(self):
        self.root = r.root()
        self.root_signers = [ONE, TWO]
        self.old_pages = []
        self.tool, self.other = r.Chain(claim=False), r.Chain("other", claim=False)
        self.leaves, self.files = [], {}
        self.map_chains = lambda chains: chains
        self.snapshot = {}

    def publish(self, chain, version="1.0.0", artifact=None, keys=(r.RELEASE,), sidecar=r.RELEASE, **more):
        artifact = artifact if artifact is not None else blob(chain.name, version)
        chain.release(version, keys, blob=artifact, **more)
        digest = r.sha256(artifact)
        place = f"blob/{digest[:2]}/{digest}.zero"
        self.files[place] = artifact
        self.files[place + ".minisig"] = sidecar.minisig(artifact, "blob").encode()

    def commit(self, chains, time=r.T0, **more):
        for chain in chains:
            done = getattr(chain, "done", 0)
            self.leaves += chain.lines[done:]
            chain.done = len(chain.lines)
        listed = self.map_chains([chain for chain in (self.tool, self.other) if chain.lines])
        page = r.bucket(listed)
        self.old_pages.append(page)
        fields = {"time": time, "expires": r.EXPIRES, **more, **self.snapshot}
        self.leaves.append(r.snapshot(r.map_root(len(listed), page), **fields))
        self.page, self.listed = page, listed

    def tree(self):
        hashes = [r.leaf_hash(leaf) for leaf in self.leaves]
        files = dict(self.files)

        def addressed(area, data, end=""):
            digest = r.sha256(data)
            files[f"{area}/{digest[:2]}/{digest}{end}"] = data

        files["root/1.json"] = self.root
        for path, text in r.root_signatures(self.root, self.root_signers).items():
            files[path] = text.encode()
        addressed("map", self.page)
        for page in self.old_pages if b"anchor" in self.root else []:
            addressed("map", page)
        for chain in self.listed:
            addressed("pkg", chain.data(), ".jsonl")
        size = len(self.leaves)
        files[f"tile/0/000.p/{size}"] = b"".join(hashes)
        files[f"tile/entries/000.p/{size}"] = r.bundle(self.leaves)
        files["checkpoint"] = r.checkpoint(size, r.tree_hash(hashes)).encode()
        files["head"] = r.head_of(self.leaves).encode()
        return files


def build(tool=None, prepare=None):
    """The good registry, with other events of `acme/tool` if there are any."""
    registry = Registry()
    if prepare:
        prepare(registry)
    registry.commit([])
    registry.tool.claim()
    (tool or good_tool)(registry)
    registry.other.claim()
    registry.publish(registry.other)
    registry.commit([registry.tool, registry.other], time=r.T1)
    return registry


def good_tool(registry):
    registry.publish(registry.tool)
    registry.publish(registry.tool, "1.1.0")
    registry.tool.add("yank", version="1.1.0", time=r.T1)


def area():
    out = Area("registry", r.SPEC)
    base = build().tree()
    for path, data in base.items():
        out.put("base/" + path, data)

    def case(name, shows, files, expect, client, section="Verification", **more):
        """Only what differs from the good registry is written down."""
        for path, data in files.items():
            if base.get(path) != data:
                out.put(f"{name}/{path}", data)
        removed = sorted(path for path in base if path not in files)
        more = {"now": NOW, "package": "acme/tool", **more}
        out.case(section, shows, expect, folder=name, removed=removed, client=client,
                 pinned=r.role([ONE, TWO, THREE], 2), origin=r.ORIGIN, **more)

    def changed(shows, path, edit, expect, client, **more):
        files = dict(base)
        path = next(found for found in sorted(files) if found.startswith(path))
        if edit is None:
            del files[path]
        else:
            files[path] = edit(files[path])
        case(shows.replace(" ", "-"), shows, files, expect, client, **more)

    case("good", "everything as it must be", base, "ok", "ok", resolved="1.0.0")
    case("good-exact", "a version that was yanked", base, "ok", "not-found", request="1.1.0")
    case("good-absent", "a package that is not there", base, "ok", "not-found", package="acme/absent")
    case("expired", "a head that has expired", base, "ok", "not-trusted", now="2026-01-08T00:00:00Z")
    case("early", "a clock before the time of the head", base, "ok", "not-trusted", now="2026-01-01T00:00:00Z")

    artifact = blob()
    place = f"blob/{r.sha256(artifact)[:2]}/{r.sha256(artifact)}.zero"
    page = next(path for path in base if path.startswith("map/"))
    segment = next(path for path, data in base.items() if path.startswith("pkg/") and b"acme/tool" in data)

    def flip(data):
        return data[:-2] + bytes([data[-2] ^ 1]) + data[-1:]

    changed("changed artifact", place, flip, "content", "not-trusted")
    changed("missing artifact", place, None, "missing", "unreachable")
    changed("missing sidecar", place + ".minisig", None, "missing", "ok", resolved="1.0.0")
    changed("foreign sidecar", place + ".minisig", lambda _: STRANGER.minisig(artifact, "x").encode(), "content", "ok", resolved="1.0.0")
    changed("changed page", page, flip, "content", "not-trusted")
    changed("missing page", page, None, "missing", "unreachable")
    changed("changed segment", segment, flip, "content", "not-trusted")
    changed("missing segment", segment, None, "missing", "unreachable")
    changed("changed tile", "tile/0/", flip, "content", "ok", resolved="1.0.0")
    changed("missing tile", "tile/0/", None, "missing", "ok", resolved="1.0.0")
    changed("cut entries", "tile/entries/", lambda data: data[:-1], "bundle", "ok", resolved="1.0.0")
    changed("missing entries", "tile/entries/", None, "missing", "ok", resolved="1.0.0")
    changed("changed checkpoint", "checkpoint", lambda data: data + b"x", "content", "ok", resolved="1.0.0")
    ahead = build()
    ahead.commit([], time=r.T1)
    newer = ahead.tree()
    tiles = {path: data for path, data in newer.items() if path.startswith("tile/") or path == "checkpoint"}
    case("checkpoint-ahead", "a checkpoint of the next commit, which is being finished", {**base, **tiles}, "ok", "ok", resolved="1.0.0")
    hashes = [r.leaf_hash(leaf) for leaf in ahead.leaves]
    forked = r.checkpoint(9, r.tree_hash([bytes(32)] + hashes[1:])).encode()
    case("checkpoint-forked", "a checkpoint of a log that does not continue this one", {**base, **tiles, "checkpoint": forked},
         "content", "ok", resolved="1.0.0")
    older = r.checkpoint(7, r.tree_hash(hashes[:7])).encode()
    case("checkpoint-behind", "a checkpoint of an older state", {**base, "checkpoint": older}, "content", "ok", resolved="1.0.0")
    foreign = r.checkpoint(8, r.tree_hash(hashes[:8]), key=STRANGER).encode()
    case("checkpoint-foreign", "a checkpoint by another key", {**base, "checkpoint": foreign}, "content", "ok", resolved="1.0.0")
    changed("missing head", "head", None, "missing", "unreachable")
    changed("changed head", "head", flip, "head", "not-trusted")
    changed("missing root", "root/1.json", None, "roots", "unreachable")
    changed("changed root", "root/1.json", lambda data: data.replace(b"604800", b"604801"), "roots", "not-trusted")
    changed("missing root signature", f"root/1.json.{ONE.number_hex()}", None, "roots", "not-trusted")

    def rebuilt(name, shows, expect, client, tool=None, prepare=None, **more):
        case(name, shows, build(tool, prepare).tree(), expect, client, **more)

    def publish(**more):
        return lambda registry: registry.publish(registry.tool, **more)

    for name, artifact, shows in [
        ("other-version", blob(version="1.0.1"), "an artifact that says another version"),
        ("other-name", blob("acme/other"), "an artifact that says another name"),
        ("other-capabilities", blob(capabilities={"random": {}}), "an artifact that asks for more than its release"),
        ("other-signer", blob(keys=[STRANGER]), "an artifact that a stranger signed"),
        ("unsigned", blob(keys=[]), "an artifact without a signature"),
        ("malformed", b"no artifact", "an artifact that is none")]:
        rebuilt(name, shows, "blob", "not-trusted", publish(artifact=artifact))
    rebuilt("stranger", "a release by a stranger, in the log", "chain", "not-trusted", publish(keys=[STRANGER]))
    rebuilt("replayed", "an event of another registry, in the log", "chain", "not-trusted", publish(origin="other.example"))
    rebuilt("future", "an event dated after its commit", "commit", "ok", publish(time="2026-01-02T00:05:01Z"), resolved="1.0.0")
    rebuilt("past", "an event dated long before its commit", "commit", "ok", publish(time="2025-12-01T23:59:59Z"), resolved="1.0.0")

    def hidden(registry):
        registry.map_chains = lambda chains: [chain for chain in chains if chain.name != "acme/tool"]

    rebuilt("hidden", "a package of the log that the map leaves out", "commit", "not-found", prepare=hidden)

    def shortened(registry):
        def cut(chains):
            copies = [r.Chain(chain.name, claim=False) for chain in chains]
            for copy, chain in zip(copies, chains):
                copy.lines = chain.lines[:-1] if chain.name == "acme/tool" else chain.lines
            return copies
        registry.map_chains = cut

    rebuilt("shortened", "a chain of the map without its last event, a yank", "commit", "ok", prepare=shortened, resolved="1.1.0")
    rebuilt("unknown-root", "a snapshot under a root that is not there", "head", "unreachable",
            prepare=lambda registry: registry.snapshot.update(root_version=2))
    rebuilt("long-lived", "a head that lives longer than the root allows", "commit", "not-trusted",
            prepare=lambda registry: registry.snapshot.update(expires="2027-01-01T00:00:00Z"))
    rebuilt("one-root-signer", "a root that one key of two signed", "roots", "not-trusted",
            prepare=lambda registry: setattr(registry, "root_signers", [ONE]))

    # Roots that vouch for the log up to its second commit, and a third commit after that.
    def anchored(name, shows, expect, client, anchor=None, third=None, **more):
        registry = build()
        size, hashes = len(registry.leaves), [r.leaf_hash(leaf) for leaf in registry.leaves]
        size = (anchor or {}).get("size", size)
        honest = {"size": size, "tree": r.tree_hash(hashes[:size]).hex(), "map": r.sha256(registry.page)}
        registry.root = r.root(anchor={**honest, **(anchor or {})})
        if third:
            third(registry)
        registry.commit([registry.tool, registry.other], time=r.T1)
        case(name, shows, registry.tree(), expect, client, **more)

    def grown(registry):
        registry.publish(registry.tool, "1.0.1", time=r.T1)

    def rewritten(registry):
        """The holder of the log key lists a chain with a claim of his own."""
        forged = r.Chain(claim=False)
        forged.claim([STRANGER], release=r.role([STRANGER]), admin=r.role([STRANGER]))
        registry.publish(forged, "1.0.2", blob(version="1.0.2", keys=[STRANGER]), [STRANGER], STRANGER)
        registry.map_chains = lambda chains: [forged, *chains[1:]]

    anchored("anchor", "an anchor, and a log that goes on after it", "ok", "ok", third=grown, resolved="1.0.1")
    anchored("anchor-new-name", "a package that is younger than the anchor", "ok", "not-found", third=grown, package="acme/absent")
    anchored("anchor-rewritten", "a chain with another claim than the anchored one", "commit", "not-trusted", third=rewritten)
    anchored("anchor-hidden", "an anchored package that the map leaves out", "commit", "not-trusted", third=hidden)
    anchored("anchor-shortened", "an anchored chain without its last event", "commit", "not-trusted", third=shortened)
    anchored("anchor-tree", "an anchor of another tree", "anchor", "not-trusted", {"tree": "0" * 64})
    anchored("anchor-map", "an anchor that names another map", "anchor", "unreachable", {"map": "0" * 64})
    anchored("anchor-beyond", "an anchor beyond the end of the log", "anchor", "not-trusted", {"size": 20})
    anchored("anchor-inside", "an anchor within a commit", "anchor", "ok", {"size": 7}, resolved="1.0.0")
    return out
