"""What `-h` shows: for each command the options that matter most, in few words.

At most ten of them, so that the screen has room for the usage and a prompt, and each on one line
of 80 columns. What an option does is said in full where it is declared; `--help` shows that.
"""

from __future__ import annotations

_WHERE = {
    "servername": "send another name, and expect it",
    "connect": "go there instead, and keep the name",
    "starttls": "start TLS as smtp, imap, ldap ... do",
}
_TIME = {"timeout": "time for one connection, such as 5s"}

#: By command, and by the Python name of the option.
MATTER: dict[str, dict[str, str]] = {
    "probe": {
        "targets_file": "read targets from a file, one a line",
        "tries": "how often each mechanism is tried (5)",
        **_WHERE,
        "tls": "test this version only",
        "expect": "expect psk, ticket, session-id, or not-resumed",
        "policy": "demand what strict, load-balanced ... say",
        **_TIME,
        "formats": "text, json, junit, html, nagios ...",
    },
    "save": {
        "output": "where to write (HOST_PORT.session.pem)",
        "force": "replace an existing file",
        "all_tickets": "write a file for each ticket that came",
        "mechanism": "the kind of session to save",
        **_WHERE,
        "tls": "allow this version only",
        **_TIME,
        "formats": "text or json",
    },
    "resume": {
        "tries": "how many connections offer the session (1)",
        "each_address": "offer it to every address of the name",
        "resolve_now": "ask DNS again, not the saved address",
        "any_host": "allow another host name than the saved one",
        "update": "store the renewed session in the file",
        "early_data": "send this as early data",
        "no_pin": "do not insist on the saved version and cipher",
        "expect": "expect resumed (the default) or not-resumed",
        **_TIME,
        "formats": "text or json",
    },
    "inspect": {
        "show_ticket": "show the ticket as a hex dump",
        "show_secrets": "show the master secret or PSK, too",
        "key_files": "tell which key of this file made a ticket",
        "key_kind": "what the key files are for",
        "formats": "text or json",
    },
    "watch": {
        "every": "time from one sample to the next (10m)",
        "how_long": "stop after this time, such as 48h",
        "once": "take one sample and end, for cron",
        "tries": "full handshakes of each sample (3)",
        "history": "the file of samples",
        "max_key_age": "fail when a key is older, such as 7d",
        "connect": _WHERE["connect"],
        "starttls": _WHERE["starttls"],
        **_TIME,
        "formats": "text, json or html",
    },
    "report": {
        "history": "the file of samples",
        "max_key_age": "fail when a key is older, such as 7d",
        "formats": "text, json or html",
    },
    "serve": {
        "behaviours": "how the server treats sessions; or all",
        "command": "run this client: {url} stands for the server",
        "repeat": "run it so often in each behaviour",
        "listen": "listen there (a free port of 127.0.0.1)",
        "tls": "speak this version only",
        "starttls": "speak smtp, imap, ftp ... instead of HTTPS",
        "quic": "serve HTTP/3, too",
        "connections": "end after N connections to each",
        "expect": "what clients must do, such as resumed",
        "formats": "text, json, junit, html ...",
    },
    "capture": {
        "servers": "count only this server; may be repeated",
        "since": "count only what began then or later",
        "until": "count only what began until then",
        "top": "list so many servers and clients (100)",
        "keylogfile": "secrets, to see into TLS 1.3",
        "anonymise": "hide clients' addresses",
        "min_rate": "fail below this share of accepted offers",
        "policy": "demand what a policy says",
        "formats": "text, json, html ...",
    },
}

#: Names of values that would not fit the column.
VALUES: dict[str, str] = {
    "formats": "NAME[=FILE]",
    "expect": "STATE",
    "mechanism": "NAME",
    "key_kind": "KIND",
}
