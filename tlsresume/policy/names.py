"""The built-in policies by name; light, since `--help` lists them."""

from __future__ import annotations

from typing import Literal

BuiltinName = Literal["default", "strict", "load-balanced", "no-resumption"]
BUILTIN: tuple[BuiltinName, ...] = ("default", "strict", "load-balanced", "no-resumption")
