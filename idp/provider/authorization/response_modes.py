"""Response modes: how an answer to an authorization request travels to the client, refusals included.

`query`, `fragment` (OAuth 2.0 Multiple Response Type Encoding Practices §2.1), `form_post` (OAuth 2.0 Form Post Response Mode) and the
signed ones of JARM §2.3. Which of them a client may use is its policy's to say.
"""

from idp.provider.authorization.reasons import UNSUPPORTED_RESPONSE_MODE
from idp.provider.authorization.response_types import is_front_channel
from idp.provider.clients.policies import policy_of
from idp.provider.clients.registry import Client
from idp.provider.errors import RedirectableError

QUERY, FRAGMENT, FORM_POST, JWT = "query", "fragment", "form_post", "jwt"
_SIGNED_SUFFIX = ".jwt"
_PLAIN = (QUERY, FRAGMENT, FORM_POST)
RESPONSE_MODES = frozenset((*_PLAIN, JWT, *(mode + _SIGNED_SUFFIX for mode in _PLAIN)))


def effective_response_mode(response_type: str, response_mode: str | None = None) -> str:
    """Return the mode that is meant: the default of the response type when none is asked for, and what `jwt` stands for (JARM §2.3.4)."""
    default = FRAGMENT if is_front_channel(response_type) else QUERY
    if response_mode is None:
        return default
    return default + _SIGNED_SUFFIX if response_mode == JWT else response_mode


def carrier_of(response_mode: str) -> str:
    """Return where the parameters travel: `query`, `fragment` or `form_post`."""
    return response_mode.removesuffix(_SIGNED_SUFFIX)


def is_signed(response_mode: str) -> bool:
    """Tell whether the answer is one signed JWT (JARM)."""
    return response_mode.endswith(_SIGNED_SUFFIX)


def answering_mode(response_type: str | None, response_mode: str | None, *, client: Client, redirect_uri: str) -> str:
    """Return the mode in which the client is answered, whatever else is wrong with its request.

    What was asked for when it can be had; else the default of the response type, signed when the policy asks for signed answers. A query
    never carries tokens, and a private scheme cannot be posted to.
    """
    policy = policy_of(client)
    must_be_signed = policy is not None and policy.requires_signed_response
    kind = response_type or ""
    default = effective_response_mode(kind, JWT if must_be_signed else None)
    if response_mode is None or policy is None or response_mode not in policy.response_modes:
        return default
    asked = effective_response_mode(kind, response_mode)
    carrier = carrier_of(asked)
    if (carrier == QUERY and is_front_channel(kind)) or (carrier == FORM_POST and not redirect_uri.startswith("http")):
        return default
    return asked


def check_response_mode(response_mode: str | None, *, response_type: str, answering: str) -> None:
    """Raise RedirectableError when the client is not answered in the mode it asked for; `answering` is that of `answering_mode`."""
    if response_mode is not None and effective_response_mode(response_type, response_mode) != answering:
        raise RedirectableError(UNSUPPORTED_RESPONSE_MODE)
