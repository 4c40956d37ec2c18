"""The reference pages of the site in docs/: findings, options, JSON documents, the library.

They are made from what the tool itself reads: the tables of rules (as tlsresume-findings(7)),
the click tree (as the other man pages), the JSON Schemas, and the package's public names, whose
docstrings Sphinx puts in. Markdown, in the dialect of MyST.
"""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import generate_schema
from generate_man import EXAMPLES, page_name, pages
from tree import PROGRAM, Command, Option, program, read

import tlsresume
from tlsresume.features import entries
from tlsresume.formats import explanation

#: Nothing but generated files.
FOLDER = Path("docs/reference")

_MADE = "% Made by tools/generate_docs.py from {maker}; do not edit.\n"
_ROOT = Path(__file__).resolve().parent.parent

#: What Markdown, or one of its extensions that are switched on, would take for a mark.
_MARKS = re.compile(r"([\\*_<>\[\]{}|#$~&^!])")


def escape(text: str) -> str:
    """Text that is shown as it is; nothing in it is Markdown."""
    return _MARKS.sub(r"\\\1", text)


def code(text: str) -> str:
    """Text as code, whatever it holds."""
    fence = "`" * (max((len(run) for run in re.findall("`+", text)), default=0) + 1)
    space = " " if text.startswith("`") or text.endswith("`") else ""
    return f"{fence}{space}{text}{space}{fence}"


def prose(text: str) -> str:
    """A paragraph on one line; what stands between backquotes is code."""
    parts = re.split(r"`([^`]+)`", " ".join(text.split()))
    return "".join(code(part) if odd % 2 else escape(part) for odd, part in enumerate(parts))


def paragraphs(text: str) -> Iterator[str]:
    """The paragraphs of a help text; one that opens with click's mark keeps its lines."""
    for block in re.split(r"\n\s*\n", text.strip()):
        lines = block.splitlines()
        if lines and lines[0].strip() == "\b":
            yield from ("```text", *lines[1:], "```", "")
        elif block.strip():
            yield from (prose(block), "")


# -------------------------------------------------------------------- findings


def findings() -> str:
    """Every code with its page, group by group."""
    every = explanation.pages(entries())
    lines = [
        _MADE.format(maker="the tables of rules"),
        "# Findings",
        "",
        (
            "The codes that `probe`, `resume`, `capture` and `serve` print: what causes each, how it"
            " is told from others, what to do, and where people met it. `tlsresume explain CODE`"
            " and the man page tlsresume-findings(7) say the same."
        ),
        "",
    ]
    for group, title in explanation.GROUPS.items():
        members = [page for page in every if page.group == group]
        if members:
            lines += [f"## {escape(title)}", ""]
        for page in members:
            lines += [
                f"({_label(page.code)})=",
                f"### {page.code}",
                "",
                f"{prose(page.title)}.",
                "",
            ]
            for name, values in explanation.rows(page):
                lines += [escape(name), *(f": {prose(values[0])}",)]
                lines += [line for value in values[1:] for line in ("", f"  {prose(value)}")]
                lines.append("")
    return "\n".join(lines).rstrip() + "\n"


def _label(finding: str) -> str:
    """Where other pages point to, as `[](#finding-CODE)`."""
    return f"finding-{finding}"


# --------------------------------------------------------------------- options


def options(command: Command) -> str:
    """One command with all that it takes."""
    lines = [
        _MADE.format(maker="the command line itself"),
        f"# {escape(' '.join(command.path))}",
        "",
        *paragraphs(f"{command.help}\n\n{command.epilog}"),
        "```text",
        f"$ {_synopsis(command)}",
        "```",
        "",
    ]
    if command.commands:
        lines += ["## Commands", ""]
        for below in command.commands:
            lines += [
                f"[{code(below.name)}]({page_name(below)}.md)",
                f": {prose(below.summary)}.",
                "",
            ]
    lines += _options(command.options)
    lines += _examples(command)
    return "\n".join(lines).rstrip() + "\n"


def _synopsis(command: Command) -> str:
    words = [*command.path, "[OPTIONS]"]
    if command.commands:
        words += ["COMMAND", "[ARGUMENTS]..."]
    for argument in command.arguments:
        word = argument.value.name + ("..." if argument.repeatable else "")
        words.append(word if argument.required else f"[{word}]")
    return " ".join(words)


def _options(every: Iterable[Option]) -> Iterator[str]:
    groups: dict[str, list[Option]] = {}
    for option in every:
        groups.setdefault(option.group or "Options", []).append(option)
    for group, own in groups.items():
        yield from (f"## {escape(group)}", "")
        for option in own:
            yield from (code(option.declaration), f": {prose(option.description)}", "")


def _examples(command: Command) -> Iterator[str]:
    examples = EXAMPLES.get(" ".join(command.path[1:]), ())
    if examples:
        yield from ("## Examples", "")
    for sentence, typed in examples:
        lines = (
            line if line.startswith(PROGRAM) else f"{PROGRAM} {line}" for line in typed.splitlines()
        )
        yield from (prose(sentence), "", "```console", *(f"$ {line}" for line in lines), "```", "")


# ------------------------------------------------------------------------ JSON


def document(place: Path, schema: dict[str, Any]) -> str:
    """One JSON document: its own fields, then those of each type in it. `place` is its schema's."""
    name = place.name.partition(".")[0]
    parts: dict[str, dict[str, Any]] = dict(schema.get("$defs", {}))
    whole = schema
    if "$ref" in schema:
        whole = parts.pop(_referred(schema["$ref"]))
    title = str(schema["title"])
    lines = [
        _MADE.format(maker="the JSON Schema"),
        f"# JSON: {escape(name)}",
        "",
        (
            f"The schema is `{place}`: {escape(title)}. Within a schema number fields are only"
            " added; see [what the formats promise](../formats.md#what-the-formats-promise)."
        ),
        "",
        *_type(name, whole),
    ]
    for part in sorted(parts):
        lines += [f"({_anchor(name, part)})=", f"## {escape(part)}", ""]
        lines += _type(name, parts[part])
    return "\n".join(lines).rstrip() + "\n"


def _type(name: str, schema: dict[str, Any]) -> Iterator[str]:
    for paragraph in re.split(r"\n\s*\n", str(schema.get("description", ""))):
        if paragraph.strip():
            yield from (prose(paragraph), "")
    fields: dict[str, dict[str, Any]] = schema.get("properties", {})
    if not fields:
        yield from (f"It is {_kind(name, schema)}.", "")
        return
    required = set(schema.get("required", ()))
    notes = any("description" in field for field in fields.values())
    yield f"| field | type | default |{' meaning |' if notes else ''}"
    yield f"|---|---|---|{'---|' if notes else ''}"
    for field, value in fields.items():
        default = "required" if field in required else _default(value)
        cells = [code(field), _kind(name, value), default]
        if notes:
            cells.append(prose(str(value.get("description", ""))))
        yield f"| {' | '.join(cells)} |"
    yield ""


def _default(value: dict[str, Any]) -> str:
    return code(json.dumps(value["default"])) if "default" in value else ""


def _kind(name: str, value: dict[str, Any]) -> str:
    """The type of a value in a few words, with links to the types of ours."""
    if "$ref" in value:
        part = _referred(value["$ref"])
        return f"[{escape(part)}](#{_anchor(name, part)})"
    if "const" in value:
        return code(json.dumps(value["const"]))
    if "enum" in value:
        return ", ".join(code(json.dumps(word)) for word in value["enum"])
    if "anyOf" in value:
        return " or ".join(dict.fromkeys(_kind(name, each) for each in value["anyOf"]))
    kind = value.get("type")
    if kind == "array":
        if "prefixItems" in value:
            return f"array of {', '.join(_kind(name, each) for each in value['prefixItems'])}"
        return f"array of {_kind(name, value.get('items', {}))}"
    if kind == "object" and isinstance(value.get("additionalProperties"), dict):
        return f"object with values of {_kind(name, value['additionalProperties'])}"
    return str(kind) if isinstance(kind, str) else "any"


def _referred(reference: str) -> str:
    return reference.rpartition("/")[2]


def _anchor(name: str, part: str) -> str:
    return f"json-{name}-{part}".lower()


# --------------------------------------------------------------------- library

_LIBRARY = """\
The public names of the package `tlsresume`; whatever has another name, or is reached by another
way, may change with any version. The functions do what the commands of the same names do. What is
wrong with a target is in its result; the errors below are for what the caller, this machine or a
file did wrong.
"""


def library() -> str:
    """Every public name of the package, for Sphinx to put in its signature and docstring."""
    kinds: dict[str, list[str]] = {"Functions": [], "Values": [], "Errors": []}
    for name in tlsresume.__all__:
        value = getattr(tlsresume, name)
        if inspect.isclass(value):
            kind = "Errors" if issubclass(value, BaseException) else "Values"
            kinds[kind].append(f".. autoclass:: tlsresume.{name}")
        elif inspect.isroutine(value):
            kinds["Functions"].append(f".. autofunction:: tlsresume.{name}")
    lines = [_MADE.format(maker="tlsresume.__all__"), "# The library", "", _LIBRARY]
    for kind, directives in kinds.items():
        lines += [f"## {kind}", "", "```{eval-rst}", *directives, "```", ""]
    return "\n".join(lines).rstrip() + "\n"


# --------------------------------------------------------------------- outputs


def outputs(root: Command | None = None) -> dict[Path, str]:
    """The reference pages, by path relative to the checkout."""
    made = {FOLDER / "findings.md": findings(), FOLDER / "api.md": library()}
    for command in pages(root or read(program())):
        made[FOLDER / f"{page_name(command)}.md"] = options(command)
    for place, text in generate_schema.files().items():
        name = place.name.partition(".")[0]
        made[FOLDER / f"json-{name}.md"] = document(
            place.resolve().relative_to(_ROOT), json.loads(text)
        )
    return made
