"""The first step of registration, of signing in by text message and of recovery: a phone, and the code that was sent to it.

Nothing here looks at accounts, so the step says nothing about them. A flow that has left the step never comes back to it.
"""

from dataclasses import dataclass
from datetime import datetime

from idp.signin.code_sending import Purpose, confirm_code, parse_phone, send_code
from idp.signin.entrance import Entrance
from idp.signin.errors import FLOW_LOST
from idp.signin.flows import Flow
from idp.signin.outcomes import CodeSent, Refused
from idp.signin.records import refuse
from idp.signin.visits import Visit

STEP = "code"


@dataclass(frozen=True, slots=True)
class PhoneStep:
    """The step of one kind of flow: `flow` is its name in the store, `kind` what its refusals are recorded as."""

    flow: str
    kind: str
    purpose: Purpose

    async def begin(self, phone_text: str, *, visit: Visit, entrance: Entrance, now: datetime) -> CodeSent | Refused:
        """Begin a flow: send a code to any phone, whether or not an account has it."""
        phone = await parse_phone(phone_text, kind=self.kind, visit=visit, entrance=entrance, now=now)
        if isinstance(phone, Refused):
            return phone
        state = {"step": STEP, "phone": phone.number}
        flow = await entrance.flows.begin(self.flow, browser=visit.browser, state=state)
        return await send_code(flow, phone.number, self.purpose, visit=visit, entrance=entrance, now=now)

    async def resend(self, flow_id: str, *, visit: Visit, entrance: Entrance, now: datetime) -> CodeSent | Refused:
        """Send another code of the same flow; the earlier one stays valid until it expires."""
        flow = await self._find(flow_id, visit, entrance, now)
        if isinstance(flow, Refused):
            return flow
        return await send_code(flow, flow.state["phone"], self.purpose, visit=visit, entrance=entrance, now=now)

    async def confirm(
        self, flow_id: str, code_text: str, *, visit: Visit, entrance: Entrance, now: datetime
    ) -> Flow | Refused:
        """Spend the code and return the flow, whose `state["phone"]` is proved; the caller moves it on to its next step."""
        flow = await self._find(flow_id, visit, entrance, now)
        if isinstance(flow, Refused):
            return flow
        refused = await confirm_code(
            flow, flow.state["phone"], code_text, self.purpose, visit=visit, entrance=entrance, now=now
        )
        return refused or flow

    async def _find(self, flow_id: str, visit: Visit, entrance: Entrance, now: datetime) -> Flow | Refused:
        flow = await entrance.flows.find(self.flow, flow_id, browser=visit.browser)
        if flow is None or flow.state["step"] != STEP:
            return await refuse(FLOW_LOST, kind=self.kind, visit=visit, entrance=entrance, now=now)
        return flow
