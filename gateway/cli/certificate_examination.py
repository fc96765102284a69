"""Whether clients that need a certificate (RFC 8705) can show one through the reverse proxy that the settings name."""

from collections.abc import Iterable

from gateway.cli.findings import Finding
from gateway.settings import Settings
from idp.provider.clients.registry import Client
from idp.provider.proof.client_auth import CERTIFICATE_METHODS

_NAME = "client certificates"
_SHOWN = 5


def examine_certificates(settings: Settings, clients: Iterable[Client]) -> Finding:
    """Return what stands between the active clients with certificates and the product; the proxy itself is not asked."""
    active = [client for client in clients if client.is_active]
    by_chain = [client for client in active if client.token_endpoint_auth_method == "tls_client_auth"]
    needing = [
        client
        for client in active
        if client.token_endpoint_auth_method in CERTIFICATE_METHODS
        or client.metadata.tls_client_certificate_bound_access_tokens
    ]
    if not needing:
        return Finding(_NAME, "ok", "no application needs one")
    if not settings.client_certificate_header:
        remedy = (
            "set RENZHENG_CLIENT_CERTIFICATE_HEADER to the header in which the proxy passes it on (docs/running.md)"
        )
        return _warning("no header for certificates is set, so none is believed", needing, remedy)
    if not settings.trusted_proxies:
        remedy = "name the proxy in RENZHENG_TRUSTED_PROXIES; `unix` is one at the Unix socket"
        return _warning("no proxy is trusted, so no certificate is believed", needing, remedy)
    if by_chain and not settings.client_certificate_verdict_header:
        remedy = "set RENZHENG_CLIENT_CERTIFICATE_VERDICT_HEADER (nginx: $ssl_client_verify)"
        return _warning(
            "no header for the verdict on chains is set, so tls_client_auth never succeeds", by_chain, remedy
        )
    return Finding(_NAME, "ok", f"{len(needing)} application(s), in {settings.client_certificate_header}")


def _warning(why: str, clients: list[Client], remedy: str) -> Finding:
    named = ", ".join(sorted(client.client_id for client in clients)[:_SHOWN])
    more = "" if len(clients) <= _SHOWN else f" and {len(clients) - _SHOWN} more"
    return Finding(_NAME, "warning", f"{why}; refused: {named}{more}", remedy)
