"""What every SMS sender, proofing source and case system owes its caller, one suite each."""

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from certs_catalog.ports import Matters, MattersUnavailable
from idp.ports import IdentityProofing, ProofingUnavailable, SmsSender, SmsUnavailable

BREAKS = ("status", "malformed", "content_type", "huge", "drop", "drip")


@dataclass(frozen=True, slots=True)
class SmsKit:
    """A sender, what arrived for a number, and a way to break the next answer."""

    sender: SmsSender
    arrived: Callable[[str], list[str]]
    break_by: Callable[[str], None]


class SmsContract:
    """The suite of a sender that delivers somewhere."""

    @pytest.fixture
    async def sms_kit(self) -> SmsKit:
        raise NotImplementedError("a connector's test brings its own kit")

    async def test_a_message_arrives_unchanged_under_the_signature(self, sms_kit: SmsKit) -> None:
        """Rare characters included; the signature opens the text."""
        await sms_kit.sender.send(phone="13800000002", text="验证码 123456，𠀀𪚥", template="sign-in")
        (text,) = sms_kit.arrived("13800000002")
        assert text.startswith("【")
        assert text.endswith("验证码 123456，𠀀𪚥")

    @pytest.mark.parametrize("way", BREAKS)
    async def test_a_broken_gateway_is_unavailable_and_tells_no_secret(self, sms_kit: SmsKit, way: str) -> None:
        """V12: one error for every way to fail; neither number nor code is in its text."""
        sms_kit.break_by(way)
        with pytest.raises(SmsUnavailable) as caught:
            await sms_kit.sender.send(phone="13800000002", text="验证码 123456", template="sign-in")
        for secret in ("13800000002", "123456"):
            assert secret not in str(caught.value) + caught.value.detail


@dataclass(frozen=True, slots=True)
class ProofingKit:
    """A source that knows one person, and a way to break the next answer."""

    source: IdentityProofing
    name: str
    number: str
    unknown_number: str
    break_by: Callable[[str], None]


class ProofingContract:
    """The suite of a proofing source."""

    @pytest.fixture
    async def proofing_kit(self) -> ProofingKit:
        raise NotImplementedError("a connector's test brings its own kit")

    async def test_agreement_and_both_kinds_of_no(self, proofing_kit: ProofingKit) -> None:
        """A wrong name and an unknown number are the same no."""
        kit = proofing_kit

        async def agreed(name: str, number: str) -> bool:
            result = await kit.source.check_name_and_number(name=name, document_type="111", document_number=number)
            assert result.reference
            assert result.checked_at.tzinfo is not None
            return result.agreed

        assert await agreed(kit.name, kit.number)
        assert not await agreed(kit.name + "某", kit.number)
        assert not await agreed(kit.name, kit.unknown_number)

    @pytest.mark.parametrize("way", BREAKS)
    async def test_a_broken_source_knows_nothing(self, proofing_kit: ProofingKit, way: str) -> None:
        """A failure is never taken for a no, and never names the person."""
        kit = proofing_kit
        kit.break_by(way)
        with pytest.raises(ProofingUnavailable) as caught:
            await kit.source.check_name_and_number(name=kit.name, document_type="111", document_number=kit.number)
        assert kit.number not in str(caught.value) + caught.value.detail


@dataclass(frozen=True, slots=True)
class MattersKit:
    """A case system with one open case, and the ways to move it."""

    matters: Matters
    number: str
    department_uscc: str
    close: Callable[[], None]
    break_by: Callable[[str], None]


class MattersContract:
    """The suite of a case system."""

    @pytest.fixture
    async def matters_kit(self) -> MattersKit:
        raise NotImplementedError("a connector's test brings its own kit")

    async def test_an_open_case_tells_matter_department_and_holder(self, matters_kit: MattersKit) -> None:
        """Everything that the purpose check needs."""
        facts = await matters_kit.matters.find_case(matters_kit.number)
        assert facts is not None
        assert facts.open
        assert facts.department_uscc == matters_kit.department_uscc
        assert facts.holder_type == "111"
        assert facts.holder_number

    async def test_closing_is_seen_at_the_next_call(self, matters_kit: MattersKit) -> None:
        """The adapter keeps nothing."""
        matters_kit.close()
        facts = await matters_kit.matters.find_case(matters_kit.number)
        assert facts is not None
        assert not facts.open

    @pytest.mark.parametrize("number", ["QY-1900-000000", "", "../../etc/passwd", "' OR 1=1 --", "号" * 500])
    async def test_an_unknown_case_is_none(self, matters_kit: MattersKit, number: str) -> None:
        """Whatever is asked, what does not exist is None."""
        assert await matters_kit.matters.find_case(number) is None

    @pytest.mark.parametrize("way", BREAKS)
    async def test_a_broken_case_system_knows_nothing(self, matters_kit: MattersKit, way: str) -> None:
        """V12: a failure is neither an open nor an unknown case."""
        matters_kit.break_by(way)
        with pytest.raises(MattersUnavailable):
            await matters_kit.matters.find_case(matters_kit.number)
