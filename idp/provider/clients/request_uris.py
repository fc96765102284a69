"""Addresses of request objects that a client registers (OpenID Connect Registration §2, `request_uris`; RFC 9101 §10.4).

One may end with a fragment, the SHA-256 of the document in base64url (OpenID Connect Core §6.2): then that document alone is meant, and
whoever can change what stands at the address cannot change the request. The fragment is never sent.
"""

import base64
import hashlib
import hmac
import re
from collections.abc import Collection

from idp.provider.clients.redirects import check_registrable_uri
from idp.provider.errors import InvalidClientMetadata

_MEMBER = "request_uris"
_DIGEST = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)


def check_request_uri(uri: str) -> None:
    """Raise InvalidClientMetadata unless the address may be registered, with a digest or without."""
    address, separator, fragment = uri.partition("#")
    check_registrable_uri(address, member=_MEMBER)
    if separator and not _DIGEST.fullmatch(fragment):
        raise InvalidClientMetadata(_MEMBER, "a fragment is the SHA-256 of the document in base64url")


def is_registered_request_uri(request_uri: str, registered: Collection[str]) -> bool:
    """Tell whether the address of a request is a registered one, character by character.

    One that was registered without a digest may come with one; one that was registered with a digest comes with that one alone.
    """
    return request_uri in registered or address_of(request_uri) in registered


def address_of(request_uri: str) -> str:
    """Return what is fetched: the address without its fragment."""
    return request_uri.partition("#")[0]


def is_document_of(request_uri: str, document: bytes) -> bool:
    """Tell whether this is the document that the address means; without a digest any is."""
    fragment = request_uri.partition("#")[2]
    digest = base64.urlsafe_b64encode(hashlib.sha256(document).digest()).rstrip(b"=")
    return not fragment or hmac.compare_digest(fragment.encode("utf-8", "surrogatepass"), digest)
