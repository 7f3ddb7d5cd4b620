"""Whole `.zero` files (spec/artifact.md, sections 1, 3, 4 and 10)."""

import hashlib

from . import container as c
from . import ed25519
from .keys import Key, NAMESAKE, PUBLISHER, SECOND, STRANGER
from .output import Area

# (func (export "add") (param i32 i32) (result i32) local.get 0 local.get 1 i32.add)
ADD = (c.section(1, bytes.fromhex("0160027f7f017f")) + c.section(3, bytes.fromhex("0100"))
       + c.section(7, bytes.fromhex("010361646400 00".replace(" ", "")))
       + c.section(10, bytes.fromhex("0107002000 20016a0b".replace(" ", ""))))
ME = [PUBLISHER]


def area():
    out = Area("artifact", "spec/artifact.md")
    good(out)
    containers(out)
    signature_sections(out)
    trust(out)
    files(out)
    return out


def add(out, file, data, section, shows, expect="ok", trust=("publisher",), **more):
    out.add(file + ".zero", data, section, shows, expect, trust=list(trust), **more)


def good(out):
    def ok(file, data, shows, **more):
        add(out, file, data, "1", shows, signers=["publisher"], **more)

    ok("module", c.artifact(c.metadata(), ME), "the smallest core module")
    ok("component", c.artifact(c.metadata("component"), ME, preamble=c.COMPONENT), "the smallest component")
    ok("program", c.artifact(c.metadata(exports=[{"name": "add", "type": "(i32, i32) -> i32"}]), ME, ADD),
       "a program with sections of its own")
    ok("other-custom-sections", c.artifact(c.metadata(), ME, c.custom("name", b"\0\x02\x01x") + c.custom("zeros", b"")),
       "custom sections of other tools, one of which is named almost like ours")
    ok("padded-program", c.artifact(c.metadata(), ME, c.section(1, b"\0", 5) + c.custom("name", b"", 5, 5)),
       "padded lengths in the program's own sections")
    ok("unicode", c.artifact(c.metadata(package={
        "name": "acme/tool", "version": "1.0.0-rc.1+b.7", "description": "Zählt Wörter – 単語 – שלום 👩\u200d💻",
        "readme": "# tool\n\n\tcode\n"}), ME), "text of many scripts, and a README of several lines")
    ok("files", c.artifact(c.metadata(), ME, ADD, c.tar(
        c.entry("share", kind=b"5", mode=0o755), c.entry("share/run", b"#!", mode=0o755),
        c.entry("share/words.txt", b"one\ntwo\n"))), "bundled files",
       files=["share/", "share/run*", "share/words.txt"])
    nested = c.artifact(c.metadata(), ME)
    ok("nested-signature", c.artifact(c.metadata("component"), ME, c.section(1, nested), preamble=c.COMPONENT),
       "a component with a signed artifact inside, which is bytes like any other")
    tiny = Key("tiny", bytes(range(8)))
    tiny.seed, tiny.public = bytes(range(8, 40)), ed25519.public_key(bytes(range(8, 40)))
    example = c.artifact(c.metadata(name="tiny"), [tiny], bytes.fromhex("010401600000"))
    if hashlib.sha256(example).hexdigest() != "65707a3e09e4d9961559da876027b3c55af147ce033bc83223781240e2360029":
        raise ValueError("the worked example of spec/artifact.md does not follow from its text")
    out.put("keys/tiny.pub", tiny.public_file())
    add(out, "worked-example", example, "13", "the worked example of the specification", trust=["tiny"], signers=["tiny"])
    for key in (PUBLISHER, SECOND, STRANGER, NAMESAKE):
        out.put(f"keys/{key.name}.pub", key.public_file())


def containers(out):
    def bad(file, data, shows, expect):
        add(out, file, data, "1", shows, expect)

    good = c.artifact(c.metadata(), ME)
    rest = c.body(c.metadata())
    signature = c.custom("signature", c.payload(rest, c.pairs(rest, ME)))
    bad("empty", b"", "no bytes at all", "preamble")
    bad("preamble-cut", good[:7], "seven bytes", "preamble")
    bad("preamble-version", b"\0asm\x02\0\0\0" + good[8:], "WebAssembly of a version that does not exist", "preamble")
    bad("preamble-flipped", c.COMPONENT + good[8:], "a module under the preamble of a component", "kind")
    bad("preamble-flipped-component", c.MODULE + c.artifact(c.metadata("component"), ME, preamble=c.COMPONENT)[8:],
        "a component under the preamble of a module", "kind")
    bad("four-gibibytes", c.MODULE + b"\0\xff\xff\xff\xff\x0f", "fourteen bytes that declare 4 GiB", "truncated")
    bad("leb-overflow", c.MODULE + b"\0\xff\xff\xff\xff\x1f", "a size of 33 bits", "integer")
    bad("leb-too-long", c.MODULE + b"\0\x80\x80\x80\x80\x80\0", "a size of six bytes", "integer")
    bad("size-cut", good + b"\x01\x80", "a size that the end cuts off", "truncated")
    bad("id-only", good + b"\x01", "a section that is only an id", "truncated")
    bad("section-beyond-end", good + b"\x01\x05abc", "a section that reaches beyond the end", "truncated")
    bad("name-beyond-section", c.artifact(c.metadata(), ME, c.section(0, b"\x09name")),
        "a custom section whose name is longer than the section", "section-name")
    bad("name-not-utf8", c.artifact(c.metadata(), ME, c.custom(b"\xff\xfe", b"")),
        "a custom section whose name is not UTF-8", "section-name")
    bad("name-missing", c.artifact(c.metadata(), ME, c.section(0, b"")),
        "a custom section without a name", "section-name")
    bad("signature-size-padded", c.MODULE + c.custom("signature", c.payload(rest, c.pairs(rest, ME)), 5) + rest,
        "a padded size of the signature section", "integer")
    bad("signature-name-padded", c.MODULE + c.custom("signature", c.payload(rest, c.pairs(rest, ME)), 0, 2) + rest,
        "a padded name length of the signature section", "integer")
    padded = c.custom("zero", c.compact(c.metadata()), 5)
    bad("metadata-size-padded", c.MODULE + c.custom("signature", c.payload(padded, c.pairs(padded, ME))) + padded,
        "a padded size of the metadata section, signed", "integer")
    bad("signature-not-first", c.MODULE + c.custom("name", b"") + signature + rest,
        "a section before the signature", "missing-metadata")
    bad("signature-after-metadata", c.MODULE + rest + signature, "the signature after the metadata", "reserved-section")
    bad("signature-last", c.MODULE + rest + ADD + signature, "the signature at the end", "reserved-section")
    bad("signature-twice", c.MODULE + signature + signature + rest, "two signatures", "missing-metadata")
    bad("signature-twice-apart", c.MODULE + signature + rest + signature, "a second signature at the end",
        "reserved-section")
    for file, program, shows in [
        ("delimiter", c.custom("signature_delimiter", bytes(16)), "a delimiter of partial signatures, signed"),
        ("metadata-twice", c.custom("zero", c.compact(c.metadata())), "a second metadata section, signed"),
        ("files-late", ADD + c.custom("zero-files", c.tar()), "bundled files behind the program, signed"),
        ("reserved-name", c.custom("zero-later", b""), "a section of a later version, signed")]:
        bad(file, c.artifact(c.metadata(), ME, program), shows, "reserved-section")
    two = c.custom("zero-files", c.tar())
    bad("files-twice", c.artifact(c.metadata(), ME, two, c.tar()), "two sections of bundled files, signed",
        "reserved-section")
    bad("metadata-missing", c.MODULE + ADD, "a plain WebAssembly module", "missing-metadata")
    swapped = c.custom("zero-files", c.tar()) + rest
    bad("files-before-metadata", c.MODULE + c.custom("signature", c.payload(swapped, c.pairs(swapped, ME))) + swapped,
        "bundled files before the metadata, signed", "missing-metadata")
    bad("metadata-not-json", c.artifact(b"{", ME), "metadata that is not JSON, signed", "json")
    bad("metadata-empty", c.artifact(b"", ME), "empty metadata, signed", "json")


def signature_sections(out):
    rest = c.body(c.metadata())
    digest = hashlib.sha256(rest).digest()
    one = c.pairs(rest, ME)
    raw = PUBLISHER.sign(c.message(rest))

    def bad(file, payload, shows, expect="signature-section", more=()):
        add(out, file, c.MODULE + c.custom("signature", payload) + rest, "3", shows, expect, *more)

    def head(*values):
        return bytes(values)

    sets = c.hash_set([digest], one)
    bad("signature-version", head(2, 1, 1, 1) + sets, "version 2 of the convention")
    bad("signature-content", head(1, 2, 1, 1) + sets, "another sort of content")
    bad("signature-hash-function", head(1, 1, 2, 1) + sets, "another hash function")
    bad("signature-no-sets", head(1, 1, 1, 0), "no set of hashes")
    bad("signature-two-sets", head(1, 1, 1, 2) + sets + sets, "two sets of hashes")
    bad("signature-65-sets", head(1, 1, 1, 65) + sets, "a count of 65 sets")
    bad("signature-no-hash", head(1, 1, 1, 1) + c.hash_set([], one), "no hash")
    other = hashlib.sha256(b"another body").digest()
    bad("signature-two-hashes", head(1, 1, 1, 1) + c.hash_set([other, digest], one),
        "two hashes, one of which is the body's")
    bad("signature-no-records", head(1, 1, 1, 1) + c.hash_set([digest], []), "no signature in the section")
    many = sorted((bytes([at]) + bytes(7), raw) for at in range(17))
    bad("signature-17-records", head(1, 1, 1, 1) + c.hash_set([digest], [c.pair(*one) for one in many]),
        "one signature more than allowed")
    bad("signature-repeated", head(1, 1, 1, 1) + c.hash_set([digest], one + one), "the same signature twice")
    both = c.pairs(rest, [PUBLISHER, SECOND])
    bad("signature-unsorted", head(1, 1, 1, 1) + c.hash_set([digest], both[::-1]), "signatures in descending order")
    bad("signature-algorithm", head(1, 1, 1, 1) + c.hash_set([digest], [c.pair(PUBLISHER.number, raw, 2)]),
        "another signature algorithm")
    bad("signature-no-number", head(1, 1, 1, 1) + c.hash_set([digest], [c.pair(b"", raw)]), "no key number")
    bad("signature-short", head(1, 1, 1, 1) + c.hash_set([digest], [c.pair(PUBLISHER.number, raw[:63])]),
        "a signature of 63 bytes")
    bad("signature-trailing", head(1, 1, 1, 1) + sets + b"\0", "a byte after the set")
    bad("signature-trailing-in-set", head(1, 1, 1, 1) + c.hash_set([digest], [*one, b"\0"], 2), "a byte after the records")
    bad("signature-set-length", head(1, 1, 1, 1) + bytes([sets[0] - 1]) + sets[1:], "a set that is said to be shorter")
    bad("signature-cut", head(1, 1, 1, 1) + sets[:-1], "a section that ends inside a signature")
    bad("signature-empty", b"", "an empty signature section")
    number, alone = PUBLISHER.number, c.record(PUBLISHER.number, raw)
    bad("twin-missing", head(1, 1, 1, 1) + c.hash_set([digest], [alone], 1), "a record without its twin")
    bad("twin-first", head(1, 1, 1, 1) + c.hash_set([digest], [c.record(b"", raw) + alone], 2), "the twin before its record")
    bad("twin-number", head(1, 1, 1, 1) + c.hash_set([digest], [alone, alone], 2), "a twin with a key number")
    bad("twin-other", head(1, 1, 1, 1) + c.hash_set([digest], [alone, c.record(b"", bytes(64))], 2), "a twin with another signature")
    bad("twin-three", head(1, 1, 1, 1) + c.hash_set([digest], [*one, c.record(b"", raw)], 3), "an odd number of records")
    bad("number-twelve", head(1, 1, 1, 1) + c.hash_set([digest], [c.pair(number + bytes(4), raw)]), "a key number of another length")
    bad("signature-count-padded", head(1, 1, 1) + c.leb(1, 2) + sets, "a padded count", "integer")
    bad("signature-text-framing", head(1, 1, 1, 1) + b"\x01" + digest + b"\x01" + one[0][1:76],
        "the framing of the convention's text, without lengths")
    bad("signature-too-long", head(1, 1, 1, 1) + sets + bytes(4096), "a payload of more than 4,096 bytes")


def trust(out):
    rest = c.body(c.metadata())
    digest = hashlib.sha256(rest).digest()

    def add_(file, data, shows, expect="ok", trust=("publisher",), **more):
        add(out, file, data, "4", shows, expect, trust, **more)

    def with_pairs(*pairs, signed=rest):
        sets = c.hash_set([hashlib.sha256(signed).digest()], list(pairs))
        return c.MODULE + c.custom("signature", b"\x01\x01\x01\x01" + sets) + rest

    def forged(sign):
        return with_pairs(c.pair(PUBLISHER.number, sign))

    message = c.message(rest)
    two = c.artifact(c.metadata(), [PUBLISHER, SECOND])
    add_("two-signers", two, "two signers, both trusted", trust=["publisher", "second"], signers=["publisher", "second"])
    add_("two-signers-one-trusted", two, "two signers, one trusted", trust=["second"], signers=["second"])
    add_("shared-number", c.artifact(c.metadata(), ME), "a trusted key that shares the signer's number",
         trust=["namesake", "publisher"], signers=["publisher"])
    add_("unsigned", c.artifact(c.metadata(), []), "no signature", "unsigned")
    add_("nested-signature-only", c.artifact(c.metadata("component"), [], c.section(1, c.artifact(c.metadata(), ME)),
                                             preamble=c.COMPONENT), "a signature only inside a nested module", "unsigned")
    add_("trust-nobody", c.artifact(c.metadata(), ME), "no trusted key at all", "untrusted", trust=[])
    add_("stranger", c.artifact(c.metadata(), [STRANGER]), "a signer that nobody trusts", "untrusted")
    add_("namesake", c.artifact(c.metadata(), [NAMESAKE]),
         "another key with the number of a trusted one", "signature")
    add_("one-bad-signature", with_pairs(*sorted([c.pair(PUBLISHER.number, bytes(64)), c.pairs(rest, [SECOND])[0]])),
         "a good signature beside a wrong one, both of trusted keys", "signature", trust=["publisher", "second"])
    good = c.artifact(c.metadata(), ME, ADD)
    add_("body-replaced", good[:-len(ADD)] + ADD.replace(b"\x6a\x0b", b"\x6b\x0b"), "a program changed after signing", "hash")
    add_("section-appended", good + c.custom("x", b""), "a section added after signing", "hash")
    add_("section-removed", good[:-len(ADD)], "the program removed after signing", "hash")
    add_("metadata-replaced", good.replace(b'"1.0.0"', b'"1.0.1"'), "another version written in after signing", "hash")
    add_("hash-replaced", with_pairs(*c.pairs(rest, ME), signed=rest + b"x").replace(
        hashlib.sha256(rest + b"x").digest(), hashlib.sha256(b"").digest()), "a hash of something else", "hash")
    other = c.body(c.metadata(version="2.0.0"))
    add_("signature-of-another", with_pairs(*c.pairs(other, ME)), "the signature of another artifact", "signature")
    add_("signature-of-digest", forged(PUBLISHER.sign(digest)), "a signature without the domain prefix", "signature")
    blake = hashlib.blake2b(c.artifact(c.metadata(), []), digest_size=64).digest()
    add_("signature-of-minisig", forged(PUBLISHER.sign(blake)), "a detached signature put inside", "signature")
    for lax, sign, shows in ed25519.LAX:
        add_("signature-" + lax, forged(sign(PUBLISHER.seed, message)), shows, "signature")
    add_("signature-zero", forged(bytes(64)), "64 zero bytes", "signature")


def files(out):
    def bundle(file, archive, shows, expect, **more):
        add(out, "files-" + file, c.artifact(c.metadata(), ME, files=archive), "10", shows, expect, **more)

    one = c.entry("a", b"x")
    plain = c.tar(one)
    bundle("empty-archive", c.tar(), "an archive without entries", "ok", files=[])
    bundle("prefix", c.tar(c.entry("b", b"x", prefix="a" * 120)), "a path in both fields", "ok", files=["a" * 120 + "/b"])
    bundle("padded", c.tar(one, end=bytes(10240)), "zeros up to a block of 10 KiB", "ok", files=["a"])
    bundle("folder-later", c.tar(c.entry("d/a"), c.entry("d/", kind=b"5", mode=0o755)),
           "a folder after a file in it, written with a slash", "ok", files=["d/a", "d/"])
    bundle("not-gzip", b"plain", "no gzip stream", "files-gzip")
    bundle("gzip-cut", plain[:-9], "a gzip stream that is cut short", "files-gzip")
    bundle("gzip-checksum", plain[:-8] + b"\0\0\0\0" + plain[-4:], "a wrong CRC of the gzip stream", "files-gzip")
    bundle("no-end", c.tar(one, end=b""), "no end mark", "files-gzip")
    bundle("content-cut", c.gzip(c.header("a", 600) + b"x" * 512), "content that is shorter than its size", "files-gzip")
    bundle("size-lie", c.gzip(c.header("a", 2**33 - 1) + bytes(1024)), "a file that declares 8 GiB", "files-limit")
    bundle("gzip-trailing", plain + b"\0", "a byte after the gzip stream", "files-trailing")
    bundle("gzip-second-member", plain + c.gzip(b""), "a second gzip member", "files-trailing")
    bundle("entry-after-end", c.gzip(one + bytes(1024) + one), "an entry after the end mark", "files-trailing")
    bundle("half-end", c.gzip(one + bytes(512) + one), "half an end mark", "files-trailing")
    bundle("padding", c.gzip(c.header("a", 1) + b"xy" + bytes(510) + bytes(1024)), "something in a file's padding",
           "files-trailing")
    for file, more, shows in [
        ("symlink", {"kind": b"2", "link": "/etc/passwd"}, "a symbolic link"),
        ("hard-link", {"kind": b"1", "link": "a"}, "a hard link"),
        ("device", {"kind": b"3"}, "a device"),
        ("gnu-long-name", {"kind": b"L"}, "a GNU long name"),
        ("pax", {"kind": b"x"}, "a pax header"),
        ("gnu-magic", {"magic": b"ustar  \0"}, "a GNU archive"),
        ("old-magic", {"magic": bytes(8)}, "an archive older than ustar"),
        ("setuid", {"mode": 0o4755}, "a setuid bit"),
        ("world-writable", {"mode": 0o666}, "a mode that is not one of the two"),
        ("checksum", {"checksum": 1}, "a wrong checksum"),
        ("folder-mode", {"kind": b"5", "mode": 0o644}, "a folder with the mode of a file"),
        ("link-name", {"link": "b"}, "a regular file with a link name")]:
        bundle(file, c.tar(c.entry("a", **more)), shows, "files-header")
    bundle("folder-size", c.tar(c.entry("a", b"x", kind=b"5", mode=0o755)), "a folder with content", "files-header")
    bundle("name-after-nul", c.tar(c.entry(b"a\0b")), "a name with bytes after its NUL", "files-header")
    bundle("name-not-utf8", c.tar(c.entry(b"\xff")), "a name that is not UTF-8", "files-header")
    for file, name, shows in [
        ("absolute", "/etc/passwd", "an absolute path"), ("parent", "../a", "a path that climbs"),
        ("parent-inside", "a/../../b", "a path that climbs from below"), ("dot", "./a", "a path with a dot"),
        ("empty-name", "", "an empty path"), ("double-slash", "a//b", "an empty part"), ("file-slash", "a/", "a file with a slash at its end"),
        ("backslash", "a\\b", "a backslash"), ("drive", "c:a", "a drive letter"), ("device-name", "nul.txt", "a Windows device"),
        ("trailing-dot", "a.", "a dot at the end"), ("trailing-space", "a ", "a space at the end"),
        ("escape", "a\x1b[2J", "an escape sequence"), ("not-ascii", "ä", "a letter that is not ASCII"),
        ("deep", "/".join("a" * 33), "33 parts")]:
        bundle("path-" + file, c.tar(c.entry(name)), shows, "files-path")
    bundle("same-path", c.tar(one, one), "the same path twice", "files-collision")
    bundle("case", c.tar(c.entry("a"), c.entry("A")), "paths that differ in case", "files-collision")
    bundle("parent-case", c.tar(c.entry("d/a"), c.entry("D/b")), "parents that differ in case", "files-collision")
    bundle("under-file", c.tar(c.entry("a"), c.entry("a/b")), "a file below a file", "files-collision")
    bundle("folder-twice", c.tar(*[c.entry("d", kind=b"5", mode=0o755)] * 2), "the same folder twice", "files-collision")
