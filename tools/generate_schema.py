"""Write the JSON Schema of each JSON document beside the format that prints it, and that of
policy files.

With `--check`, write nothing and fail if a file is not what would be written.
"""

from __future__ import annotations

import sys
from pathlib import Path

from tlsresume import features
from tlsresume.formats import schemas
from tlsresume.policy import schema as policy_schema

FOLDER = Path(schemas.__file__).parent
FEATURES = Path(features.__file__).parent
POLICY = Path(policy_schema.__file__).parent / "policy.schema.json"


def files() -> dict[Path, str]:
    """Every schema file and what it must hold."""
    documents = {
        FOLDER / f"{name}.schema.json": schemas.schema_text(name) for name in schemas.DOCUMENTS
    }
    documents |= {
        FEATURES / place: schemas.schema_text(Path(place).name.partition(".")[0], kind)
        for place, kind in features.documents().items()
    }
    return documents | {POLICY: policy_schema.schema_text()}


def main() -> int:
    """Write or check; 1 if a file was stale."""
    check = "--check" in sys.argv[1:]
    status = 0
    for path, text in files().items():
        if path.is_file() and path.read_text(encoding="utf-8") == text:
            continue
        if check:
            print(f"stale: {path.name} (run make generate)", file=sys.stderr)
            status = 1
        else:
            path.write_text(text, encoding="utf-8")
    return status


if __name__ == "__main__":
    raise SystemExit(main())
