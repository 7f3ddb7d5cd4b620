"""Keys and detached signatures as minisign writes them (spec/keys.md)."""

import hashlib

from . import ed25519
from .keys import ALL, NAMESAKE, PUBLISHER, SECOND, b64, minisig_text
from .output import Area

MESSAGE = b"the signed bytes\n"


def keys():
    out = Area("key", "spec/keys.md")

    def public(file, data, shows, expect="ok", **more):
        out.add(file + ".pub", data, "2", shows, expect, **more)

    def secret(file, data, shows, expect="ok", **more):
        out.add(file + ".key", data, "3", shows, expect, **more)

    key = PUBLISHER
    who = {"number": key.number_hex(), "public": key.public.hex()}
    public("file", key.public_file(), "a public key file", **who)
    public("line", key.line() + "\n", "the line alone", **who)
    public("line-without-end", key.line(), "the line alone, without a line feed", **who)

    def point(data, label=b"Ed"):
        return f"untrusted comment: x\n{b64(label + key.number + data)}\n"

    for file, data, shows in [("order-1", ed25519.IDENTITY, "the identity"), ("order-2", (ed25519.P - 1).to_bytes(32, "little"), "order 2"),
                              ("order-4", ed25519.ORDER_4, "order 4"), ("order-8", ed25519.ORDER_8, "order 8")]:
        public("weak-" + file, point(data), f"a point of small order: {shows}", "key-weak")
    public("not-canonical", point((ed25519.P + 3).to_bytes(32, "little")), "y is not reduced", "key-canonical")
    public("not-canonical-weak", point((ed25519.P + 1).to_bytes(32, "little")), "the identity, not reduced", "key-canonical")
    off = next(y for y in range(2, 99) if ed25519.recover_x(y, 0) is None)
    public("no-point", point(off.to_bytes(32, "little")), "no point of the curve", "key-point")
    public("algorithm", point(key.public, b"XX"), "another algorithm", "key-algorithm")
    public("short", f"untrusted comment: x\n{b64(b'Ed' + key.number + key.public[:31])}\n", "a byte is missing", "key-length")
    public("long", f"untrusted comment: x\n{b64(b'Ed' + key.number + key.public + b'x')}\n", "a byte too many", "key-length")
    public("empty", "", "nothing", "key-text")
    public("comment-only", "untrusted comment: x\n", "no key after the comment", "key-text")
    public("two-keys", key.public_file() + SECOND.line() + "\n", "a second key", "key-text")
    public("base64-alphabet", key.public_file().replace("RW", "R_"), "base64 of the URL alphabet", "key-text")
    public("base64-padding", key.line()[:-1] + "\n", "a character is missing", "key-text")
    public("base64-long", "A" * 600 + "\n", "a line longer than any key", "key-text")
    public("is-secret", key.secret_file(), "a secret key", "key-is-secret")

    secret("plain", key.secret_file(), "an unencrypted secret key", **who)
    raw = key.secret_bytes()

    def altered(at, data):
        text = raw[:at] + data + raw[at + len(data):]
        return f"untrusted comment: x\n{b64(text)}\n"

    # minisign itself leaves the checksum of an unencrypted key zero.
    secret("zero-checksum", altered(126, bytes(32)), "an unencrypted key without a checksum", **who)
    secret("damaged", altered(126, b"\1" * 32), "a wrong checksum", "key-damaged")
    secret("halves", altered(94, SECOND.public + bytes(32)), "the public half of another key", "key-halves")
    secret("algorithm", altered(0, b"XX"), "another algorithm", "key-algorithm")
    secret("kdf", altered(2, b"A2"), "another password hash", "key-algorithm")
    secret("checksum-algorithm", altered(4, b"S2"), "another checksum", "key-algorithm")
    locked = raw[:2] + b"Sc" + raw[4:6] + bytes(32)
    secret("needs-password", f"untrusted comment: x\n{b64(locked + (2**22).to_bytes(8, 'little') + (2**27).to_bytes(8, 'little') + bytes(104))}\n",
           "an encrypted key, and no password", "key-password")
    secret("costly", f"untrusted comment: x\n{b64(locked + (2**62).to_bytes(8, 'little') + (2**50).to_bytes(8, 'little') + bytes(104))}\n",
           "a password cost of a petabyte", "key-cost", password="x")
    secret("is-public", key.public_file(), "a public key", "key-is-public")
    secret("short", f"untrusted comment: x\n{b64(raw[:-1])}\n", "a byte is missing", "key-length")
    return out


def minisigs():
    out = Area("minisig", "spec/keys.md")
    out.put("message", MESSAGE)
    for key in ALL:
        out.put(f"keys/{key.name}.pub", key.public_file())
    key = PUBLISHER
    good = key.minisig(MESSAGE, "timestamp:0\tfile:message")
    hashed = hashlib.blake2b(MESSAGE, digest_size=64).digest()
    signature = key.sign(hashed)
    comment = "c"

    def add(file, text, shows, expect="ok", by="publisher"):
        out.add(file + ".minisig", text, "5", shows, expect, key=by)

    add("good", good, "what minisign writes, with its tabs")
    add("empty-comment", key.minisig(MESSAGE, ""), "an empty trusted comment")
    add("unicode", key.minisig(MESSAGE, "Zähler 1.2 – 単語"), "text of other scripts in the trusted comment")
    add("other-untrusted", key.minisig(MESSAGE, "x", untrusted="anything"), "an untrusted comment, which nothing covers")
    lines = good.splitlines(keepends=True)

    def line(at, text):
        return "".join(lines[:at] + [text] + lines[at + 1:])

    add("crlf", good.replace("\n", "\r\n"), "line ends of another system", "minisig-character")
    add("no-final-line-feed", good[:-1], "no line feed at the end", "minisig-lines")
    add("trailing-line", good + "x\n", "a fifth line", "minisig-lines")
    add("trailing-empty-line", good + "\n", "an empty fifth line", "minisig-lines")
    add("missing-line", "".join(lines[:3]), "three lines", "minisig-lines")
    add("empty", "", "nothing", "minisig-lines")
    add("untrusted-prefix", line(0, "comment: x\n"), "no prefix before the untrusted comment", "minisig-prefix")
    add("trusted-prefix", line(2, "timestamp:0\tfile:message\n"), "no prefix before the trusted comment", "minisig-prefix")
    add("prefix-case", line(2, lines[2].replace("trusted", "Trusted")), "a prefix in another case", "minisig-prefix")
    add("escape-untrusted", line(0, "untrusted comment: \x1b[2J\n"), "an escape sequence in the untrusted comment", "minisig-character")
    add("escape-trusted", key.minisig(MESSAGE, "\x1b[2J"), "an escape sequence in the trusted comment, signed", "minisig-character")
    add("bidi-trusted", key.minisig(MESSAGE, "\u202etxt"), "a reordered trusted comment, signed", "minisig-character")
    add("tag-trusted", key.minisig(MESSAGE, "a\U000e0041"), "an invisible character in the trusted comment, signed", "minisig-character")
    add("nul", line(0, "untrusted comment: a\0b\n"), "a zero byte", "minisig-character")
    add("base64-space", line(1, lines[1].replace("RU", "RU ")), "a space inside base64", "minisig-base64")
    add("base64-short", line(1, b64(b"ED" + key.number + signature[:63]) + "\n"), "a signature of 63 bytes", "minisig-base64")
    add("base64-padding-bits", line(1, lines[1][:-3] + chr(ord(lines[1][-3]) + 1) + "=\n"), "base64 with bits in its padding", "minisig-base64")
    add("global-short", line(3, b64(bytes(63)) + "\n"), "a global signature of 63 bytes", "minisig-base64")
    add("untrusted-long", line(0, "untrusted comment: " + "a" * 1024 + "\n"), "an untrusted comment longer than minisign reads", "minisig-length")
    add("trusted-long", key.minisig(MESSAGE, "a" * 8192), "a trusted comment longer than minisign reads", "minisig-length")
    legacy = key.sign(MESSAGE)
    add("legacy", minisig_text(key, legacy, comment, b"Ed"), "a signature over the bytes themselves", "minisig-legacy")
    add("relabelled", minisig_text(key, signature, comment, b"Ed"), "a signature over the hash that says it is one over the bytes", "minisig-legacy")
    add("legacy-relabelled", minisig_text(key, legacy, comment), "a signature over the bytes that says it is one over the hash", "minisig-signature")
    add("global-replayed", minisig_text(key, key.sign(signature + b"c"), comment), "a global signature in place of the first", "minisig-signature")
    add("algorithm", minisig_text(key, signature, comment, b"XX"), "another algorithm", "minisig-algorithm")
    add("another-message", key.minisig(MESSAGE + b"x", comment), "a signature over other bytes", "minisig-signature")
    add("trusted-comment-changed", good.replace("file:message", "file:another"), "a trusted comment changed after signing", "minisig-comment")
    add("global-zero", minisig_text(key, signature, comment, overall=bytes(64)), "a global signature of zeros", "minisig-comment")
    add("wrong-key", SECOND.minisig(MESSAGE, comment), "a signature by another key", "minisig-key")
    add("namesake", NAMESAKE.minisig(MESSAGE, comment), "a signature by another key of the same number", "minisig-signature")
    for lax, sign, shows in ed25519.LAX:
        weak = sign(key.seed, hashed)
        add(lax, minisig_text(key, weak, comment), shows, "minisig-signature")
        overall = sign(key.seed, signature + comment.encode())
        add("global-" + lax, minisig_text(key, signature, comment, overall=overall), f"over the comment, {shows}", "minisig-comment")
    add("zero", minisig_text(key, bytes(64), comment), "64 zero bytes", "minisig-signature")
    inside = key.sign(b"wasmsig" + bytes([1, 1, 1]) + hashlib.sha256(MESSAGE).digest())
    add("from-artifact", minisig_text(key, inside, comment), "the signature of an artifact taken outside", "minisig-signature")
    return out
