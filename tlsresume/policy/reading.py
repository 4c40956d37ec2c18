"""From TOML to a Policy, strictly: a wrong key or value is an error with its path.

Keys are checked before msgspec sees them, so that the nearest valid one can be named.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from importlib.resources import files
from typing import Any, TypeVar, get_args

import msgspec

from tlsresume.errors import PolicyFileError
from tlsresume.files import parse_toml
from tlsresume.policy.demand_table import DEMANDS, SHARE, Row, crossed
from tlsresume.policy.demands import EXPECTED, Demands
from tlsresume.policy.names import BUILTIN, BuiltinName
from tlsresume.policy.policy import Policy, TargetDemands, Waiver, on_top
from tlsresume.results.connection import MECHANISMS
from tlsresume.results.measured import Severity

#: How much of a wrong key or word an error repeats.
_SHOWN = 60

_CODE = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*", re.IGNORECASE)


def parse_policy(text: str, name: str, codes: Iterable[str] = ()) -> Policy:
    """The policy in a TOML text, on top of the built-in one that it extends.

    `name` is the file's, for messages; `codes` are those of features' findings, which may be
    given a severity beside those of the rules. Raises PolicyFileError.
    """
    whole = parse_toml(text, name, "a policy", PolicyFileError)
    _check_keys(whole, name)
    policy = _convert(whole, Policy, "", name)
    _check_values(policy, name, codes)
    if policy.extends is not None:
        policy = on_top(builtin_policy(policy.extends), policy)
    if not policy.demands_something:
        hint = 'name a demand under [defaults], such as resumes = true or max-lifetime = "24h"'
        raise PolicyFileError(
            f"{name} demands nothing: no server could break it", path=name, hints=(hint,)
        )
    return policy


def builtin_policy(name: BuiltinName) -> Policy:
    """A policy that comes with the tool."""
    return parse_policy(builtin_text(name), name)


def builtin_text(name: BuiltinName) -> str:
    """Its TOML, to read or to start from."""
    return (files("tlsresume.policy") / "builtin" / f"{name}.toml").read_text(encoding="utf-8")


def nearest(word: str, known: Iterable[str]) -> tuple[str, ...]:
    """A hint with the known word that is most like a wrong one, or with all of them."""
    words = sorted(known)
    close = difflib.get_close_matches(word, words, 1)
    return (f"did you mean {close[0]}?",) if close else (f"known: {', '.join(words)}",)


_S = TypeVar("_S", bound=msgspec.Struct)


def _convert(value: object, kind: type[_S], path: str, name: str) -> _S:
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        raise PolicyFileError(f"{name}: {_with_path(str(error), path)}", path=name) from None


def _wrong(name: str, where: str, what: str, *hints: str) -> PolicyFileError:
    return PolicyFileError(f"{name}: {where}: {what}", path=name, hints=hints)


# ---------------------------------------------------------------------- keys


def _keys(struct: type[msgspec.Struct]) -> tuple[str, ...]:
    return struct.__struct_encode_fields__


def _table(value: object) -> dict[str, Any]:
    """A table; an empty one where it is something else, which msgspec refuses after this."""
    return value if isinstance(value, dict) else {}


def _check_keys(whole: dict[str, Any], name: str) -> None:
    _check_table(whole, _keys(Policy), "", name)
    _check_word(whole, "extends", BUILTIN, "", name)
    findings = _table(whole.get("findings"))
    for code in findings:
        _check_word(findings, code, get_args(Severity), "findings", name)
    _check_demands(_table(whole.get("defaults")), _keys(Demands), "defaults", name)
    for pattern, section in _table(whole.get("targets")).items():
        if isinstance(section, dict):
            path = f'targets."{_cut(pattern)}"'
            _check_demands(section, _keys(TargetDemands), path, name)
            # By itself, since msgspec's path would not name the pattern.
            _convert(section, TargetDemands, path, name)
    waivers = whole.get("waivers")
    for number, waiver in enumerate(waivers if isinstance(waivers, list) else [], 1):
        _check_table(_table(waiver), _keys(Waiver), f"waivers[{number}]", name)


def _check_demands(section: dict[str, Any], known: tuple[str, ...], path: str, name: str) -> None:
    _check_table(section, known, path, name)
    for row in DEMANDS:
        if row.kind is SHARE and isinstance(section.get(row.key), str):
            section[row.key] = _parsed(row, section[row.key], path, name)
    expect = _table(section.get("expect"))
    _check_table(expect, MECHANISMS, f"{path}.expect", name)
    for mechanism in expect:
        _check_word(expect, mechanism, EXPECTED, f"{path}.expect", name)


def _check_word(
    table: dict[str, Any], key: str, known: tuple[str, ...], path: str, name: str
) -> None:
    """Refuse a word that is none of a few, and name the nearest."""
    word = table.get(key)
    if isinstance(word, str) and word not in known:
        what = f"{_cut(word)!r} is not valid here"
        raise _wrong(name, f"{path}.{_cut(key)}".lstrip("."), what, *nearest(word, known))


def _check_table(table: dict[str, Any], known: tuple[str, ...], path: str, name: str) -> None:
    for key in table:
        if key not in known:
            where = f"{path}.{_cut(key)}" if path else _cut(key)
            raise _wrong(name, where, "no such key", *nearest(key, known))


# -------------------------------------------------------------------- values


def _check_values(policy: Policy, name: str, codes: Iterable[str]) -> None:
    _check_section(policy.defaults, "defaults", name)
    for pattern, section in policy.targets.items():
        path = f'targets."{_cut(pattern)}"'
        if not pattern.strip():
            raise _wrong(name, path, "the pattern is empty")
        _check_section(section, path, name)
    for code in policy.findings:
        if not _CODE.fullmatch(code):
            hint = "codes are words joined by hyphens, as reports print them"
            raise _wrong(name, f"findings.{_cut(code)}", "not the code of a finding", hint)
    for code in policy.findings:
        # A code that no rule gives would be a demand that nothing can break.
        if (hints := unknown_code(code, codes)) is not None:
            what = "no finding has this code"
            raise _wrong(name, f"findings.{_cut(code)}", what, *hints)
    known = (*_keys(Demands), *MECHANISMS)
    for key in policy.sources:
        if key not in (*known, *policy.findings):
            raise _wrong(name, f"sources.{_cut(key)}", "no such demand", *nearest(key, known))


def unknown_code(code: str, others: Iterable[str] = ()) -> tuple[str, ...] | None:
    """Hints for a code that no finding has; None for one that a rule, or one of `others`, has."""
    from tlsresume.findings.catalogue import RULES

    known = {rule.code for rule in RULES} | set(others)
    if code in known:
        return None
    close = difflib.get_close_matches(code, sorted(known), 1, 0.5)
    return (*(f"did you mean {each}?" for each in close), "all codes: tlsresume explain")


def _check_section(section: Demands, path: str, name: str) -> None:
    if section.resumes is False:
        hint = 'what must not be resumed is written expect = { psk = "not-resumed" }'
        raise _wrong(name, f"{path}.resumes", "only true makes sense here", hint)
    for row in DEMANDS:
        if (value := getattr(section, row.field)) is not None:
            _parsed(row, value, path, name)
    if (keys := crossed(section)) is not None:
        raise _wrong(name, path, f"{keys[0]} is longer than {keys[1]}")


def _parsed(row: Row, value: Any, path: str, name: str) -> Any:
    """A value as its kind has it."""
    try:
        return value if row.kind.parse is None else row.kind.parse(value)
    except ValueError as error:
        raise _wrong(name, f"{path}.{row.key}", str(error)) from None


_DURATION = "not a duration such as 90s, 5m, 24h or 7d"
_TYPES = {
    "str": "text",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "object": "a table",
    "array": "a list",
    "date": "a date such as 2027-03-31",
}


def _with_path(message: str, above: str) -> str:
    """The message of msgspec with its path first and the words of TOML."""
    text, _, path = message.partition(" - at `$")
    text = re.sub(r"`([a-z |]+)`", lambda match: _in_words(match[1]), text)
    text = re.sub(r"Expected text matching regex .*[hd].*", _DURATION, text)
    # People count from 1.
    path = re.sub(r"\[(\d+)\]", lambda match: f"[{int(match[1]) + 1}]", path)
    where = f"{above}{path.rstrip('`').replace('[...]', '')}".lstrip(".")
    return f"{where}: {_lower(text)}" if where else _lower(text)


def _in_words(types: str) -> str:
    names = [name for name in types.split(" | ") if name != "null"]
    return " or ".join(_TYPES.get(name, f"'{name}'") for name in names)


def _cut(text: str, most: int = _SHOWN) -> str:
    """A text for a message, shortened where it is long."""
    return text if len(text) <= most else f"{text[: most - 3]}..."


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:]
