"""Every STARTTLS conversation by its protocol, loaded as the rows of `schemes.py` name it."""

from __future__ import annotations

from importlib import import_module

from tlsresume.protocols.schemes import PROTOCOLS
from tlsresume.protocols.talk import Script


def _load(home: str) -> Script:
    module, _, function = home.partition(":")
    script: Script = getattr(import_module(f"tlsresume.protocols.{module}"), function)
    return script


PRELUDES: dict[str, Script] = {each.name: _load(each.script) for each in PROTOCOLS if each.script}
