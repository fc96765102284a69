"""Ways of bending a JWT that somebody else signs (area G), for every consumer of such JWTs."""

import base64
import json
from collections.abc import Callable
from typing import Any

_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


def encoded(value: Any) -> str:
    """Return octets, or a value as JSON, in base64url without padding."""
    octets = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()


def _rehead(**changes: Any) -> Callable[[str], str]:
    def mutate(token: str) -> str:
        header, claims, signature = token.split(".")
        kept = json.loads(base64.urlsafe_b64decode(header + "=" * (-len(header) % 4)))
        return f"{encoded(kept | changes)}.{claims}.{signature}"

    return mutate


def _unsigned(alg: str) -> Callable[[str], str]:
    return lambda token: _rehead(alg=alg)(token).rsplit(".", 1)[0] + "."


def _signature(octets: bytes) -> Callable[[str], str]:
    return lambda token: token.rsplit(".", 1)[0] + "." + encoded(octets)


def _payload(value: Any) -> Callable[[str], str]:
    def mutate(token: str) -> str:
        header, _, signature = token.split(".")
        return f"{header}.{encoded(value)}.{signature}"

    return mutate


def _last_bit(token: str) -> str:
    return token[:-1] + _ALPHABET[_ALPHABET.index(token[-1]) ^ 1]


MUTATIONS: dict[str, Callable[[str], str]] = {
    "J01 none": _unsigned("none"),
    "J01 None": _unsigned("None"),
    "J01 nOnE": _unsigned("nOnE"),
    "J01 empty signature": lambda token: token.rsplit(".", 1)[0] + ".",
    "J01 two segments": lambda token: token.rsplit(".", 1)[0],
    "J03 HS256": _rehead(alg="HS256"),
    "J03 RS256 with the EC key": _rehead(alg="RS256"),
    "J03 ES256K": _rehead(alg="ES256K"),
    "J03 alg a list": _rehead(alg=["ES256"]),
    "J05 jku": _rehead(jku="https://attacker.test/jwks"),
    "J05 x5u": _rehead(x5u="https://attacker.test/x"),
    "J07 crit": _rehead(crit=["bork"]),
    "J07 empty crit": _rehead(crit=[]),
    "J08 b64 false": _rehead(b64=False),
    "J08 JSON serialization": lambda token: json.dumps({"payload": token}),
    "J08 detached": lambda token: token.split(".")[0] + ".." + token.split(".")[2],
    "J12 password-based": _rehead(alg="PBES2-HS256+A128KW", p2c=2**31),
    "J13 zip": _rehead(zip="DEF"),
    "J15 padded": lambda token: token + "=",
    "J15 last bit": _last_bit,
    "J15 white space": lambda token: token.replace(".", ". "),
    "J15 extra dot": lambda token: token + ".",
    "J15 non-ASCII": lambda token: token[:-1] + "é",
    "J16 null header": lambda token: f"{encoded(None)}.{token.split('.', 1)[1]}",
    "J16 text header": lambda token: f"{encoded('ES256')}.{token.split('.', 1)[1]}",
    "J16 deep payload": _payload(b"[" * 5_000),
    "J20 payload of another": _payload({"iss": "somebody", "sub": "somebody"}),
    "J24 zero signature": _signature(bytes(64)),
    "J24 short signature": _signature(bytes(63)),
    "J24 DER signature": _signature(bytes.fromhex("3006020101020101")),
    "very long": lambda token: token + "A" * 20_000,
    "one word": lambda _: "word",
}
"""What somebody without the key can do to a sound one."""

PAYLOADS: dict[str, bytes] = {
    "J16 null": b"null",
    "J16 array": b"[]",
    "J16 text": b'"prover"',
    "J16 number": b"7",
    "J16 empty": b"{}",
    "J16 duplicate names": b'{"sub":"prover","sub":"prover","iss":"prover"}',
    "J16 byte order mark": b"\xef\xbb\xbf{}",
    "J16 lone surrogate": b'{"sub":"\\ud800"}',
    "J16 not UTF-8": b'{"sub":"\xff"}',
    "J16 deep": b"[" * 5_000 + b"]" * 5_000,
    "J17 NaN": b'{"exp":NaN}',
    "J17 infinity": b'{"exp":1e400}',
    "not JSON": b"sub=prover",
}
"""What somebody with a key can sign."""
