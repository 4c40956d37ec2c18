"""Write all that is generated, or with `--check` say what is not fresh.

A generator is a module beside this one that gives texts by their path. What lies
in a generated folder and is no longer made is removed.
"""

from __future__ import annotations

import argparse
import difflib
import sys
from pathlib import Path

import generate_completions
import generate_docs
import generate_man
import generate_readme
import generate_schema
import generate_topics

ROOT = Path(__file__).resolve().parent.parent
#: Folders that hold nothing but what is generated.
FOLDERS = ("man", "completions", "docs/reference")


def outputs() -> dict[Path, str]:
    """All generated texts, by path relative to the checkout."""
    made = generate_man.outputs() | generate_topics.outputs() | generate_completions.outputs()
    made |= generate_readme.outputs() | generate_docs.outputs()
    schemas = generate_schema.files()
    return made | {path.resolve().relative_to(ROOT): text for path, text in schemas.items()}


def stale(made: dict[Path, str]) -> list[Path]:
    """Files of the generated folders that no generator makes."""
    there = (path for folder in FOLDERS for path in (ROOT / folder).glob("*"))
    return sorted(path for path in there if path.relative_to(ROOT) not in made)


def read(path: Path) -> str:
    """What a generated file holds now; nothing if it is missing."""
    return (ROOT / path).read_text(encoding="utf-8") if (ROOT / path).exists() else ""


def check() -> int:
    """Print what differs; 0 if nothing does."""
    made = outputs()
    wrong = [f"{path.relative_to(ROOT)}: no longer made" for path in stale(made)]
    for path, text in made.items():
        if (old := read(path)) != text:
            lines = difflib.unified_diff(
                old.splitlines(), text.splitlines(), f"{path} as checked in", f"{path} fresh", n=1
            )
            wrong.append("\n".join(lines) or f"{path}: missing, or its last newline is")
    if wrong:
        print("\n".join(wrong))
        print("not fresh: run `make generate` and commit what it writes", file=sys.stderr)
        return 1
    print(f"fresh: {len(made)} generated files")
    return 0


def write() -> int:
    """Write what differs, remove what is no longer made."""
    made = outputs()
    for path in stale(made):
        path.unlink()
    for path, text in made.items():
        if read(path) != text:
            (ROOT / path).parent.mkdir(parents=True, exist_ok=True)
            (ROOT / path).write_text(text, encoding="utf-8")
            print(f"wrote {path}")
    return 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing, exit 1 if not fresh")
    sys.exit(check() if parser.parse_args().check else write())
