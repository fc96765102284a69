"""What a form shows when it comes back: the errors of its fields."""

from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field as declared


@dataclass(frozen=True, slots=True)
class FieldError:
    """One thing to put right. ``message`` is a Chinese source text of the catalogue, marked with ``gateway.i18n.mark``;
    ``values`` fills its ``{places}``. ``field`` is the form field's name, or empty for an error of the whole form."""

    field: str
    message: str
    values: Mapping[str, object] = declared(default_factory=dict)


def errors_of(errors: list[FieldError], name: str) -> list[FieldError]:
    """Return the errors of the field ``name`` in their order."""
    return [error for error in errors if error.field == name]
