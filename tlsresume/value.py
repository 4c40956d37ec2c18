"""The base of what reports and evidence hold: frozen values that cost next to nothing to define.

A frozen dataclass with slots costs about a millisecond at start-up, for each class, since its
methods are compiled then; a `msgspec.Struct` a few hundredths of it. What is made of values with
`dataclasses.replace`, and what asks for `dataclasses.fields`, works on these as well, and mypy
checks it.

A secret is a `Secret`: its repr is its length, and no encoder of msgspec or json writes it.
Long bytes that are none (certificates, tickets) are kept out of reprs by `_hidden`.
"""

from __future__ import annotations

import copy
import dataclasses
import functools
from typing import Any, ClassVar, TypeVar

from msgspec import Struct

_Row = TypeVar("_Row", bound=Struct)


class Secret(bytes):
    """Bytes that nobody must see: keys, session secrets, what a key file holds, passwords.

    It is used as bytes are; what is cut out of it, or made of it, is plain bytes.
    """

    __slots__ = ()

    @classmethod
    def of(cls, text: str | bytes) -> Secret:
        """A password, if text as UTF-8; bytes of the environment that are none stay as they were."""
        return cls(text.encode("utf-8", "surrogateescape") if isinstance(text, str) else text)

    @property
    def text(self) -> str:
        """The password that `of` was given."""
        return self.decode("utf-8", "surrogateescape")

    def __repr__(self) -> str:
        return f"<{len(self)} secret bytes>"

    __str__ = __repr__

    def __format__(self, _spec: str) -> str:
        return repr(self)


@dataclasses.dataclass(init=False, repr=False, eq=False)
class _Like:
    """Any field of a dataclass, as a pattern for those of values: none is made, so that it needs
    no methods."""

    field: Any


class _Fields:
    """The fields of a value's class as the module `dataclasses` wants them, when it asks."""

    def __get__(self, _value: object, kind: type[Struct]) -> dict[str, dataclasses.Field[Any]]:
        return _fields_of(kind)


@functools.cache
def _fields_of(kind: type[Struct]) -> dict[str, dataclasses.Field[Any]]:
    """Made once for each class: `replace` asks for them several times."""
    (pattern,) = dataclasses.fields(_Like)
    made = {}
    for name in kind.__struct_fields__:
        made[name] = copy.copy(pattern)
        made[name].name = name
    return made


class Value(Struct, frozen=True):
    """A frozen value; a class of them says `frozen=True` itself, for mypy."""

    _hidden: ClassVar[frozenset[str]] = frozenset()
    __dataclass_fields__: ClassVar[Any] = _Fields()

    def __repr__(self) -> str:
        shown = (
            f"{name}={getattr(self, name)!r}"
            for name in self.__struct_fields__
            if name not in self._hidden
        )
        return f"{type(self).__name__}({', '.join(shown)})"


def row_of(kind: type[_Row], counts: object, **own: Any) -> _Row:
    """A value of a report: its `own` fields, and of what was counted those that have its names."""
    names = (name for name in kind.__struct_fields__ if name not in own)
    return kind(**own, **{name: getattr(counts, name) for name in names})
