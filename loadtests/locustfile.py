"""The scenarios of the benchmark as users of locust, each with a budget, for long runs.

Started by `python -m loadtests.soak`, which provides the product and names the world file in SOAK_WORLD. Every user plays the same
conversations as the benchmark; beside its single requests, an operation is reported as a whole under the scenario's name. At the
end each budget is judged, and a missed one makes locust's exit status 1.
"""

import itertools
import logging
import os
import re
import time
from pathlib import Path
from typing import Any, ClassVar

from locust import FastHttpUser, constant_pacing, events, task
from locust.env import Environment

from loadtests.calls import Call, Conversation, WrongAnswer
from loadtests.connection import Reply
from loadtests.conversations import Browser, ask_for_token, introspect, look_up, sign_on
from loadtests.sign_in import SESSION_COOKIE, agree, log_in
from loadtests.world import World, read_world

WORLD: World = read_world(Path(os.environ["SOAK_WORLD"]))
TOKEN_FOR_S = 120.0
OPERATION = "operation"
_numbers = itertools.count()
log = logging.getLogger("soak")


class PortalUser(FastHttpUser):
    """Plays conversations; `budget_p99_ms` and `budget_failures` bound what its operation may do over the whole run."""

    abstract = True
    operation: ClassVar[str]
    budget_p99_ms: ClassVar[float]
    budget_failures: ClassVar[float] = 0.0

    def play(self, conversation: Conversation, *, counted: bool = True) -> None:
        """Play one conversation and report it as one request of this user's operation, unless it only prepares."""
        begun = time.perf_counter()
        failure: Exception | None = None
        octets = 0
        try:
            call = next(conversation)
            while True:
                reply = self._send(call)
                octets += len(reply.body)
                call = conversation.send(reply)
        except StopIteration:
            pass
        except WrongAnswer as wrong:
            failure = wrong
        if counted or failure is not None:
            self.environment.events.request.fire(
                request_type=OPERATION,
                name=self.operation,
                response_time=(time.perf_counter() - begun) * 1000,
                response_length=octets,
                exception=failure,
                context={},
            )

    def _send(self, call: Call) -> Reply:
        headers = dict(call.headers)
        if call.body is not None:
            headers.setdefault("content-type", "application/x-www-form-urlencoded")
        # Cookies belong to the conversation's browser, not to this client.
        self.client.cookiejar.clear()
        answer = self.client.request(
            call.method,
            call.target,
            name=re.sub("[0-9]{3,}", "…", call.target.partition("?")[0]),
            data=None if call.body is None else call.body.decode("utf-8"),
            headers=headers,
            allow_redirects=False,
        )
        if answer.status_code == 0 or answer.headers is None:
            raise WrongAnswer(f"{call.method}: no answer")
        pairs = [(name.lower(), value) for name, value in answer.headers.items()]
        return Reply(answer.status_code, pairs, answer.content or b"")


class BackendUser(PortalUser):
    """A department's system that fetches tokens for itself."""

    operation = "client_credentials"
    budget_p99_ms = 100.0
    weight = 2
    wait_time = constant_pacing(0.1)

    @task
    def get_token(self) -> None:
        """One token."""
        self.play(ask_for_token(WORLD))


class TokenHolder(PortalUser):
    """A user who keeps a token for two of its five minutes."""

    abstract = True

    def on_start(self) -> None:
        """Have none yet."""
        self.token, self.until = "", 0.0

    def live_token(self) -> str:
        """Return a token that is alive, a new one when needed."""
        if time.monotonic() > self.until:
            heard: list[str] = []
            self.play(ask_for_token(WORLD, heard), counted=False)
            if heard:
                self.token, self.until = heard[0], time.monotonic() + TOKEN_FOR_S
        return self.token


class ResourceUser(TokenHolder):
    """A resource that asks whether the tokens shown to it are alive."""

    operation = "introspection"
    budget_p99_ms = 60.0
    weight = 4
    wait_time = constant_pacing(0.1)

    @task
    def ask(self) -> None:
        """One token."""
        self.play(introspect(WORLD, self.live_token()))


class LookupUser(TokenHolder):
    """A department's system that looks licenses up for an officer."""

    operation = "lookup_masked"
    budget_p99_ms = 150.0
    weight = 4
    wait_time = constant_pacing(0.1)

    @task
    def look(self) -> None:
        """One license of the next applicant."""
        applicant = WORLD.applicants[next(_numbers) % len(WORLD.applicants)]
        self.play(look_up(WORLD, self.live_token(), applicant))


class CitizenUser(PortalUser):
    """A citizen who signs in once and then goes from app to app."""

    operation = "sso_round"
    budget_p99_ms = 300.0
    weight = 2
    wait_time = constant_pacing(0.5)

    def on_start(self) -> None:
        """Sign in and agree, once."""
        self.browser = Browser()
        self.play(log_in(WORLD, self.browser, WORLD.citizens[next(_numbers) % len(WORLD.citizens)]), counted=False)
        self.play(agree(WORLD, self.browser), counted=False)

    @task
    def enter_app(self) -> None:
        """One round of single sign-on."""
        self.play(sign_on(WORLD, self.browser))


class ReturningUser(PortalUser):
    """A citizen who signs in with the password again and again, as many different ones do."""

    operation = "password_login"
    budget_p99_ms = 1_000.0
    weight = 1
    wait_time = constant_pacing(2.0)

    def on_start(self) -> None:
        """Choose who it is."""
        self.browser = Browser()
        self.citizen = WORLD.citizens[next(_numbers) % len(WORLD.citizens)]

    @task
    def sign_in(self) -> None:
        """One sign-in of a browser without a session."""
        self.browser.cookies.pop(SESSION_COOKIE, None)
        self.play(log_in(WORLD, self.browser, self.citizen))


USERS: tuple[type[PortalUser], ...] = (BackendUser, ResourceUser, LookupUser, CitizenUser, ReturningUser)


def judge(environment: Environment, **_: Any) -> None:
    """Compare every operation that ran with its budget; a missed one decides the exit status."""
    missed = []
    for user in USERS:
        entry = environment.stats.get(user.operation, OPERATION)
        if not entry.num_requests:
            continue
        p99 = entry.get_response_time_percentile(0.99)
        if p99 > user.budget_p99_ms:
            missed.append(f"{user.operation}: p99 {p99:.0f} ms, budget {user.budget_p99_ms:.0f} ms")
        if entry.fail_ratio > user.budget_failures:
            missed.append(f"{user.operation}: {entry.num_failures} of {entry.num_requests} failed")
    for sentence in missed:
        log.error("below budget: %s", sentence)
    environment.process_exit_code = 1 if missed or not environment.stats.total.num_requests else 0


events.quitting.add_listener(judge)  # type: ignore[no-untyped-call]  # locust leaves its hooks untyped
