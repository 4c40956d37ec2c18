"""The JSON Schema of policy files, for editors; generated, shipped as policy.schema.json."""

from __future__ import annotations

from typing import Any

import msgspec

from tlsresume.durations import PERCENT
from tlsresume.policy.demand_table import DEMANDS, SHARE
from tlsresume.policy.policy import Policy
from tlsresume.results.connection import MECHANISMS


def schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of a policy file."""
    whole: dict[str, Any] = _without_null(msgspec.json.schema(Policy))
    for kind in ("Demands", "TargetDemands"):
        fields = whole["$defs"][kind]["properties"]
        fields["expect"]["propertyNames"] = {"enum": list(MECHANISMS)}
        for row in DEMANDS:
            if row.kind is SHARE:
                # Read by `parse_share`, which makes a number of it before the rest is checked.
                share = fields[row.key]
                about = share.pop("description", None)
                fields[row.key] = {
                    "anyOf": [share, {"type": "string", "pattern": PERCENT}],
                    **({} if about is None else {"description": about}),
                }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "tlsresume policy, schema 1",
    } | whole


def _without_null(value: Any) -> Any:
    """TOML has no null: what may be missing may not be null."""
    if isinstance(value, list):
        return [_without_null(each) for each in value if each != {"type": "null"}]
    if not isinstance(value, dict):
        return value
    kept = {
        key: _without_null(each)
        for key, each in value.items()
        if not (key == "default" and each is None)
    }
    if len(kept.get("anyOf", ())) == 1:
        kept |= kept.pop("anyOf")[0]
    return kept


def schema_text() -> str:
    """The schema as the text of its file."""
    return msgspec.json.format(msgspec.json.encode(schema()), indent=2).decode() + "\n"
