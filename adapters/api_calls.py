"""JSON over HTTP with a bearer key: the common shape of the district's own small interfaces (SMS, proofing,
cases).
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from adapters.guarded_http import FetchFailed, FetchNotConnected, GuardedHttp
from adapters.json_documents import parse_json_object
from foundation.strict_json import MalformedJson


class ApiSettings(BaseModel):
    """Where such an interface lies and how long a call may take."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    base_url: str = Field(description="Address under which the operations lie, without a trailing slash.")
    api_key: SecretStr = Field(description="Key that the other side issued to this district.")
    deadline: timedelta = Field(
        default=timedelta(seconds=5),
        gt=timedelta(0),
        le=timedelta(seconds=10),
        description="Time for one call in all; at most 10 s.",
    )


class CallFailed(Exception):
    """No usable answer; the message names the cause for the log and repeats nothing of the request or
    answer.
    """


@dataclass(frozen=True, slots=True)
class Accepted:
    """A JSON object that came with a 2xx status."""

    status: int
    document: Mapping[str, Any]


async def call_api(http: GuardedHttp, settings: ApiSettings, path: str, members: Mapping[str, Any]) -> Accepted:
    """POST a JSON object and return the JSON object of the answer; raises CallFailed.

    Repeated once when no connection came about, since then nothing was sent.
    """
    for attempt in (1, 2):
        try:
            fetched = await http.fetch(
                "POST",
                f"{settings.base_url}{path}",
                headers={
                    "Content-Type": "application/json",
                    "Authorization": f"Bearer {settings.api_key.get_secret_value()}",
                },
                body=json.dumps(members, ensure_ascii=False, separators=(",", ":")).encode(),
                deadline=settings.deadline,
            )
            break
        except FetchNotConnected as error:
            if attempt == 2:
                raise CallFailed(str(error)) from error
        except FetchFailed as error:
            raise CallFailed(str(error)) from error
    if not 200 <= fetched.status < 300:
        raise CallFailed(f"HTTP {fetched.status}")
    if fetched.content_type != "application/json":
        raise CallFailed("the answer is not labelled as JSON")
    try:
        return Accepted(fetched.status, parse_json_object(fetched.body))
    except MalformedJson as error:
        raise CallFailed(str(error)) from error
