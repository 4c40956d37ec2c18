"""What passed on one connection, in order (being written)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Transcript:
    """Every handshake message and alert of one connection."""
