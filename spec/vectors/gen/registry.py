"""The files of a registry, built from the bottom up (spec/registry.md)."""

import hashlib
import json
import struct

from . import texts
from .keys import Key, b64

SPEC = "spec/registry.md"
ORIGIN = "registry.example/vectors"
T0 = "2026-01-01T00:00:00Z"
T1 = "2026-01-02T00:00:00Z"
EXPIRES = "2026-01-08T00:00:00Z"
ROOT_KEYS = [Key(f"root {number}") for number in (1, 2, 3)]
LOG = Key("log")
RELEASE, ADMIN, NEXT = Key("release"), Key("admin"), Key("next release")


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def line(value):
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def role(keys, threshold=1):
    return {"keys": [key.line() for key in keys], "threshold": threshold}


# Roots

def root(version=1, prev=None, **more):
    fields = {"type": "zero-root/1", "origin": ORIGIN, "version": version}
    if prev is not None:
        fields["prev"] = prev if isinstance(prev, str) else sha256(prev)
    fields.update({"expires": "2027-01-01T00:00:00Z", "root": role(ROOT_KEYS, 2), "log": LOG.line(),
                   "head_lifetime": 604800, "claims": {"policy": "open"}, "mirrors": []})
    fields.update(more)
    fields = {name: value for name, value in fields.items() if value is not ...}
    return (json.dumps(fields, indent=2, ensure_ascii=False) + "\n").encode()


def root_signatures(data, keys, name="root/1.json"):
    return {f"{name}.{key.number_hex()}.minisig": key.minisig(data, "root") for key in keys}


# Events

def body(kind, seq, prev, name="acme/tool", time=T0, **more):
    fields = {"type": "zero-event/1", "kind": kind, "origin": ORIGIN, "name": name, "seq": seq}
    if prev is not None:
        fields["prev"] = sha256(prev)
    fields.update({"time": time, **more})
    return {member: value for member, value in fields.items() if value is not ...}


def event(body_, keys):
    """An event line; the body is a text already, or fields."""
    text = body_ if isinstance(body_, str) else line(body_)
    signatures = [key.minisig(text.encode() + b"\n", "event") for key in keys]
    return (line({"e": text, "s": signatures}) + "\n").encode()


def release_fields(version="1.0.0", blob=b"blob", capabilities=None, **more):
    capabilities = capabilities or {}
    return {"version": version, "sha256": sha256(blob), "size": len(blob), "runtime": "0.1.0",
            "capabilities_sha256": texts.digest(capabilities), "capabilities": capabilities, **more}


class Chain:
    """A package's chain in the making; each step takes the keys that sign it."""

    def __init__(self, name="acme/tool", claim=True):
        self.name, self.lines = name, []
        if claim:
            self.claim()

    def add(self, kind, keys=(RELEASE,), **fields):
        fields = {"name": self.name, **fields}
        seq = fields.pop("seq", len(self.lines))
        prev = fields.pop("prev", self.lines[-1] if self.lines else None)
        self.lines.append(event(body(kind, seq, prev, **fields), keys))
        return self

    def claim(self, keys=(RELEASE, ADMIN), release=None, admin=None, **more):
        return self.add("claim", keys, release=release or role([RELEASE]), admin=admin or role([ADMIN]), **more)

    def release(self, version="1.0.0", keys=(RELEASE,), **more):
        known = {name: more.pop(name) for name in ("blob", "capabilities") if name in more}
        return self.add("release", keys, **release_fields(version, **known), **more)

    def data(self):
        return b"".join(self.lines)


# Log

def leaf_hash(leaf):
    return hashlib.sha256(b"\0" + leaf).digest()


def split(count):
    return 1 << (count - 1).bit_length() - 1


def tree_hash(hashes):
    if not hashes:
        return hashlib.sha256(b"").digest()
    if len(hashes) == 1:
        return hashes[0]
    middle = split(len(hashes))
    return hashlib.sha256(b"\1" + tree_hash(hashes[:middle]) + tree_hash(hashes[middle:])).digest()


def inclusion(index, hashes):
    """RFC 6962, 2.1.1."""
    if len(hashes) == 1:
        return []
    middle = split(len(hashes))
    if index < middle:
        return inclusion(index, hashes[:middle]) + [tree_hash(hashes[middle:])]
    return inclusion(index - middle, hashes[middle:]) + [tree_hash(hashes[:middle])]


def consistency(old, hashes, whole=True):
    """RFC 6962, 2.1.2."""
    if old == len(hashes):
        return [] if whole else [tree_hash(hashes)]
    middle = split(len(hashes))
    if old <= middle:
        return consistency(old, hashes[:middle], whole) + [tree_hash(hashes[middle:])]
    return consistency(old - middle, hashes[middle:], False) + [tree_hash(hashes[:middle])]


def note_line(key, name, text):
    number = hashlib.sha256(name.encode() + b"\n\x01" + key.public).digest()[:4]
    return f"\u2014 {name} {b64(number + key.sign(text.encode()))}\n"


def vkey(key, name):
    number = hashlib.sha256(name.encode() + b"\n\x04" + key.public).hexdigest()[:8]
    return f"{name}+{number}+{b64(bytes([4]) + key.public)}"


def cosignature(key, name, text, time=1767312000):
    """C2SP tlog-cosignature: the time in eight bytes, and a signature over it and the checkpoint."""
    number = hashlib.sha256(name.encode() + b"\n\x04" + key.public).digest()[:4]
    signature = key.sign(f"cosignature/v1\ntime {time}\n{text}".encode())
    return f"\u2014 {name} {b64(number + struct.pack('>Q', time) + signature)}\n"


def checkpoint(size, hash_, origin=ORIGIN, key=LOG):
    text = f"{origin}\n{size}\n{b64(hash_)}\n"
    return text + "\n" + note_line(key, origin, text)


def head(leaf, index, proof, note):
    lines = ["c2sp.org/tlog-proof@v1", f"extra {b64(leaf)}", f"index {index}", *map(b64, proof)]
    return "".join(text + "\n" for text in lines) + "\n" + note


def head_of(leaves, **more):
    hashes = [leaf_hash(leaf) for leaf in leaves]
    last = len(leaves) - 1
    return head(leaves[-1], last, inclusion(last, hashes), checkpoint(len(leaves), tree_hash(hashes), **more))


def bundle(leaves):
    return b"".join(struct.pack(">H", len(leaf)) + leaf for leaf in leaves)


# Map

def page_ref(data):
    return f"{sha256(data)} {len(data)}"


def bucket(chains, prefix=""):
    chains = sorted(chains, key=lambda chain: sha256(chain.name.encode()))
    rows = [f"{chain.name} {len(chain.lines)} {page_ref(chain.data())}\n" for chain in chains]
    return (f"zero-map/1 bucket {prefix or '-'}\n" + "".join(rows)).encode()


def node(children, prefix=""):
    rows = [f"{byte} {page_ref(page)}\n" for byte, page in sorted(children.items())]
    return (f"zero-map/1 node {prefix or '-'}\n" + "".join(rows)).encode()


def map_root(packages, page, depth=0):
    return {"packages": packages, "depth": depth, "sha256": sha256(page), "size": len(page)}


def snapshot(map_, time=T0, expires=EXPIRES, root_version=1, **more):
    fields = {"type": "zero-snapshot/1", "origin": ORIGIN, "time": time, "expires": expires, "root": root_version,
              "map": map_, **more}
    return (line(fields) + "\n").encode()
