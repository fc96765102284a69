"""Rich authorization: the app says which license it wants to read, how far and what for, and the person agrees to exactly that."""

import json

from gateway.stories.provider.cast import ProviderCast, parameters_of
from gateway.stories.story import expect

RESIDENT_ID_CARD = "11100000000013127D001"


def ask_for_one_license(cast: ProviderCast) -> str:
    """`authorization_details` of type electronic_license come back with the token, as they were agreed to (RFC 9396 §7)."""
    app = cast.apps["high"]
    wanted = [
        {
            "type": "electronic_license",
            "actions": ["read"],
            "license_types": [RESIDENT_ID_CARD],
            "grade": "masked",
            "fields": ["holder_name", "valid_to"],
            "purpose": "核对租住资格",
        }
    ]
    asked = app.request(scope="openid profile", authorization_details=json.dumps(wanted, ensure_ascii=False))
    told = parameters_of(cast.come_back(cast.citizen.open(app.push(asked)), app))
    expect("code" in told, f"the app got no code but {told.get('error')}")
    tokens = app.redeem(told["code"])
    granted = tokens["authorization_details"]
    expect(len(granted) == 1 and granted[0]["grade"] == "masked", "other details were granted than agreed to")
    unknown = app.request(authorization_details=json.dumps([{"type": "wallet"}]))
    refused = app.refusal(unknown, endpoint="pushed_authorization_request_endpoint")
    expect(refused == "invalid_authorization_details", f"an unknown type was answered {refused}")
    return f"one license type, grade {granted[0]['grade']}, fields {len(granted[0]['fields'])}; unknown types refused"
