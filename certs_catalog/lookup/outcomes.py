"""What a lookup returns: an ``Answer`` or a ``Refusal``, both on record before they exist.

Both render themselves for the wire; pages read their members.
"""

from collections.abc import Mapping, Sequence
from dataclasses import field
from datetime import datetime
from typing import Any, Literal

from certs_catalog.catalog import Catalog
from certs_catalog.errors import MemberProblem
from foundation.ledger.entries import canonical_json
from foundation.problems import ErrorCode, Problem
from foundation.values import value_type

Quality = Literal["ok", "disputed", "stale", "unavailable"]


@value_type
class FieldValue:
    """One released field:

    The value as released (None when the source has none), who said so, when, and how good it is.
    """

    label_zh: str
    label_en: str
    value: str | None = field(repr=False)
    source: str
    updated: datetime
    quality: Quality
    masked: bool


@value_type
class LicenseResult:
    """One license of an answer.

    For verify, ``facts`` says which stated facts match and nothing else is told.
    """

    identifier: str | None
    type_code: str
    type_name_zh: str
    type_name_en: str
    schema: str
    status: str
    fields: Mapping[str, FieldValue]
    facts: Mapping[str, bool]


@value_type
class AnswerSource:
    """Where an answer came from:

    ``live`` from a library above or ``index`` from our own; ``age_s`` of the oldest part.
    """

    mode: Literal["live", "index"]
    age_s: int
    from_zh: str
    from_en: str


@value_type
class Answer:
    """A permitted lookup that found something.

    ``results_json`` are the octets that the receipt's response hash covers.
    """

    results: tuple[LicenseResult, ...]
    results_json: bytes = field(repr=False)
    receipt: str = field(repr=False)
    source: AnswerSource
    lookup_id: str
    position: int
    answered_at: datetime
    replayed: bool = False

    def body(self) -> bytes:
        """Return the JSON body of status 200."""
        rest = canonical_json({"receipt": self.receipt, "source": render_source(self.source)})
        return b'{"results":' + self.results_json + b"," + rest[1:]


@value_type
class Refusal:
    """A lookup that discloses nothing: the registered reason, where it lies, and when to come back if that
    helps.

    ``lookup_id`` and ``position`` name the record; they are None only for a repetition of a recorded
    request id.
    """

    reason: ErrorCode
    errors: tuple[MemberProblem, ...] = ()
    retry_after: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    lookup_id: str | None = None
    position: int | None = None

    def problem(self) -> Problem:
        """Return the RFC 9457 problem.

        The body says nothing beyond the reason and the caller's own pointers.
        """
        extensions: dict[str, Any] = {}
        if self.errors:
            extensions["errors"] = [
                {"pointer": entry.pointer, "code": entry.code, "detail": f"{entry.detail_zh} {entry.detail_en}"}
                for entry in self.errors
            ]
        return Problem(
            status=self.reason.status,
            code=self.reason.code,
            title_zh=self.reason.title_zh,
            title_en=self.reason.title_en,
            detail_zh=self.reason.cause_zh,
            detail_en=self.reason.cause_en,
            retry_after=self.retry_after,
            extensions=extensions,
        )


def render_source(source: AnswerSource) -> dict[str, Any]:
    """Return the ``source`` member of an answer."""
    return {"mode": source.mode, "age_s": source.age_s, "from": source.from_zh}


def render_results(results: Sequence[LicenseResult]) -> bytes:
    """Return the ``results`` member as canonical JSON (RFC 8785), so that its hash can be recomputed from
    the parsed answer.
    """
    return canonical_json([_render_result(result) for result in results])


def _render_result(result: LicenseResult) -> dict[str, Any]:
    rendered: dict[str, Any] = {
        "type": result.type_code,
        "schema": result.schema,
        "status": result.status,
    }
    if result.identifier is not None:
        rendered["identifier"] = result.identifier
    if result.facts:
        rendered["facts"] = dict(result.facts)
    if result.fields:
        rendered["fields"] = {
            name: {
                "value": entry.value,
                "source": entry.source,
                "updated": entry.updated.isoformat(timespec="seconds")[:19] + "Z",
                "quality": entry.quality,
                "masked": entry.masked,
            }
            for name, entry in result.fields.items()
        }
    return rendered


def results_of_json(document: Sequence[Mapping[str, Any]], catalog: Catalog) -> tuple[LicenseResult, ...]:
    """Rebuild results from their rendered form, as a repeated request needs them."""
    return tuple(
        LicenseResult(
            identifier=entry.get("identifier"),
            type_code=entry["type"],
            type_name_zh=catalog.name_zh(entry["type"]),
            type_name_en=catalog.name_en(entry["type"]),
            schema=entry["schema"],
            status=entry["status"],
            fields={
                name: FieldValue(
                    *catalog.field_labels(entry["type"], name),
                    value=value["value"],
                    source=value["source"],
                    updated=datetime.fromisoformat(value["updated"]),
                    quality=value["quality"],
                    masked=value["masked"],
                )
                for name, value in entry.get("fields", {}).items()
            },
            facts=entry.get("facts", {}),
        )
        for entry in document
    )
