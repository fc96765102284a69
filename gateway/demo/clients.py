"""The sample service apps as clients of the product, each with what its department may ask for."""

from adapters.simulators.world import HOUSING_USCC
from adapters.simulators.world_entries import ServiceApp
from idp.provider.clients.metadata import ClientMetadata
from idp.provider.registration.register import ClientRegistration
from idp.provider.scopes import LICENSE_LOOKUP

_LOOKS_UP = frozenset({HOUSING_USCC})


def registration_of(app: ServiceApp, *, department_id: str, issuer: str) -> ClientRegistration:
    """Return the registration of one sample app at its present address.

    The housing app's backend also has a token of its own, for the license lookup alone.
    """
    looks_up = app.department_uscc in _LOOKS_UP
    return ClientRegistration(
        client_id=app.client_id,
        name_zh=app.title_zh,
        name_en=app.title_en,
        department_id=department_id,
        redirect_uris=(f"{app.base_url}/callback",),
        post_logout_redirect_uris=(f"{app.base_url}/signed-out",),
        backchannel_logout_uri=f"{app.base_url}/backchannel-logout",
        grant_types=("authorization_code", "client_credentials") if looks_up else ("authorization_code",),
        scopes=(*app.scopes, LICENSE_LOOKUP) if looks_up else app.scopes,
        resources=(f"{issuer}/api/v1/licenses",) if looks_up else (),
        home_uri=app.base_url,
        metadata=ClientMetadata(initiate_login_uri=f"{app.base_url}/sign-in"),
    )
