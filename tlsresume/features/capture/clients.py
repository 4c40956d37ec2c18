"""Clients' addresses as outputs show them: plain, or as pseudonyms made with a secret key."""

from __future__ import annotations

import hmac
import secrets

from tlsresume.errors import CaptureFileError
from tlsresume.features.capture.seen import address
from tlsresume.files import read_bounded

_LARGEST_KEY = 1 << 16
_SHORTEST_KEY = 16


class ClientNames:
    """Names of clients: their addresses, or with a key pseudonyms (HMAC), one for each address."""

    def __init__(self, key: bytes | None = None) -> None:
        self._key = key

    def name(self, packed: bytes) -> str:
        """The name of a client with this packed address and port."""
        text = address(packed)
        if self._key is None:
            return text
        return "client-" + hmac.digest(self._key, text.encode(), "sha256")[:8].hex()


def client_names(*, anonymise: bool, key_file: str | None) -> ClientNames:
    """Names for one run; a key of its own, unless a file has one. Raises CaptureFileError."""
    if not anonymise and key_file is None:
        return ClientNames()
    if key_file is None:
        return ClientNames(secrets.token_bytes(32))
    key, _ = read_bounded(key_file, _LARGEST_KEY, CaptureFileError)
    if len(key) > _LARGEST_KEY:
        raise CaptureFileError(
            f"{key_file} is too large for a key: more than {_LARGEST_KEY} bytes", path=key_file
        )
    if len(key) < _SHORTEST_KEY:
        raise CaptureFileError(
            f"{key_file} has {len(key)} bytes, where a key has {_SHORTEST_KEY} at least",
            path=key_file,
            hints=("make one with: head -c 32 /dev/urandom > FILE",),
        )
    return ClientNames(key)
