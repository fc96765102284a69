"""SM2 sealing of certificate data: hexadecimal C1 ‖ C3 ‖ C2 for the caller's registered public key (GB/T
32918.4, GM/T 0009).

Some senders leave out the leading `04` of the curve point C1; both forms are read.
"""

# The package carries its types in stubs without the marker that would let the checker use them.
import gmalglib  # type: ignore[import-untyped]  # see above

_POINT = 65
_DIGEST = 32


class NotSealedForUs(ValueError):
    """The text is not an SM2 ciphertext that the private key opens."""


def open_certificate_data(sealed: str, private_key: bytes) -> bytes:
    """Return the plaintext of a hexadecimal SM2 ciphertext, or raise NotSealedForUs."""
    try:
        ciphertext = bytes.fromhex(sealed)
    except ValueError as error:
        raise NotSealedForUs("not hexadecimal") from error
    candidates = [ciphertext] if ciphertext[:1] == b"\x04" else []
    candidates.append(b"\x04" + ciphertext)
    for candidate in candidates:
        # The library allocates by length before it checks anything: a short text must not reach it.
        if len(candidate) <= _POINT + _DIGEST:
            continue
        try:
            return bytes(gmalglib.sm2_decrypt(private_key, candidate))
        except (ValueError, MemoryError):
            continue
    raise NotSealedForUs("the private key does not open the ciphertext")


def seal_certificate_data(plain: bytes, public_key: bytes) -> str:
    """Return the hexadecimal SM2 ciphertext of a plaintext for an uncompressed public key of 65 octets."""
    return bytes(gmalglib.sm2_encrypt(public_key, plain)).hex()
