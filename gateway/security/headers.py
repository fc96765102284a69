"""The security headers of every answer."""

from collections.abc import Sequence

_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; "
    "form-action {form_action}; base-uri 'none'; frame-ancestors 'none'"
)
_FIXED: tuple[tuple[bytes, bytes], ...] = (
    (b"x-content-type-options", b"nosniff"),
    # A page may carry a code or a transaction in its address: nobody else is told where a person comes from.
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
)
_FIXED_NAMES = frozenset(name for name, _ in _FIXED)
_HSTS = (b"strict-transport-security", b"max-age=31536000; includeSubDomains")


def content_security_policy(form_action: Sequence[str] = (), frame_src: Sequence[str] = ()) -> str:
    """Return the policy; `form_action` names further origins that a form of this page may lead to after its POST, `frame_src` those it frames.

    Browsers apply `form-action` to the redirect that answers a POST too, hence the client's origin on the consent page.
    """
    policy = _POLICY.format(form_action=" ".join(("'self'", *form_action)))
    return f"{policy}; frame-src {' '.join(frame_src)}" if frame_src else policy


_PLAIN_POLICY = content_security_policy().encode()


def harden(
    headers: list[tuple[bytes, bytes]], *, https: bool, form_action: Sequence[str], frame_src: Sequence[str] = ()
) -> list[tuple[bytes, bytes]]:
    """Return the answer's headers with the fixed ones set, replacing whatever a handler said; `no-store` unless it said otherwise."""
    names = {name for name, _ in headers}
    kept = headers if names.isdisjoint(_FIXED_NAMES) else [one for one in headers if one[0] not in _FIXED_NAMES]
    kept = [*kept, *_FIXED]
    if b"content-security-policy" not in names:
        policy = _PLAIN_POLICY
        if form_action or frame_src:
            policy = content_security_policy(form_action, frame_src).encode("latin-1", "replace")
        kept.append((b"content-security-policy", policy))
    if b"cache-control" not in names:
        kept.append((b"cache-control", b"no-store"))
    if https:
        kept.append(_HSTS)
    return kept
