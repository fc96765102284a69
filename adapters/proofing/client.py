"""The proofing source over HTTP as the provider's `IdentityProofing`."""

from adapters.api_calls import ApiSettings, CallFailed, call_api
from adapters.guarded_http import GuardedHttp
from adapters.proofing.wire import MalformedVerdict, parse_verdict, render_check
from foundation.clock import Clock
from idp.ports import ProofingResult, ProofingUnavailable


class HttpIdentityProofing:
    """Asks one source; a failure of any kind means that nothing is known, never that the facts differ."""

    def __init__(self, settings: ApiSettings, *, http: GuardedHttp, clock: Clock) -> None:
        self._settings = settings
        self._http = http
        self._clock = clock

    async def check_name_and_number(self, *, name: str, document_type: str, document_number: str) -> ProofingResult:
        """See `IdentityProofing.check_name_and_number`."""
        members = render_check(name=name, document_type=document_type, document_number=document_number)
        try:
            accepted = await call_api(self._http, self._settings, "/checks", members)
            return parse_verdict(accepted.document, now=self._clock())
        except (CallFailed, MalformedVerdict) as error:
            raise ProofingUnavailable(str(error)) from error
