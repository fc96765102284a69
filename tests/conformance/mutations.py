"""Faults that are planted in a copy of the product, one by one, to show that the port catches each.

`python -m tests.conformance.mutations` prints a table; `make test-long` does the same as tests. A fault is one textual change; that each
still fits the code is checked in every run.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
RUN_S = 300
CAUGHT, MISSED = 1, 0
"""How pytest ends when a test has failed, and when all have passed."""
_LEFT_BEHIND = shutil.ignore_patterns(".*", "__pycache__", "*.egg-info", "node_modules", "test-artefacts")


@dataclass(frozen=True)
class Mutation:
    """One fault: in `file`, `before` becomes `after`; the tests that match `caught_by` have to notice."""

    what: str
    file: str
    before: str
    after: str
    caught_by: str


_DPOP = "idp/provider/proof/dpop.py"
_CODE = "idp/provider/grants/authorization_code.py"
_OBJECTS = "idp/provider/authorization/request_objects.py"
_ASSERTIONS = "idp/provider/proof/client_assertions.py"
_ID_TOKENS = "idp/provider/tokens/id_tokens.py"
_ID_TOKEN_CLAIMS = 'claims["nonce"] = facts.nonce'
_INTERACTION = "idp/provider/authorization/interaction.py"
_SP = "test_fapi2_security_profile_final_"

MUTATIONS: tuple[Mutation, ...] = (
    Mutation(
        "any redirect URI that begins like a registered one is followed",
        "idp/provider/clients/redirects.py",
        "    if redirect_uri in known:\n",
        "    if redirect_uri.startswith(known):\n",
        "test_oidcc_ensure_registered_redirect_uri and basic",
    ),
    Mutation(
        "another client gets what a person agreed to on the own device",
        "idp/provider/decoupled/polling.py",
        "    if waiting is None or waiting.client_id != client.client_id:\n",
        "    if waiting is None:\n",
        "test_fapi_ciba_id1_ensure_wrong_client_id_in_token_endpoint_request and ciba-poll",
    ),
    Mutation(
        "another client may redeem a code",
        _CODE,
        "    if grant.client_id != client.client_id:\n",
        '    if grant.client_id == "":\n',
        f"{_SP}ensure_authorization_code_is_bound_to_client and high-jwt-dpop",
    ),
    Mutation(
        "a code never expires",
        _CODE,
        "    if now >= grant.code_expires_at:\n",
        "    if now < grant.created_at:\n",
        f"{_SP}ensure_token_endpoint_fails_with_expired_auth_code and high-jwt-dpop",
    ),
    Mutation(
        "the PKCE verifier is not compared",
        "idp/provider/authorization/pkce.py",
        "    if not hmac.compare_digest(computed, code_challenge):\n",
        '    if computed == "":\n',
        "test_oidcc_ensure_request_with_valid_pkce_succeeds and basic",
    ),
    Mutation(
        "PKCE method plain is taken",
        "idp/provider/authorization/pkce.py",
        "    if code_challenge is None or method != CODE_CHALLENGE_METHOD:\n",
        "    if code_challenge is None:\n",
        f"{_SP}par_plain_pkce_rejected and high-jwt-dpop",
    ),
    Mutation(
        "tokens of a replayed code live on",
        _CODE,
        "    if grant.ended_at is None:\n        async with",
        "    if grant.ended_at is not None:\n        async with",
        "test_oidcc_codereuse_30seconds and basic",
    ),
    Mutation(
        "the nonce is not in the ID token",
        _ID_TOKENS,
        _ID_TOKEN_CLAIMS,
        'claims["nonces"] = facts.nonce',
        "test_oidcc_server and basic",
    ),
    Mutation(
        "the ID token names another audience",
        _ID_TOKENS,
        '        "aud": facts.client_id,\n',
        '        "aud": issuer,\n',
        "test_oidcc_server and basic",
    ),
    Mutation(
        "`c_hash` hashes the access token",
        _ID_TOKENS,
        '("c_hash", beside.code)',
        '("c_hash", beside.code and beside.code[1:])',
        "test_oidcc_server and hybrid",
    ),
    Mutation(
        "`auth_time` is the time of the token",
        _ID_TOKENS,
        '        "auth_time": int(facts.auth_time.timestamp()),\n',
        '        "auth_time": issued_at,\n',
        "(test_oidcc_max_age or test_oidcc_prompt_none_logged_in) and basic",
    ),
    Mutation(
        "`prompt=login` is taken as done",
        _INTERACTION,
        '    if "login" in request.prompt or "select_account" in request.prompt:\n',
        '    if "select_account" in request.prompt:\n',
        "test_oidcc_prompt_login and basic",
    ),
    Mutation(
        "`max_age` counts minutes",
        _INTERACTION,
        "timedelta(seconds=request.max_age)",
        "timedelta(minutes=request.max_age)",
        "test_oidcc_max_age_1 and basic",
    ),
    Mutation(
        "`prompt=none` shows the sign-in page",
        _INTERACTION,
        '    silent = "none" in request.prompt\n',
        '    silent = "none" in request.acr_values\n',
        "test_oidcc_prompt_none_not_logged_in and basic",
    ),
    Mutation(
        "a nonce is not asked for where an ID token is in the answer",
        "idp/provider/authorization/response_types.py",
        "    if gives(response_type, ID_TOKEN) and nonce is None:\n",
        '    if gives(response_type, ID_TOKEN) and nonce == "":\n',
        "test_oidcc_ensure_request_without_nonce_fails and hybrid",
    ),
    Mutation(
        "tokens travel in the query",
        "idp/provider/authorization/response_modes.py",
        "    default = FRAGMENT if is_front_channel(response_type) else QUERY\n",
        "    default = QUERY\n",
        "test_oidcc_server and hybrid",
    ),
    Mutation(
        "any post-logout address of a hinted client is followed",
        "idp/provider/sign_out/logout.py",
        "    if not is_registered_redirect_uri(uri, client.post_logout_redirect_uris, client.application_type):\n",
        "    if not client.post_logout_redirect_uris:\n",
        "test_oidcc_rp_initiated_logout_bad_post_logout_redirect_uri",
    ),
    Mutation(
        "the state of a sign-out is dropped",
        "idp/provider/sign_out/logout.py",
        '    state = parameters.get("state")\n',
        "    state = None\n",
        "test_oidcc_rp_initiated_logout",
    ),
    Mutation(
        "a logout token carries no events",
        "idp/provider/sign_out/backchannel.py",
        '        "events": {EVENT: {}},\n',
        '        "events": {},\n',
        "test_oidcc_backchannel_rp_initiated_logout",
    ),
    Mutation(
        "a DPoP proof is good for every method",
        _DPOP,
        '    if claims.get("htm") != method:\n',
        '    if not claims.get("htm"):\n',
        f"{_SP}dpop_negative_tests and high-jwt-dpop",
    ),
    Mutation(
        "a DPoP proof is good for every address",
        _DPOP,
        '    if not any(_is_address(claims.get("htu"), address) for address in addresses):\n',
        '    if not claims.get("htu"):\n',
        f"{_SP}dpop_negative_tests and high-jwt-dpop",
    ),
    Mutation(
        "a DPoP proof need not be made for the token",
        _DPOP,
        "    if proof.ath is None or not hmac.compare_digest(",
        "    if proof.ath is None and not hmac.compare_digest(",
        f"{_SP}dpop_negative_tests and high-jwt-dpop",
    ),
    Mutation(
        "a private key in a DPoP proof is taken",
        _DPOP,
        "    if not isinstance(jwk, Mapping) or _PRIVATE_MEMBERS & jwk.keys():\n",
        "    if not isinstance(jwk, Mapping):\n",
        f"{_SP}dpop_negative_tests and high-jwt-dpop",
    ),
    Mutation(
        "a code is not held to the key that its request named",
        _CODE,
        "    check_confirmation(None if bound_to is None else Confirmation(KEY, bound_to), confirmation)\n",
        "    check_confirmation(None, confirmation)\n",
        f"{_SP}ensure_token_endpoint_fails_with_mismatched_dpop_jkt and high-jwt-dpop",
    ),
    Mutation(
        "a certificate-bound token is taken with any certificate",
        "idp/provider/resources/access.py",
        "        if request.certificate is None or certificate_thumbprint(request.certificate) != bound_to.thumbprint:\n",
        '        if bound_to.thumbprint == "":\n',
        f"{_SP}ensure_holder_of_key_required and high-jwt-mtls",
    ),
    Mutation(
        "a request object lives as long as it says",
        _OBJECTS,
        "    if exp is not None and exp - (at if nbf is None else nbf) > longest:\n",
        "    if exp is not None and exp - (at if nbf is None else nbf) > 24 * longest:\n",
        f"{_SP}ensure_request_object_with_exp_over_60_fails and signed-jwt-dpop",
    ),
    Mutation(
        "a request object for another provider is taken",
        _OBJECTS,
        "    if provider.issuer not in audience or not",
        '    if "" in audience or not',
        f"{_SP}ensure_request_object_with_bad_aud_fails and signed-jwt-dpop",
    ),
    Mutation(
        "an expired request object is taken",
        _OBJECTS,
        "    if exp is not None and at >= exp:\n",
        "    if exp is not None and exp <= 0:\n",
        f"{_SP}ensure_expired_request_object_fails and signed-jwt-dpop",
    ),
    Mutation(
        "the token endpoint's address is an audience for every client",
        _ASSERTIONS,
        "    if policy is not None and policy.requires_issuer_audience:\n",
        '    if policy is not None and policy.name == "":\n',
        f"{_SP}par_test_token_endpoint_url_as_audience_fails and high-jwt-dpop",
    ),
    Mutation(
        "an assertion never expires",
        _ASSERTIONS,
        "    if expires_at is None or expires_at <= now.timestamp():\n",
        "    if expires_at is None:\n",
        f"{_SP}ensure_client_assertion_with_exp_is_5_minutes_in_past_fails and high-jwt-dpop",
    ),
    Mutation(
        "a pushed request works for every client",
        "idp/provider/authorization/sources.py",
        "found.client_id != client.client_id or ",
        "",
        f"{_SP}par_attempt_to_use_request_uri_for_different_client and high-jwt-dpop",
    ),
    Mutation(
        "a pushed request never expires",
        "idp/provider/authorization/sources.py",
        " or now >= found.expires_at or",
        " or",
        f"{_SP}par_attempt_to_use_expired_request_uri and high-jwt-dpop",
    ),
    Mutation(
        "clients of policy high need not push",
        "idp/provider/clients/policies.py",
        "not doing.is_pushed:",
        'doing.response_type == "":',
        f"{_SP}ensure_unsigned_authorization_request_without_using_par_fails and high-jwt-dpop",
    ),
    Mutation(
        "a signed answer names another audience",
        "idp/provider/authorization/jarm.py",
        '"aud": client.client_id',
        '"aud": provider.issuer',
        f"{_SP}happy_flow and signed-jwt-dpop",
    ),
)


@contextmanager
def copied_tree() -> Iterator[Path]:
    """Copy the product and its tests to a place where they may be spoilt."""
    with tempfile.TemporaryDirectory(prefix="renzheng-mutations-") as folder:
        tree = Path(folder) / "tree"
        shutil.copytree(ROOT, tree, ignore=_LEFT_BEHIND)
        yield tree


def fits(mutation: Mutation, tree: Path = ROOT) -> bool:
    """Tell whether the text that the fault changes stands in the file exactly once."""
    return (tree / mutation.file).read_text(encoding="utf-8").count(mutation.before) == 1


@contextmanager
def planted(mutation: Mutation, tree: Path) -> Iterator[None]:
    """Let the fault stand in the copy while the block lasts."""
    file = tree / mutation.file
    sound = file.read_text(encoding="utf-8")
    file.write_text(sound.replace(mutation.before, mutation.after), encoding="utf-8")
    try:
        yield
    finally:
        file.write_text(sound, encoding="utf-8")


def run_port(tree: Path, selection: str) -> tuple[int, str]:
    """Run the selected modules in the copy against its own product, and return pytest's exit status with its output."""
    surroundings = {name: value for name, value in os.environ.items() if not name.startswith(("RENZHENG_", "PYTEST_"))}
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-x",
            "-p",
            "no:cacheprovider",
            "--op=renzheng",
            "--op-stack=sqlite+memory",
            "tests/conformance",
            "-k",
            selection,
        ],
        cwd=tree,
        env={**surroundings, "PYTHONPATH": str(tree), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=RUN_S,
        check=False,
    )
    return done.returncode, done.stdout[-3000:] + done.stderr[-1000:]


def main() -> int:
    """Plant every fault and print what became of it."""
    missed = 0
    with copied_tree() as tree:
        for mutation in MUTATIONS:
            with planted(mutation, tree):
                status, _ = run_port(tree, mutation.caught_by)
            missed += status != CAUGHT
            print(f"{'caught' if status == CAUGHT else f'NOT CAUGHT ({status})'}  {mutation.what}", flush=True)
    print(f"{len(MUTATIONS) - missed} of {len(MUTATIONS)} caught")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
