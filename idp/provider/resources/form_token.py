"""An access token in the form of a POST (RFC 6750 §2.2), which nobody here takes.

A token in a body or a query ends up in logs and histories (RFC 9700 §4.3.2), so it belongs in the header alone. One in the form is refused
rather than ignored, also beside a sound header: a client that sends it twice learns it at once (RFC 6750 §2).
"""

from dataclasses import replace

from idp.provider.parameters import UnreadableParameters, parse_parameters
from idp.provider.resources.access import ResourceRequest

_FORM = "application/x-www-form-urlencoded"
_ONE_TOO_MANY = ("", "")


def without_form_token(request: ResourceRequest, body: bytes, content_type: str, *, max_octets: int) -> ResourceRequest:
    """Return the request as it came when its form carries no token; otherwise one that counts as having several, which is refused.

    A form that cannot be read counts as one with a token.
    """
    if request.method != "POST" or content_type.partition(";")[0].strip().lower() != _FORM:
        return request
    try:
        form = parse_parameters(body, max_octets=max_octets)
    except UnreadableParameters:
        return replace(request, authorization=_ONE_TOO_MANY)
    has_token = form.get("access_token") is not None or "access_token" in form.repeated
    return replace(request, authorization=_ONE_TOO_MANY) if has_token else request
