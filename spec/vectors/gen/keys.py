"""Minisign keys and signatures (spec/artifact.md, "Keys"), made from names so that they never change."""

import base64
import hashlib
import struct

from . import ed25519


def b64(data):
    return base64.b64encode(data).decode()


class Key:
    def __init__(self, name, number=None):
        self.name = name
        self.seed = hashlib.sha256(b"zero vector key " + name.encode()).digest()
        self.number = number or hashlib.sha256(b"zero vector key number " + name.encode()).digest()[:8]
        self.public = ed25519.public_key(self.seed)

    def line(self):
        return b64(b"Ed" + self.number + self.public)

    def number_hex(self):
        return "%016X" % struct.unpack("<Q", self.number)[0]

    def public_file(self):
        return f"untrusted comment: minisign public key {self.number_hex()}\n{self.line()}\n"

    def secret_bytes(self):
        secret = self.seed + self.public
        check = hashlib.blake2b(b"Ed" + self.number + secret, digest_size=32).digest()
        return b"Ed" + bytes(2) + b"B2" + bytes(32 + 8 + 8) + self.number + secret + check

    def secret_file(self):
        return f"untrusted comment: minisign unencrypted secret key\n{b64(self.secret_bytes())}\n"

    def sign(self, message):
        return ed25519.sign(self.seed, message)

    def minisig(self, message, comment, untrusted="signature from the vector generator", sign=ed25519.sign):
        signature = sign(self.seed, hashlib.blake2b(message, digest_size=64).digest())
        return minisig_text(self, signature, comment, untrusted=untrusted)


def minisig_text(key, signature, comment, label=b"ED", untrusted="signature from the vector generator",
                 overall=None):
    overall = overall if overall is not None else key.sign(signature + comment.encode())
    return (f"untrusted comment: {untrusted}\n{b64(label + key.number + signature)}\n"
            f"trusted comment: {comment}\n{b64(overall)}\n")


PUBLISHER = Key("publisher")
SECOND = Key("second")
STRANGER = Key("stranger")
# Another key that chose the publisher's number.
NAMESAKE = Key("namesake", PUBLISHER.number)
ALL = [PUBLISHER, SECOND, STRANGER, NAMESAKE]
