"""Area F: a name is no way around what an address may not do (Q02). Addresses spelled out are tried in tests/adapters/test_guarded_http.py,
at registration in tests/idp/provider/test_registered_addresses.py, and by each thing that is fetched in the tests of that thing.
"""

import asyncio
import asyncio.selector_events
import socket
from datetime import timedelta
from typing import Any

import pytest

from adapters.ciba_notify import HttpCibaNotifier
from adapters.guarded_http import FetchBroken, FetchNotConnected, FetchRefused, GuardedHttp
from adapters.logout_post import HttpLogoutPoster
from adapters.url_fetching import HttpUrlFetcher
from foundation.outbox import NotDelivered
from idp.provider.ports import UrlNotFetched
from tests.idp.provider.publishing import canary

INNER = (
    "127.0.0.1",
    "10.0.0.1",
    "172.16.0.1",
    "192.168.0.1",
    "100.64.0.1",
    "169.254.169.254",
    "0.0.0.0",
    "224.0.0.1",
    "255.255.255.255",
    "::1",
    "::ffff:127.0.0.1",
    "64:ff9b::7f00:1",
    "2002:7f00:1::",
    "fc00::1",
    "fe80::1",
)
PUBLIC = "93.184.215.14"
SOON = timedelta(seconds=3)


@pytest.fixture
def resolver(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[list[str]]]:
    """A name server that somebody else runs: for each name a list of answers, one for each time it is asked; what is left was not asked."""
    answers: dict[str, list[list[str]]] = {}

    def getaddrinfo(host: str, port: int, *_: Any, **__: Any) -> list[Any]:
        if host not in answers:
            raise socket.gaierror(socket.EAI_NONAME, "unknown")
        return [
            (socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))
            for address in answers[host].pop(0)
        ]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    return answers


@pytest.mark.parametrize("address", INNER)
async def test_q02_a_name_for_an_inner_address_is_refused(resolver: dict[str, list[list[str]]], address: str) -> None:
    """Whatever is fetched or told: keys, sector documents and request objects, sign-outs, notifications."""
    async with canary() as listener, GuardedHttp(networks="public", allow_http=True) as http:
        url = f"http://app.evil.test:{listener.port}/x"
        resolver["app.evil.test"] = [[address] for _ in range(4)]
        with pytest.raises(FetchRefused):
            await http.fetch("GET", url)
        with pytest.raises(UrlNotFetched):
            await HttpUrlFetcher(http).fetch(url, accept="application/json")
        with pytest.raises(NotDelivered):
            await HttpLogoutPoster(http).post_form(url, {"logout_token": "x"}, SOON)
        with pytest.raises(NotDelivered):
            await HttpCibaNotifier(http).notify(url, bearer="x", body=b"{}", timeout=SOON)
        assert resolver["app.evil.test"] == []
        assert listener.connections == 0


@pytest.mark.parametrize("found", [[PUBLIC, "127.0.0.1"], ["127.0.0.1", PUBLIC], [PUBLIC, "::1"]])
async def test_q02_one_inner_address_among_others_refuses_the_name(
    resolver: dict[str, list[list[str]]], found: list[str]
) -> None:
    """Whichever would have been tried first."""
    async with canary() as listener, GuardedHttp(networks="public", allow_http=True) as http:
        resolver["app.evil.test"] = [found]
        with pytest.raises(FetchRefused):
            await http.fetch("GET", f"http://app.evil.test:{listener.port}/x")
        assert listener.connections == 0


async def test_q02_a_name_is_asked_for_once_and_that_answer_is_connected_to(
    resolver: dict[str, list[list[str]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rebinding: public when it is judged, this machine a moment later. The address that was judged is the one that is tried, and no other."""
    tried: list[str] = []

    async def sock_connect(_self: Any, _sock: socket.socket, address: tuple[str, int]) -> None:
        tried.append(address[0])
        raise ConnectionRefusedError

    monkeypatch.setattr(asyncio.selector_events.BaseSelectorEventLoop, "sock_connect", sock_connect)
    async with GuardedHttp(networks="public", allow_http=True) as http:
        resolver["app.evil.test"] = [[PUBLIC], ["127.0.0.1"]]
        with pytest.raises(FetchNotConnected):
            await http.fetch("GET", "http://app.evil.test/x")
        assert resolver["app.evil.test"] == [["127.0.0.1"]]
        assert tried == [PUBLIC]


async def test_a_name_of_this_machine_is_reached_where_that_is_allowed(resolver: dict[str, list[list[str]]]) -> None:
    """Positive control: the same client with `networks="any"`, as demonstrations run it."""
    async with canary() as listener, GuardedHttp(networks="any", allow_http=True) as http:
        resolver["app.test"] = [["127.0.0.1"]]
        with pytest.raises(FetchBroken):
            await http.fetch("GET", f"http://app.test:{listener.port}/x")
        assert listener.connections == 1
