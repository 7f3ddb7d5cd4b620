"""Ed25519 as RFC 8032, section 5.1, defines it, for generating vectors. Not constant time."""

import hashlib

P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
SQRT_M1 = pow(2, (P - 1) // 4, P)


def add(p, q):
    """Adds points in extended coordinates (X, Y, Z, T)."""
    a = (p[1] - p[0]) * (q[1] - q[0]) % P
    b = (p[1] + p[0]) * (q[1] + q[0]) % P
    c = 2 * p[3] * q[3] * D % P
    d = 2 * p[2] * q[2] % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return (e * f % P, g * h % P, f * g % P, e * h % P)


def multiply(scalar, point):
    result = (0, 1, 1, 0)
    while scalar:
        if scalar & 1:
            result = add(result, point)
        point = add(point, point)
        scalar >>= 1
    return result


def recover_x(y, sign):
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * SQRT_M1 % P
    if (x * x - square) % P:
        return None
    return P - x if x & 1 != sign else x


def encode(point):
    inverse = pow(point[2], P - 2, P)
    x, y = point[0] * inverse % P, point[1] * inverse % P
    return (y | (x & 1) << 255).to_bytes(32, "little")


def decode(data):
    y = int.from_bytes(data, "little")
    sign, y = y >> 255, y & (2**255 - 1)
    x = recover_x(y, sign)
    return (x, y, 1, x * y % P)


_BASE_Y = 4 * pow(5, P - 2, P) % P
_BASE_X = recover_x(_BASE_Y, 0)
BASE = (_BASE_X, _BASE_Y, 1, _BASE_X * _BASE_Y % P)
# Points of order 4 and 8; those of order 1 and 2 have y = 1 and y = -1.
ORDER_4 = bytes(32)
ORDER_8 = bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05")
IDENTITY = encode((0, 1, 1, 0))


def expand(seed):
    digest = hashlib.sha512(seed).digest()
    scalar = int.from_bytes(digest[:32], "little")
    return (scalar & (2**254 - 8)) | 2**254, digest[32:]


def public_key(seed):
    return encode(multiply(expand(seed)[0], BASE))


def _hash(*parts):
    return int.from_bytes(hashlib.sha512(b"".join(parts)).digest(), "little") % L


def sign(seed, message):
    scalar, prefix = expand(seed)
    nonce = _hash(prefix, message)
    return _finish(seed, scalar, nonce, message)


def sign_with_low_order_r(seed, message):
    """A signature whose R is the identity: the equation holds, strict verifiers refuse it."""
    return _finish(seed, expand(seed)[0], 0, message)


def sign_with_unreduced_r(seed, message):
    """The same, with the identity written as y = 2^255 - 18."""
    return _finish(seed, expand(seed)[0], 0, message, (P + 1).to_bytes(32, "little"))


def sign_for_cofactor(seed, message):
    """A signature whose R has a part of order 8: the equation holds only when multiplied by the cofactor."""
    nonce = _hash(b"cofactor", message)
    r = encode(add(multiply(nonce, BASE), decode(ORDER_8)))
    return _finish(seed, expand(seed)[0], nonce, message, r)


def _finish(seed, scalar, nonce, message, r=None):
    r = r or encode(multiply(nonce, BASE))
    s = (nonce + _hash(r, public_key(seed), message) * scalar) % L
    return r + s.to_bytes(32, "little")


def malleate(signature):
    """The same signature with S + L in place of S: a second spelling that must be refused."""
    s = int.from_bytes(signature[32:], "little") + L
    return signature[:32] + s.to_bytes(32, "little")


# What lax verifiers accept and strict ones refuse: (name, how it is made of seed and message, in words).
LAX = [
    ("s-plus-l", lambda seed, message: malleate(sign(seed, message)), "a scalar that is not reduced"),
    ("low-order-r", sign_with_low_order_r, "a commitment of small order"),
    ("unreduced-r", sign_with_unreduced_r, "a commitment that is not reduced"),
    ("cofactor", sign_for_cofactor, "a signature that holds only times the cofactor"),
]
