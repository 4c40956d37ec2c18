"""What a file of ticket keys can be for; light, since `--help` lists it."""

from __future__ import annotations

from typing import Literal

KeyKind = Literal["nginx", "haproxy", "apache", "go", "gnutls"]
KEY_KINDS: tuple[KeyKind, ...] = ("nginx", "haproxy", "apache", "go", "gnutls")
