"""What an application may be called: its name stands on consent pages and in messages under the official signature."""

from dataclasses import replace
from typing import Any

import pytest

from idp.provider.clients.names import is_plain_name
from idp.provider.errors import InvalidClientMetadata
from idp.provider.registration.changes import change_client, registration_of
from idp.provider.registration.register import check_registration
from tests.idp.provider.invited_apps import Registrar
from tests.idp.provider.world import HOUSING, START, World

FORGED = {
    "the official signature": "】您有退款待领【青榆区",
    "a bracket of another shape": "通知〗退款〖青榆区",
    "a vertical bracket": "通知︼退款︻青榆区",
    "an address": "退款 http://evil.test/pay",
    "an address with a scheme alone": "退款 https://evil",
    "a full-width address": "退款 ｈｔｔｐ：／／ｅｖｉｌ",
    "a host": "退款 evil.test",
    "a host in capitals": "退款 EVIL.TEST",
    "a full-width host": "退款 ｅｖｉｌ．ｔｅｓｔ",
    "a host with an ideographic full stop": "退款 evil。test",
    "a host with a one dot leader": "退款 evil\u2024test",
    "a host in Chinese": "退款政务.中国",
    "a host under marks": "退款 e\u0332vil.t\u0332est",
    "a network address": "退款 198.51.100.7",
    "a control character": "退款\n青榆区",
    "a change of direction": "退款\u202e窗口",
    "an isolated direction": "退款\u2066窗口",
    "an invisible character": "退\u200b款",
    "a line separator": "退款\u2028窗口",
}
PLAIN = (
    "不动产登记预约",
    "公租房（青榆区）· 受理窗口",
    "“一网通办”综合窗口 2.0",
    "St. Mary's clinic, No. 7",
    "R&D / C-level <beta> 1.2.3",
    "U.S.A. programme",
    "Société générale",
)


@pytest.mark.parametrize("name", FORGED.values(), ids=FORGED.keys())
@pytest.mark.parametrize("member", ["name_zh", "name_en"])
def test_a_name_that_looks_like_more_is_refused(member: str, name: str) -> None:
    """Whoever registers it: `renzheng client add` asks the same rules."""
    assert not is_plain_name(name)
    changes: dict[str, Any] = {member: name}
    with pytest.raises(InvalidClientMetadata) as refused:
        check_registration(replace(HOUSING, **changes), now=START)
    assert refused.value.member == member


@pytest.mark.parametrize("name", PLAIN)
def test_an_honest_name_is_accepted(name: str) -> None:
    """Positive control: marks, brackets and numbers as names have them."""
    check_registration(replace(HOUSING, name_zh=name, name_en=name), now=START)


@pytest.mark.parametrize("member", ["client_name", "client_name#zh-CN", "client_name#en"])
async def test_an_application_cannot_register_such_a_name(world: World, member: str) -> None:
    """RFC 7591 §3.2.2: refused in every language, nothing spent; the honest one is accepted with the same invitation."""
    registrar = Registrar(world)
    token = await registrar.invite()
    refused = await registrar.register(token, **{"client_name#en": None, member: FORGED["the official signature"]})
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_client_metadata")
    assert (await registrar.register(token)).status_code == 201


@pytest.mark.parametrize("member", ["client_name", "client_name#zh-CN", "client_name#en"])
async def test_an_application_cannot_change_to_such_a_name(world: World, member: str) -> None:
    """RFC 7592 §2.2: an update is judged like a registration."""
    registrar = Registrar(world)
    answer = await registrar.registered()
    refused = await registrar.manage("PUT", answer, **{"client_name#en": None, member: FORGED["an address"]})
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_client_metadata")
    assert (await registrar.manage("PUT", answer)).status_code == 200


async def test_an_operator_cannot_change_a_client_to_such_a_name(world: World) -> None:
    """`renzheng client change`; an honest name is taken."""
    provider = world.provider
    client = provider.clients.find("gzf")
    assert client is not None

    async def rename(name: str) -> None:
        await change_client(
            replace(registration_of(client), name_zh=name),
            db=provider.db,
            ledger=provider.ledger,
            entropy=provider.entropy,
            actor="system:test",
            now=world.now,
        )

    with pytest.raises(InvalidClientMetadata):
        await rename(FORGED["a host"])
    await rename("公租房")
