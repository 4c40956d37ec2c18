"""From a ClientConfig to what aioquic is told, and the file that its secrets are written to."""

from __future__ import annotations

import os
from typing import Any

from tlsresume.errors import FileError, UsageError
from tlsresume.transports.config import ClientConfig
from tlsresume.transports.quic import binding


def settings_of(config: ClientConfig, keylog: Any) -> binding.Settings:
    """What a ClientConfig lets aioquic offer. Raises UsageError."""
    if config.groups:
        raise UsageError("--groups has no effect on QUIC: aioquic has a list of its own")
    certificate = config.certificate
    return binding.Settings(
        alpn=config.alpn,
        server_name=config.server_name,
        cipher_suites=binding.suite_numbers(config.ciphersuites),
        certificate=(
            None
            if certificate is None
            else (certificate.certificate, certificate.key, certificate.passphrase)
        ),
        keylog=keylog,
    )


def open_keylog(path: str | None) -> Any:
    """The key log, to append to. Raises FileError."""
    if path is None:
        return None
    try:
        log = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise FileError(f"cannot write the key log {path}: {reason}", path=path) from None
    return os.fdopen(log, "a", encoding="ascii")
