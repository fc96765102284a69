"""Two `SmsSender`s: the HTTP gateway, and the console outbox of a demonstration."""

from collections.abc import Callable

from adapters.api_calls import ApiSettings, CallFailed, call_api
from adapters.guarded_http import GuardedHttp
from adapters.sms.wire import MalformedReceipt, parse_receipt, render_message
from idp.ports import SmsUnavailable


class HttpSmsSender:
    """Hands messages to the gateway. A message is sent again only when no connection came about."""

    def __init__(self, settings: ApiSettings, *, signature: str, http: GuardedHttp) -> None:
        self._settings = settings
        self._signature = signature
        self._http = http

    async def send(self, *, phone: str, text: str, template: str) -> None:
        """See `SmsSender.send`."""
        members = render_message(phone=phone, text=text, template=template, signature=self._signature)
        try:
            accepted = await call_api(self._http, self._settings, "/messages", members)
            parse_receipt(accepted.document)
        except (CallFailed, MalformedReceipt) as error:
            raise SmsUnavailable(str(error)) from error


class ConsoleSmsSender:
    """Writes messages where the operator sees them; for a machine without a gateway, never for production."""

    def __init__(self, write: Callable[[str], object], *, signature: str) -> None:
        self._write = write
        self._signature = signature

    async def send(self, *, phone: str, text: str, template: str) -> None:
        """See `SmsSender.send`; the number is shown by its last four digits."""
        self._write(f"SMS …{phone[-4:]} {template}: 【{self._signature}】{text}")
