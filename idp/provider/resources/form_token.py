"""An access token in the form of a POST (RFC 6750 §2.2), which UserInfo takes because OpenID Connect Core §5.3.1 lets clients choose.

It counts as one more Authorization header: a request with a token in both places has two, and is refused as such (RFC 6750 §2). A token in
a query is never looked at, since it ends up in logs and histories (RFC 9700 §4.3.2).
"""

from dataclasses import replace

from idp.provider.parameters import UnreadableParameters, parse_parameters
from idp.provider.resources.access import ResourceRequest

_FORM = "application/x-www-form-urlencoded"
_SEVERAL = ("", "")


def with_form_token(request: ResourceRequest, body: bytes, content_type: str, *, max_octets: int) -> ResourceRequest:
    """Return the request with the token of its form beside its headers; a form that cannot be read counts as several tokens."""
    if request.method != "POST" or content_type.partition(";")[0].strip().lower() != _FORM:
        return request
    try:
        form = parse_parameters(body, max_octets=max_octets)
    except UnreadableParameters:
        return replace(request, authorization=(*request.authorization, *_SEVERAL))
    if "access_token" in form.repeated:
        return replace(request, authorization=(*request.authorization, *_SEVERAL))
    token = form.get("access_token")
    return request if token is None else replace(request, authorization=(*request.authorization, f"Bearer {token}"))
