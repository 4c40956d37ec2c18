"""Whether two probes would be alike: a short word for a target and all of its options. Pure."""

from __future__ import annotations

import hashlib

from tlsresume.options import ProbeOptions
from tlsresume.targets.target import Target


def fingerprint(target: Target, options: ProbeOptions) -> str:
    """A short word that is equal where a target would be probed alike. Secrets are not in it,
    since the values' own words for themselves leave them out."""
    words = f"{target!r}\n{options!r}"
    return hashlib.sha256(words.encode("utf-8", "surrogateescape")).hexdigest()[:32]
