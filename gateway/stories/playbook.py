"""The stories by name, each with its steps in order."""

import os
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from foundation.entropy import SystemEntropy
from gateway.settings import ENV_FILE
from gateway.stories.main import accesses, arrival, desk, ledger, lookup_api, registration
from gateway.stories.main import sign_out as main_sign_out
from gateway.stories.main.cast import Cast
from gateway.stories.provider import code_flows, elsewhere, licenses, registering, sign_out
from gateway.stories.provider.cast import ProviderCast
from gateway.stories.story import Outcome, Played, Step, play
from gateway.stories.world import read_story_world

MAIN: tuple[Step[Cast], ...] = (
    Step(1, "a citizen comes in through the provincial center and agrees", arrival.come_in_through_the_center),
    Step(1, "the housing app knows name and level", arrival.be_in_the_housing_app),
    Step(2, "the business app needs no second sign-in and has another subject", arrival.be_in_the_business_app),
    Step(3, "a second citizen registers with a text message and a real-name check", registration.register),
    Step(3, "and signs in with the password", registration.sign_in_with_the_password),
    Step(4, "an officer signs in with two factors", desk.sign_in_with_two_factors),
    Step(4, "what the citizen sees before", accesses.count_before),
    Step(4, "verify answers within the grant", desk.verify),
    Step(4, "masked answers within the grant", desk.masked),
    Step(4, "full answers within the grant", desk.full),
    Step(4, "an ungranted field is refused", desk.refuse_ungranted_field),
    Step(4, "a higher grade is refused", desk.refuse_higher_grade),
    Step(4, "a closed case is refused", desk.refuse_closed_case),
    Step(4, "a type without grant is refused", desk.refuse_ungranted_type),
    Step(4, "a type held above comes through the license library", desk.fetch_from_the_library),
    Step(5, "the housing app's backend looks up through the API", lookup_api.look_up_through_the_backend),
    Step(5, "and is refused beyond the grant", lookup_api.be_refused_through_the_backend),
    Step(5, "a repeated request gets the same receipt", lookup_api.repeat_a_request),
    Step(6, "the citizen sees every one of these uses", accesses.see_every_use),
    Step(7, "the citizen signs out once", main_sign_out.sign_out_once),
    Step(7, "both apps were told and their sessions are over", main_sign_out.have_both_apps_told),
    Step(8, "the ledger is sound and has a checkpoint", ledger.verify_the_ledger),
    Step(8, "one altered byte is found, and its row named", ledger.name_an_altered_row),
)

PROVIDER: tuple[Step[ProviderCast], ...] = (
    Step(1, "the metadata say everything a developer has to know", registering.read_the_metadata),
    Step(1, "the bureau registers an app under policy baseline", registering.register_baseline),
    Step(1, "one under policy high", registering.register_high),
    Step(1, "one under policy high-signed", registering.register_high_signed),
    Step(1, "one under policy legacy, with an exception that ends", registering.register_legacy),
    Step(1, "what a policy forbids is not registered", registering.be_refused_beyond_the_policy),
    Step(1, "a registration is read and changed by its app", registering.manage_a_registration),
    Step(2, "baseline: code, PKCE, ID token, userinfo", code_flows.go_through_baseline),
    Step(2, "baseline: refresh tokens rotate", code_flows.refresh_and_rotate),
    Step(2, "baseline: the citizen says no", code_flows.have_a_refusal_told),
    Step(2, "how the name was verified", code_flows.ask_how_the_name_was_verified),
    Step(3, "high: pushed request, signed client, bound tokens", code_flows.go_through_high),
    Step(3, "high: refreshed with the key", code_flows.refresh_with_the_key),
    Step(4, "high-signed: signed request, signed answer", code_flows.go_through_high_signed),
    Step(5, "legacy: a hybrid answer", code_flows.go_through_legacy),
    Step(6, "a kiosk is let in by a code on its screen", elsewhere.sign_in_a_kiosk),
    Step(6, "the citizen confirms what a counter asks", elsewhere.confirm_at_the_counter),
    Step(7, "an app asks for one license, and the citizen agrees to that", licenses.ask_for_one_license),
    Step(8, "the app signs the citizen out", sign_out.sign_out_from_an_app),
    Step(8, "nobody is sent to a stranger", sign_out.leave_nothing_to_strangers),
    Step(9, "a registration is withdrawn", registering.withdraw_a_registration),
)

STORIES = ("main", "provider")


def play_story(name: str, world_file: Path, *, report: Callable[[Played], None]) -> Outcome:
    """Play a story against the demo whose world file this is; its settings lie beside it, or where RENZHENG_ENV_FILE says."""
    world, entropy = read_story_world(world_file), SystemEntropy()
    if name == "provider":
        with closing(ProviderCast(world, entropy)) as developers:
            return play(PROVIDER, developers, report=report)
    beside = world_file.parent / "renzheng.env"
    environment_file = beside if beside.exists() else Path(os.environ.get(ENV_FILE, str(beside)))
    with closing(Cast(world, environment_file, entropy)) as cast:
        return play(MAIN, cast, report=report)
