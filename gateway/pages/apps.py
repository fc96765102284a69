"""How an application is named to people: by its name, its department and the host it lives on."""

from collections.abc import Iterable
from urllib.parse import urlsplit

from starlette.requests import Request

from gateway.requests import language_of, parts_of
from idp.provider.clients.registry import Client, ClientView

AppWords = dict[str, object]
_LOOPBACK = "http://127.0.0.1"


async def app_words(request: Request, view: ClientView) -> AppWords:
    """Return name, department, domain, review state and standing in law of an application, as the templates take them."""
    parts = parts_of(request)
    english = language_of(request) == "en"
    department = await parts.directory.find_department(view.department_id)
    client = parts.provider.clients.find(view.client_id)
    office = ""
    if department is not None:
        office = department.name_en if english else department.name_zh
    return {
        "name": view.name_en if english else view.name_zh,
        "department": office,
        "domain": _domain(view, client),
        # An operator's registration is a review; what an application says of itself is looked at afterwards, or not yet.
        "reviewed": client is not None and client.metadata.is_reviewed,
        # Then there is no consent of the person that could be withdrawn.
        "by_law": client is not None and client.consent == "exempt",
        **_own_pages(client),
    }


def _own_pages(client: Client | None) -> AppWords:
    """Return where the application says itself what it does with the data, and its terms (OpenID Connect Registration §2), with the hosts."""
    metadata = None if client is None else client.metadata
    pages = {"policy": metadata and metadata.policy_uri, "terms": metadata and metadata.tos_uri}
    return {name: {"href": uri, "host": urlsplit(uri).netloc} if uri else None for name, uri in pages.items()}


def origins_of(addresses: Iterable[str]) -> tuple[str, ...]:
    """Return the origins of addresses as Content-Security-Policy sources; a private scheme stands for itself.

    So does the scheme of a literal IPv6 address, for which the policy has no form (CSP Level 3 §2.3.1): browsers would ignore it.
    """
    found = []
    for address in addresses:
        parts = urlsplit(address)
        named = parts.scheme in ("http", "https") and not parts.netloc.startswith("[")
        found.append(f"{parts.scheme}://{parts.netloc}" if named else f"{parts.scheme}:")
    return tuple(dict.fromkeys(found))


def answer_sources(client: Client | None, addresses: Iterable[str]) -> tuple[str, ...]:
    """Return the sources of the client's registered `addresses`: on loopback a native application comes at any port (RFC 8252 §7.3)."""
    found = origins_of(addresses)
    if client is None or client.application_type != "native":
        return found
    any_port = (f"{_LOOPBACK}:*" if source.startswith(_LOOPBACK) else source for source in found)
    return tuple(dict.fromkeys(any_port))


def allow_form_to(request: Request, origins: Iterable[str]) -> None:
    """Let the forms of this page be answered with a redirect to these origins (CSP `form-action` covers redirects)."""
    allowed = (*getattr(request.state, "form_action", ()), *origins)
    request.state.form_action = tuple(dict.fromkeys(allowed))


def allow_frames_of(request: Request, addresses: Iterable[str]) -> None:
    """Let this page frame these addresses' origins and no others (CSP `frame-src`)."""
    request.state.frame_src = origins_of(addresses)


def _domain(view: ClientView, client: Client | None) -> str:
    address = view.home_uri or next(iter(client.redirect_uris if client else ()), "")
    return urlsplit(address).netloc
