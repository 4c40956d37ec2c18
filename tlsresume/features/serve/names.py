"""The words of the command line: light, so that `--help` and completions import nothing else.

What they mean is in behaviours.py and talks.py; a test holds these to those.
"""

from __future__ import annotations

BEHAVIOUR_NAMES: tuple[str, ...] = (
    "default",
    "tickets",
    "session-ids",
    "stateful",
    "single-use",
    "no-tickets",
    "refuse",
    "short-lifetime",
    "rotated-key",
    "changed-certificate",
    "hello-retry",
    "early-data",
    "late-tickets",
    "no-close-notify",
    "untrusted",
)
ALL = "all"
STARTTLS: tuple[str, ...] = (
    "smtp",
    "lmtp",
    "imap",
    "pop3",
    "nntp",
    "sieve",
    "ftp",
    "ftps",
    "ldap",
    "postgres",
    "xmpp",
)
#: States of `--expect`.
STATES: tuple[str, ...] = ("resumed", "not-resumed", "offered", "right")
