"""Words that `--help` lists: the built-in policies, and what findings fail on. Light for that."""

from __future__ import annotations

from typing import Literal

BuiltinName = Literal["default", "strict", "load-balanced", "no-resumption"]
BUILTIN: tuple[BuiltinName, ...] = ("default", "strict", "load-balanced", "no-resumption")

FailOn = Literal["error", "warning", "never"]
FAIL_ON: tuple[FailOn, ...] = ("error", "warning", "never")
