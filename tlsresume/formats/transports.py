"""Over which transport an entry of a report was measured."""

from __future__ import annotations

#: What entries were measured over that do not say.
DEFAULT = "tcp"


def transport_of(entry: object) -> str:
    """The transport of an address or a check; entries of reports before QUIC name none."""
    return str(getattr(entry, "transport", None) or DEFAULT)
