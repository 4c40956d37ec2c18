"""Why a connection of ours was made: a type for each experiment, a member for each part of it.

Whoever asks which attempts answer a question names the purpose, never the words that JSON has
for it. Purposes without parameters are members of their type; one that has any (the age of a
session, the address that issued it) is a small class. The base class is here, since attempts
carry a purpose; the purposes themselves are in `evidence/purposes.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from typing import TYPE_CHECKING, ClassVar, TypeVar


class Role(Enum):
    """What the attempts of a purpose are to the judgement."""

    SUBJECT = "subject"
    """The tries that are judged and explained."""
    CONTROL = "control"
    """Handshakes without a session, otherwise made as the tries are."""
    ASIDE = "aside"
    """The parts of an experiment that answer its own question only."""


class Purpose:
    """Why a connection was made. `experiment` and `series` are its words in JSON.

    `other_config`: its handshakes without a session follow another ClientConfig than the tries'.
    `other_server`: another server may answer, with keys of its own.
    """

    __slots__ = ()

    experiment: ClassVar[str]
    other_config: ClassVar[bool] = False
    other_server: ClassVar[bool] = False

    @property
    def series(self) -> str:
        """Which part of the experiment it is."""
        raise NotImplementedError

    @property
    def role(self) -> Role:
        """What its attempts are to the judgement."""
        return Role.ASIDE

    def is_any(self, *wanted: Wanted) -> bool:
        """Whether it is one of these purposes, or of one of these types."""
        for each in wanted:
            if isinstance(self, each) if isinstance(each, type) else self == each:
                return True
        return False


#: A purpose, or a type that stands for all of its own.
Wanted = Purpose | type[Purpose]


class PlainPurpose(Purpose):
    """The purposes of one experiment, without parameters: each `Member` in the class is one.

    No Enum: what makes those took a hundredth of a whole probe's CPU.
    """

    __slots__ = ("_role", "_series", "name")

    def __init__(self, name: str, series: str, role: Role) -> None:
        self.name = name
        self._series = series
        self._role = role

    @property
    def series(self) -> str:
        return self._series

    @property
    def role(self) -> Role:
        return self._role

    def __repr__(self) -> str:
        return f"{type(self).__name__}.{self.name}"

    def __reduce__(self) -> tuple[Callable[[type, str], object], tuple[type, str]]:
        # Each is one object, also after it was copied or came from another process.
        return getattr, (type(self), self.name)


_Plain = TypeVar("_Plain", bound=PlainPurpose)


class Member:
    """Says of a `PlainPurpose` which purpose of its class it is: the word of its series, and its
    role. When the class is made, the purpose itself takes its place."""

    def __init__(self, series: str, role: Role = Role.ASIDE) -> None:
        self._series = series
        self._role = role

    def __set_name__(self, owner: type[PlainPurpose], name: str) -> None:
        setattr(owner, name, owner(name, self._series, self._role))

    if TYPE_CHECKING:  # what stands in its place

        def __get__(self, instance: object, owner: type[_Plain]) -> _Plain: ...


_Type = TypeVar("_Type", bound=type[Purpose])


def experiment(
    name: str, *, other_config: bool = False, other_server: bool = False
) -> Callable[[_Type], _Type]:
    """Say of a type of purposes which experiment they are of (see `Purpose`)."""

    def put(kind: _Type) -> _Type:
        kind.experiment, kind.other_config, kind.other_server = name, other_config, other_server
        return kind

    return put
