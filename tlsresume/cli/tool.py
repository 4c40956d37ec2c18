"""What made a document: our version, and those of what TLS was spoken with."""

from __future__ import annotations

from functools import cache

from tlsresume import __version__
from tlsresume.results.report import Tool
from tlsresume.transports.library import openssl_version, pyopenssl_version


@cache
def this_tool() -> Tool:
    """The `tool` of every document; `unknown` where the bindings cannot be imported."""
    try:
        openssl, pyopenssl = openssl_version(), pyopenssl_version()
    except Exception:  # noqa: BLE001  a document about a broken installation must still be written
        openssl = pyopenssl = "unknown"
    return Tool(name="tlsresume", version=__version__, openssl=openssl, pyopenssl=pyopenssl)
