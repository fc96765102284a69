"""Plain values of the hot paths: frozen dataclasses whose immutability the type checker holds.

A frozen dataclass sets each field through `object.__setattr__`, which makes it four times as dear to build as an ordinary one. A request
builds some twenty values with well over a hundred fields, so on the hot paths `value_type` takes the place of
`dataclass(frozen=True, slots=True)`: the same equality and hash, slots against stray attributes, and assignments refused by mypy, which
`make check` runs over every line (PEP 681, `frozen_default`).
"""

from dataclasses import dataclass, field
from typing import TypeVar, dataclass_transform

T = TypeVar("T")


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def value_type(cls: type[T]) -> type[T]:
    """Make a dataclass with slots, equality and hash by its fields; never assign to its instances."""
    return dataclass(slots=True, unsafe_hash=True)(cls)
