"""What a session is: the bytes a TLS library keeps to resume."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True, slots=True)
class Session:
    """A TLS session as bytes; `data` is a secret, and not shown by repr."""

    kind: Literal["openssl-der"]
    data: bytes = field(repr=False)
