"""Write the lowest allowed version of each run-time dependency, and of those of the extras that
users install, as pip constraints.

Reads pyproject.toml and prints one `name==version` a line. A dependency without
a plain lower bound is an error, since then nothing is promised about it.
"""

from __future__ import annotations

import re
import sys
import tomllib
from pathlib import Path

_REQUIREMENT = re.compile(r"(?P<name>[A-Za-z0-9._-]+)\s*>=\s*(?P<version>[0-9][0-9.]*)")

#: Extras for work on tlsresume itself, which is done with new versions.
_OURS = frozenset({"test", "dev", "docs"})


def pins(pyproject: str) -> list[str]:
    """The constraints for the dependencies named in the text of a pyproject.toml."""
    project = tomllib.loads(pyproject)["project"]
    extras = project.get("optional-dependencies", {})
    requirements = [
        *project["dependencies"],
        *(each for name in sorted(extras) if name not in _OURS for each in extras[name]),
    ]
    found = []
    for requirement in requirements:
        match = _REQUIREMENT.match(requirement)
        if match is None:
            raise SystemExit(f"oldest.py: {requirement!r} has no lower bound")
        found.append(f"{match['name']}=={match['version']}")
    return found


if __name__ == "__main__":
    print("\n".join(pins(Path(sys.argv[1]).read_text(encoding="utf-8"))))
