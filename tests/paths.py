"""Where things are: the one place that knows, so that a test can be moved as it is."""

from __future__ import annotations

from pathlib import Path

TESTS = Path(__file__).parent
#: Output letter by letter (`tests.golden`), and files that other programs made.
GOLDEN = TESTS / "golden"
VECTORS = TESTS / "vectors"

REPOSITORY = TESTS.parent
PACKAGE = REPOSITORY / "tlsresume"
