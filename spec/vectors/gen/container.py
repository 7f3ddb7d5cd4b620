"""The bytes of a `.zero` file (spec/artifact.md, "Container")."""

import hashlib
import json
import struct
import zlib

MODULE = b"\0asm\x01\0\0\0"
COMPONENT = b"\0asm\x0d\0\x01\0"


def leb(value, width=0):
    """Unsigned LEB128; `width` pads it to that many bytes."""
    out = bytearray()
    while True:
        byte, value = value & 0x7F, value >> 7
        more = value or len(out) + 1 < width
        out.append(byte | (0x80 if more else 0))
        if not more:
            return bytes(out)


def section(id_, content, width=0):
    return bytes([id_]) + leb(len(content), width) + content


def custom(name, payload, width=0, name_width=0):
    name = name.encode() if isinstance(name, str) else name
    return section(0, leb(len(name), name_width) + name + payload, width)


def compact(value):
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


def metadata(kind="module", name="acme/tool", version="1.0.0", **more):
    return {"zero": 1, "kind": kind, "package": {"name": name, "version": version},
            "capabilities": {}, **more}


def message(body):
    return b"wasmsig" + bytes([1, 1, 1]) + hashlib.sha256(body).digest()


def record(number, signature, algorithm=1):
    inner = leb(len(number)) + number + bytes([algorithm]) + leb(len(signature)) + signature
    return leb(len(inner)) + inner


def pair(number, signature, algorithm=1):
    """A record and its twin without a key number."""
    return record(number, signature, algorithm) + record(b"", signature, algorithm)


def hash_set(hashes, pairs, count=None):
    count = 2 * len(pairs) if count is None else count
    inner = leb(len(hashes)) + b"".join(hashes) + leb(count) + b"".join(pairs)
    return leb(len(inner)) + inner


def payload(body, pairs):
    return bytes([1, 1, 1, 1]) + hash_set([hashlib.sha256(body).digest()], pairs)


def pairs(body, keys):
    signed = sorted((key.number, key.sign(message(body))) for key in keys)
    return [pair(*one) for one in signed]


def body(meta, program=b"", files=None):
    meta = meta if isinstance(meta, bytes) else compact(meta)
    bundled = custom("zero-files", files) if files is not None else b""
    return custom("zero", meta) + bundled + program


def artifact(meta, keys, program=b"", files=None, preamble=MODULE):
    rest = body(meta, program, files)
    signature = custom("signature", payload(rest, pairs(rest, keys))) if keys else b""
    return preamble + signature + rest


# Bundled files: ustar in gzip. Nothing is compressed, so that every machine writes the same bytes.

def gzip(data):
    blocks = [data[at:at + 0xFFFF] for at in range(0, len(data), 0xFFFF)] or [b""]
    stored = b"".join(
        struct.pack("<BHH", at == len(blocks) - 1, len(block), len(block) ^ 0xFFFF) + block
        for at, block in enumerate(blocks))
    head = b"\x1f\x8b\x08\0\0\0\0\0\0\xff"
    return head + stored + struct.pack("<II", zlib.crc32(data), len(data) & 0xFFFFFFFF)


def header(name, size, kind=b"0", mode=0o644, link="", prefix="", magic=b"ustar\x0000", checksum=None):
    name, prefix, link = (t.encode() if isinstance(t, str) else t for t in (name, prefix, link))

    def block(sum_):
        fields = [(name, 100), (b"%07o" % mode, 8), (b"%07o" % 0, 8), (b"%07o" % 0, 8),
                  (b"%011o" % size, 12), (b"%011o" % 0, 12), (sum_, 8), (kind, 1), (link, 100),
                  (magic, 8), (b"", 32), (b"", 32), (b"%07o" % 0, 8), (b"%07o" % 0, 8),
                  (prefix, 155), (b"", 12)]
        return b"".join(text.ljust(width, b"\0") for text, width in fields)

    total = sum(block(b" " * 8)) if checksum is None else checksum
    return block(b"%06o\0 " % total)


def entry(name, content=b"", **more):
    return header(name, len(content), **more) + content + bytes(-len(content) % 512)


def tar(*entries, end=bytes(1024)):
    return gzip(b"".join(entries) + end)
