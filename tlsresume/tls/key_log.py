"""Key logs: lines of label, client random and secret, as SSLKEYLOGFILE names them.

What a line of another label, a comment or nonsense says is passed over, and what stands behind
a secret: a key log may hold the secrets of other programs, and end in the middle of a line.
"""

from __future__ import annotations

from collections.abc import Iterable

#: The secrets that open what a server says in TLS 1.3 (draft-ietf-tls-keylogfile).
HANDSHAKE = b"SERVER_HANDSHAKE_TRAFFIC_SECRET"
APPLICATION = b"SERVER_TRAFFIC_SECRET_0"
_LABELS = frozenset({HANDSHAKE, APPLICATION})

#: Connections whose secrets are kept, the newest ones.
MOST = 200_000


class KeyLog:
    """The servers' secrets of TLS 1.3 connections, by the client's random."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._secrets: dict[bytes, dict[bytes, bytes]] = {}

    def __len__(self) -> int:
        return len(self._secrets)

    def add(self, lines: Iterable[bytes]) -> int:
        """Take what lines hold; the number of those that held a secret for us."""
        found = 0
        for line in lines:
            words = line.split(None, 3)
            if len(words) < 3 or words[0] not in _LABELS:
                continue
            try:
                random, secret = bytes.fromhex(words[1].decode()), bytes.fromhex(words[2].decode())
            except ValueError:
                continue
            if len(random) == 32 and len(secret) in (32, 48):
                self._secrets.setdefault(random, {})[words[0]] = secret
                found += 1
                if len(self._secrets) > self._most:
                    del self._secrets[next(iter(self._secrets))]
        return found

    def secrets(self, random: bytes) -> tuple[bytes, bytes | None] | None:
        """A server's handshake secret and its first application secret, where they are known."""
        own = self._secrets.get(random)
        if own is None or HANDSHAKE not in own:
            return None
        return own[HANDSHAKE], own.get(APPLICATION)
