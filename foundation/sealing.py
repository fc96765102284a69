"""Sealing of personal fields at rest, and the blind index by which a sealed value is found again.

Sealed form: ``version (1) · length of key id (1) · key id · nonce (12) · ciphertext · tag (16)``. The
context (for example ``person.name``) and the head of the form are authenticated with it, so that a value
moved to another column, or relabelled with another key, does not open. The first key of the ring seals;
every key of the ring opens; ``needs_reseal`` tells which values an operator's rotation still has to
rewrite.

Nonces are 96 random bits: one key seals at most 2**32 values (NIST SP 800-38D §8.3), which the rotation
keeps far away.
"""

import base64
import binascii
import hmac
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal, Protocol, cast

from cryptography.exceptions import InvalidTag, UnsupportedAlgorithm
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from foundation.entropy import Entropy
from foundation.problems import ErrorCode, RenzhengError, register

SealingAlgorithm = Literal["A256GCM", "SM4GCM"]

LONGEST_HEAD = 2 + 32
"""Octets at the beginning of a sealed form that tell its key, at most."""

_VERSION = 1
_NONCE = 12
_TAG = 16
_KEY_SIZES: dict[SealingAlgorithm, int] = {"A256GCM": 32, "SM4GCM": 16}
_KEY_ID = re.compile(r"[A-Za-z0-9_.-]{1,32}", re.ASCII)
_FEWEST_DISTINCT_OCTETS = 8


class SealBroken(RenzhengError):
    """A sealed value does not open: altered, moved to another context, or sealed with a key that is not in
    the ring.
    """

    error_code: ClassVar[ErrorCode] = register(
        ErrorCode(
            code="10011",
            status=500,
            title_zh="加密数据无法打开",
            title_en="Sealed data cannot be opened",
            cause_zh="一项加密保存的数据没有通过完整性校验，系统拒绝使用它。",
            cause_en=("A value kept in sealed form failed its integrity check, and the system refuses to use it."),
            remedy_zh="请联系服务热线并提供请求编号；运维人员应检查数据与密钥环。",
            remedy_en=(
                "Please contact the hotline with the request number. Operators should check the data and the key ring."
            ),
        )
    )


class UnusableSealingKey(RenzhengError):
    """The configured key material is missing, malformed, trivial or unsupported: the product must not
    start.
    """

    error_code: ClassVar[ErrorCode] = register(
        ErrorCode(
            code="10012",
            status=500,
            title_zh="密钥配置不可用",
            title_en="Key material is unusable",
            cause_zh="数据加密密钥缺失、格式不对或强度不足，系统拒绝启动。",
            cause_en=("A data encryption key is missing, malformed or too weak, and the system refuses to start."),
            remedy_zh="请运维人员按部署文档重新生成并配置密钥。",
            remedy_en="Operators should generate and configure the keys as the deployment guide describes.",
        )
    )


@dataclass(frozen=True, slots=True, repr=False)
class SealingKey:
    """One key of the ring: 32 octets for A256GCM, 16 for SM4GCM (GB/T 32907 in GCM mode)."""

    key_id: str
    algorithm: SealingAlgorithm
    key: bytes

    def __post_init__(self) -> None:
        if not _KEY_ID.fullmatch(self.key_id):
            raise UnusableSealingKey("a key id has 1 to 32 letters, digits, dots, hyphens or underscores")
        if self.algorithm not in _KEY_SIZES:
            raise UnusableSealingKey(f"key {self.key_id}: the algorithm is A256GCM or SM4GCM")
        if len(self.key) != _KEY_SIZES[self.algorithm]:
            raise UnusableSealingKey(f"key {self.key_id}: {self.algorithm} needs {_KEY_SIZES[self.algorithm]} octets")
        _check_not_trivial(self.key, self.key_id)


def parse_sealing_keys(texts: Sequence[str]) -> tuple[SealingKey, ...]:
    """Read settings of the form ``kid:algorithm:base64``, active key first; raises UnusableSealingKey."""
    keys: list[SealingKey] = []
    for text in texts:
        parts = text.strip().split(":")
        if len(parts) != 3:
            raise UnusableSealingKey("a sealing key is written kid:algorithm:base64")
        keys.append(SealingKey(parts[0], cast(SealingAlgorithm, parts[1]), parse_key_octets(parts[2])))
    if not keys:
        raise UnusableSealingKey("no sealing key is configured")
    if len({key.key_id for key in keys}) != len(keys):
        raise UnusableSealingKey("two sealing keys share one key id")
    return tuple(keys)


def parse_key_octets(text: str) -> bytes:
    """Decode the base64 of a key setting; raises UnusableSealingKey without repeating the text."""
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise UnusableSealingKey("key material is not base64") from None


class Sealer:
    """Seals and opens with a key ring; cipher objects are built once, so opening costs microseconds."""

    def __init__(self, keys: Sequence[SealingKey], *, entropy: Entropy) -> None:
        if not keys:
            raise UnusableSealingKey("no sealing key is configured")
        self._entropy = entropy
        self._ciphers: dict[bytes, _Aead] = {}
        self._heads: dict[bytes, bytes] = {}
        for key in keys:
            key_id = key.key_id.encode("ascii")
            self._ciphers[key_id] = _build_cipher(key)
            self._heads[key_id] = bytes((_VERSION, len(key_id))) + key_id
        active = keys[0].key_id.encode("ascii")
        self.active_key_id = keys[0].key_id
        self._active_head = self._heads[active]
        self._active_cipher = self._ciphers[active]

    def seal(self, plaintext: bytes, *, context: str) -> bytes:
        """Return the sealed form under the active key; the same context has to be named to open it."""
        nonce = self._entropy.octets(_NONCE)
        head = self._active_head
        return head + nonce + self._active_cipher.encrypt(nonce, plaintext, head + context.encode("utf-8"))

    def open(self, sealed: bytes, *, context: str) -> bytes:
        """Return the plaintext, or raise SealBroken."""
        key_id, head_length = _read_head(sealed)
        cipher = self._ciphers.get(key_id)
        if cipher is None:
            raise SealBroken("sealed with a key that is not in the ring")
        body = head_length + _NONCE
        associated = sealed[:head_length] + context.encode("utf-8")
        try:
            return cipher.decrypt(sealed[head_length:body], sealed[body:], associated)
        except InvalidTag:
            raise SealBroken(f"authentication failed in context {context}") from None

    def seal_text(self, text: str, *, context: str) -> bytes:
        """Seal a text as UTF-8."""
        return self.seal(text.encode("utf-8"), context=context)

    def open_text(self, sealed: bytes, *, context: str) -> str:
        """Open a sealed text, or raise SealBroken."""
        return self.open(sealed, context=context).decode("utf-8")

    def needs_reseal(self, sealed: bytes) -> bool:
        """Tell whether the value was sealed with another key than the active one; its integrity is not
        checked.
        """
        return not sealed.startswith(self._active_head)

    def reseal(self, sealed: bytes, *, context: str) -> bytes:
        """Return the value under the active key: the same octets when it already is, else opened and sealed
        anew.
        """
        return self.seal(self.open(sealed, context=context), context=context) if self.needs_reseal(sealed) else sealed


class BlindIndex:
    """A keyed, one-way index: equal canonical values of one kind give equal 32 octets, and nobody without
    the key can guess.

    Kinds are separated, so that a phone number and a license number with the same digits do not meet. The
    key is never rotated without rebuilding every index, and it differs from every sealing key.
    """

    def __init__(self, key: bytes) -> None:
        if len(key) < 32:
            raise UnusableSealingKey("the blind index needs at least 32 octets")
        _check_not_trivial(key, "blind index")
        self._key = key

    def index(self, kind: str, canonical: str) -> bytes:
        """Return HMAC-SHA-256 over the length-prefixed kind and the canonical value in UTF-8."""
        label = kind.encode("utf-8")
        return hmac.digest(self._key, len(label).to_bytes(2, "big") + label + canonical.encode("utf-8"), "sha256")


class _Aead(Protocol):
    """What AESGCM of the cryptography library offers, and SM4 in GCM mode below it."""

    def encrypt(self, nonce: bytes, data: bytes, associated_data: bytes, /) -> bytes: ...

    def decrypt(self, nonce: bytes, data: bytes, associated_data: bytes, /) -> bytes: ...


class _Sm4Gcm:
    """SM4-GCM (GB/T 32907, RFC 8998 §2) with the ciphertext followed by its tag, as AESGCM lays it out."""

    def __init__(self, key: bytes) -> None:
        self._algorithm = algorithms.SM4(key)

    def encrypt(self, nonce: bytes, data: bytes, associated_data: bytes, /) -> bytes:
        encryptor = Cipher(self._algorithm, modes.GCM(nonce)).encryptor()
        encryptor.authenticate_additional_data(associated_data)
        return encryptor.update(data) + encryptor.finalize() + encryptor.tag

    def decrypt(self, nonce: bytes, data: bytes, associated_data: bytes, /) -> bytes:
        decryptor = Cipher(self._algorithm, modes.GCM(nonce, data[-_TAG:])).decryptor()
        decryptor.authenticate_additional_data(associated_data)
        return decryptor.update(data[:-_TAG]) + decryptor.finalize()


def _build_cipher(key: SealingKey) -> _Aead:
    if key.algorithm == "A256GCM":
        return AESGCM(key.key)
    cipher = _Sm4Gcm(key.key)
    try:
        cipher.encrypt(bytes(_NONCE), b"", b"")
    except UnsupportedAlgorithm:
        raise UnusableSealingKey("this build of OpenSSL has no SM4-GCM: configure an A256GCM key") from None
    return cipher


def _read_head(sealed: bytes) -> tuple[bytes, int]:
    if len(sealed) < 2 or sealed[0] != _VERSION:
        raise SealBroken("unknown form")
    head_length = 2 + sealed[1]
    if len(sealed) < head_length + _NONCE + _TAG:
        raise SealBroken("truncated")
    return sealed[2:head_length], head_length


def _check_not_trivial(key: bytes, name: str) -> None:
    """Random keys of 16 octets have at least eight distinct ones except once in billions; typed-in defaults
    have fewer.
    """
    if len(set(key)) < _FEWEST_DISTINCT_OCTETS:
        raise UnusableSealingKey(f"key {name} is not random")
