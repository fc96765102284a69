"""Authlib's server core, adapted: the only package that subclasses it.

Authlib runs the shape of each request (which grant, who is the client, what is spent, issued, answered, in
this order); every decision is a function of the provider. Its core is synchronous, so what waits comes before it
(proving the client) or after it (the record of an issue). Grants that must wait in the middle, to spend something, run
in a greenlet on the loop's own thread, where `await_` waits for coroutines. No database session belongs to a request.

Defaults of Authlib that are closed here: errors are raised instead of returned (a returned error would let
a caller commit what it refused); clients come from memory; client authentication, PKCE, redirect URIs,
scopes and signing are the provider's own; codes and refresh tokens are spent by one conditional UPDATE
before anything is issued; refresh tokens rotate; there is no password grant, no implicit grant and no
request object.
"""

from idp.provider.authlib_server.core import Core, run_core
from idp.provider.authlib_server.core_request import CoreRequest

__all__ = ["Core", "CoreRequest", "run_core"]
