"""Opens every configured outside system at once and closes what they share."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

from adapters.breaker import Monotonic
from adapters.ciba_notify import HttpCibaNotifier
from adapters.guarded_http import GuardedHttp
from adapters.license_libraries.certshare.client import CertshareLibrary
from adapters.logout_post import HttpLogoutPoster
from adapters.matters.client import HttpMatters
from adapters.proofing.client import HttpIdentityProofing
from adapters.settings import AdapterSettings
from adapters.sms.client import ConsoleSmsSender, HttpSmsSender
from adapters.sms.settings import SmsSettings
from adapters.url_fetching import HttpUrlFetcher
from adapters.user_centers.oidc.client import OidcUserCenter
from certs_catalog.ports import CaseFacts, LicenseLibrary, Matters, MattersUnavailable
from foundation.clock import Clock
from foundation.entropy import Entropy
from idp.ports import IdentityProofing, ProofingResult, ProofingUnavailable, SmsSender, SmsUnavailable
from idp.provider.decoupled.ports import CibaNotifier
from idp.provider.ports import LogoutPoster, UrlFetcher


@dataclass(frozen=True, slots=True)
class Adapters:
    """The outside systems, as the ports that their consumers know.

    `registered_urls` fetches addresses that a client registered; `configured_systems` those that the
    operator wrote.
    """

    registered_urls: GuardedHttp
    configured_systems: GuardedHttp
    centers: Mapping[str, OidcUserCenter]
    libraries: Mapping[str, LicenseLibrary]
    sms: SmsSender
    proofing: IdentityProofing
    matters: Matters
    logout: LogoutPoster
    ciba: CibaNotifier
    fetcher: UrlFetcher


@asynccontextmanager
async def open_adapters(
    settings: AdapterSettings,
    *,
    clock: Clock,
    entropy: Entropy,
    monotonic: Monotonic,
    write_console: Callable[[str], object] | None,
) -> AsyncIterator[Adapters]:
    """Yield the adapters for the lifetime of a worker; nothing is contacted before the first call.

    `write_console` is the outbox of an installation without SMS gateway; None means that messages cannot be sent there.
    """
    outgoing = settings.outgoing
    async with (
        GuardedHttp(
            networks="any" if outgoing.allow_private_networks else "public",
            allow_http=outgoing.allow_http,
            ca_file=outgoing.ca_file,
        ) as registered_urls,
        # The operator's own configuration may name inner addresses: upper systems often lie in a private
        # network.
        GuardedHttp(networks="any", allow_http=outgoing.allow_http, ca_file=outgoing.ca_file) as http,
    ):
        yield Adapters(
            registered_urls=registered_urls,
            configured_systems=http,
            centers={
                center.name: OidcUserCenter(center, http=http, clock=clock, entropy=entropy, monotonic=monotonic)
                for center in settings.centers
            },
            libraries={
                library.name: CertshareLibrary(library, http=http, clock=clock, monotonic=monotonic)
                for library in settings.libraries
            },
            logout=HttpLogoutPoster(registered_urls),
            ciba=HttpCibaNotifier(registered_urls),
            fetcher=HttpUrlFetcher(registered_urls),
            sms=_sms_sender(settings.sms, http, write_console),
            proofing=HttpIdentityProofing(settings.proofing, http=http, clock=clock)
            if settings.proofing is not None
            else _NoProofing(),
            matters=HttpMatters(settings.matters, http=http) if settings.matters is not None else _NoMatters(),
        )


def _sms_sender(settings: SmsSettings, http: GuardedHttp, write_console: Callable[[str], object] | None) -> SmsSender:
    if settings.gateway is not None:
        return HttpSmsSender(settings.gateway, signature=settings.signature, http=http)
    if write_console is not None:
        return ConsoleSmsSender(write_console, signature=settings.signature)
    return _NoSms()


class _NoSms:
    """No gateway is configured: nothing can be sent, and a one-time code must not reach a log instead."""

    async def send(self, *, phone: str, text: str, template: str) -> None:
        raise SmsUnavailable("no SMS gateway is configured")


class _NoProofing:
    """No source is configured: nothing can be known about anybody."""

    async def check_name_and_number(self, *, name: str, document_type: str, document_number: str) -> ProofingResult:
        raise ProofingUnavailable("no proofing source is configured")


class _NoMatters:
    """No case system is configured: nothing can be known about any case."""

    async def find_case(self, number: str) -> CaseFacts | None:
        raise MattersUnavailable("no case system is configured")
