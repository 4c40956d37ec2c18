"""Man pages from the click tree: one for the program, one for each command.

They are written in the man(7) macros, which groff and mandoc both read. They
carry the version and no date, so that a page changes only when its text does.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from tree import PROGRAM, Command, Option, program, read

from tlsresume import __version__
from tlsresume.errors import EXIT_STATUS_MEANING

FOLDER = Path("man")

FILES = (
    (
        "HOST_PORT.session.pem",
        (
            "The session that `tlsresume save` writes by default, in the current folder, mode 0600:"
            " a PEM block SSL SESSION PARAMETERS, as `openssl sess_id` and `openssl s_client` read"
            " and write it, below lines that say where it came from. It holds secrets: who has it"
            " can resume the session, and may be able to decrypt what was sent under it."
        ),
    ),
    (
        "tlsresume.toml, ~/.config/tlsresume/config.toml",
        (
            "Defaults of options for probe, save, resume and watch, in TOML: the one in the working"
            ' folder, else the user\'s own. Keys are options without their dashes (`timeout = "5s"`);'
            " a table such as `[probe]` holds for that command only. The one in the working folder"
            " sets only tries, timeout, ticket-wait, deadline, policy (built in), format (without a"
            " FILE) and cafile. `--config` names another, `--no-config` reads none, and"
            " `tlsresume config` shows what holds."
        ),
    ),
    (
        "~/.local/state/tlsresume/watch.sqlite3",
        (
            "What `tlsresume watch` remembers: samples, and a session for each address to offer"
            " next. It holds secrets, and is made with mode 0600. `--history` names another."
        ),
    ),
)

ENVIRONMENT = (
    (
        "GITHUB_STEP_SUMMARY",
        "A file to add a Markdown summary to, with `--format github`; set by GitHub's runner.",
    ),
    ("NO_COLOR", "If set and not empty, no colour is used, on a terminal either."),
    ("SSLKEYLOGFILE", "A file to append TLS secrets to, as with `--keylogfile`."),
    (
        "SSL_CERT_FILE, SSL_CERT_DIR",
        "Where OpenSSL finds trusted certificates, unless `--cafile` or `--capath` say otherwise.",
    ),
    (
        "TLSRESUME_CAFILE, TLSRESUME_TIMEOUT, TLSRESUME_POLICY, TLSRESUME_FORMAT, TLSRESUME_PROXY",
        (
            "Defaults of `--cafile`, `--timeout`, `--policy`, `--format` (several set apart by"
            " spaces) and `--proxy`, for probe, save, resume and watch. They beat the file."
        ),
    ),
    ("XDG_CONFIG_HOME", "Where tlsresume/config.toml is looked for, instead of ~/.config."),
    ("XDG_STATE_HOME", "Where `tlsresume watch` keeps its history, instead of ~/.local/state."),
    ("TLSRESUME_PASSPHRASE", "The passphrase of the client certificate's key."),
    ("TLSRESUME_PROXY_PASSWORD", "The password of the user that --proxy names."),
    ("TLSRESUME_FTP_PASSWORD", "The password of the user that --ftp-user names."),
    ("HTTPS_PROXY, NO_PROXY", "With --proxy-env: the proxy, and what is reached without it."),
    ("TLSRESUME_DEBUG", "If set to 1, a Python traceback is shown with an error."),
)

#: For each command, what a user wants and what to type.
EXAMPLES: dict[str, tuple[tuple[str, str], ...]] = {
    "": (
        ("See the tool at work, with no server at hand:", "tlsresume selftest"),
        ("Ask whether a server resumes sessions:", "tlsresume probe example.com"),
        (
            "Save a session today, and offer it tomorrow:",
            "tlsresume save example.com\ntlsresume resume example.com_443.session.pem",
        ),
    ),
    "probe": (
        ("All addresses of a host, both TLS versions, every mechanism:", "probe example.com"),
        (
            "One node behind a balancer, by its address:",
            "probe example.com --connect 192.0.2.10",
        ),
        ("Many targets from a file, for another program:", "probe --targets FILE --format json"),
        ("Each attempt on a line, to be matched with a log:", "probe -v example.com"),
        (
            "What would be run, and why, without connecting:",
            "probe example.com --plan --experiment close",
        ),
        (
            "Which node behind one address accepts whose sessions:",
            "probe https://example.com --node-header X-Served-By",
        ),
        (
            "How long sessions are really honoured:",
            "probe example.com --tls 1.3 --find-lifetime 2h",
        ),
        (
            "In CI: fail unless every session is resumed, and write JUnit for the build server:",
            "probe example.com --policy strict --format text --format junit=junit.xml",
        ),
        (
            "As a check of Nagios or Icinga:",
            "probe example.com --format nagios --warning 90: --critical 50:",
        ),
        (
            "Only what got worse since yesterday:",
            "probe example.com --baseline yesterday.json --format json=today.json",
        ),
    ),
    "save": (
        ("A session of TLS 1.3, in example.com_443.session.pem:", "save example.com --tls 1.3"),
        (
            "A session ticket of TLS 1.2, under a name of your choice:",
            "save example.com --tls 1.2 --mechanism ticket -o ticket.pem",
        ),
        ("Let the openssl command use it:", "save example.com -o - > session.pem"),
    ),
    "resume": (
        ("Offer a saved session where it came from:", "resume example.com_443.session.pem"),
        (
            "Offer it to each address of the name, to find the node that refuses it:",
            "resume --each-address example.com_443.session.pem",
        ),
        (
            "Keep a file fresh from one day to the next:",
            "resume --update example.com_443.session.pem",
        ),
    ),
    "inspect": (
        ("What a file holds, and whether it can still be used:", "inspect session.pem"),
        (
            "From the openssl command:",
            "inspect session.pem --format json",
        ),
        (
            "Which of the server's keys made the ticket:",
            "inspect session.pem --ticket-keys current.key --ticket-keys old.key",
        ),
    ),
    "watch": (
        (
            "Through a rotation, as it goes on:",
            "watch www.example.com --every 10s --for 15m",
        ),
        (
            "From cron, with an exit status of 3 when a key is too old:",
            "watch www.example.com --once --max-key-age 7d",
        ),
        ("What is remembered, as a page with a timeline:", "watch report --format html=keys.html"),
    ),
    "capture": (
        ("What happened to the sessions of our users:", "capture FILE"),
        (
            "The same while it happens, without keeping the packets:",
            "capture -",
        ),
        (
            "With the secrets of TLS 1.3, and the ticket keys of the server:",
            "capture FILE --keylogfile FILE --ticket-keys FILE",
        ),
        (
            "One server, the last hour, as a page that names no client:",
            "capture FILE --server www.example.com --since 1h --format html=report.html",
        ),
        (
            "In CI, from a test's packets: fail unless nine of ten offers are accepted:",
            "capture FILE --min-rate 0.9",
        ),
    ),
    "config": (
        ("What holds in this folder, and where it comes from:", "config"),
        ("The same for `watch`, with another file:", "config watch --config FILE"),
    ),
    "help": (("All options of a command:", "help probe"),),
    "watch report": (
        ("What is remembered of one target:", "watch report www.example.com"),
        ("All of it, as a page with a timeline:", "watch report --format html=keys.html"),
    ),
    "serve": (
        (
            "In CI: fail when a client stops resuming, in any behaviour of a server:",
            "tlsresume serve --behaviour all --run 'python client.py {url}'",
        ),
        (
            "A Java client, with its truststore:",
            "tlsresume serve --run 'java -Djavax.net.ssl.trustStore={truststore} Client.java {url}'",
        ),
        (
            "Wait for a device that trusts an authority that is kept:",
            "serve --listen 192.0.2.10:4433 --ca authority --for 10m",
        ),
        (
            "Whether a session got without verification is offered to a connection that verifies:",
            "tlsresume serve --behaviour untrusted --run 'python client.py {url} {url}strict'",
        ),
    ),
    "explain": (
        ("What a code means, and what to do about it:", "explain other-ticket-key"),
        ("All codes:", "explain"),
    ),
    "policy": (
        ("What a built-in policy demands, and why:", "policy strict"),
        ("Start a policy of your own:", "policy --show load-balanced"),
    ),
    "selftest": (("Does resumption work with this OpenSSL, here?", "selftest"),),
}

SEE_ALSO = (
    "tlsresume(7)",
    "tlsresume-findings(7)",
    "openssl-s_client(1)",
    "openssl-sess_id(1)",
    "SSL_session_reused(3)",
    "SSL_set_session(3)",
)

_ESCAPES = {
    "\\": "\\e",
    "-": "\\-",
    "'": "\\(aq",
    "`": "\\(ga",
    "^": "\\(ha",
    "~": "\\(ti",
    '"': "\\(dq",
}


def escape(text: str) -> str:
    """Text as roff shows it unchanged; nothing in it can act as a request (groff_char(7))."""
    shown = "".join(
        _ESCAPES.get(char, char if char.isascii() else f"\\[u{ord(char):04X}]") for char in text
    )
    return re.sub(r"^\.", r"\\&.", shown, flags=re.MULTILINE)


def bold(text: str) -> str:
    """Text in bold, for what is typed as it stands."""
    return f"\\fB{escape(text)}\\fR"


def italic(text: str) -> str:
    """Text in italics, for what is replaced."""
    return f"\\fI{escape(text)}\\fR"


def prose(text: str) -> str:
    """One filled paragraph; what stands between backquotes is bold."""
    parts = re.split(r"`([^`]+)`", " ".join(text.split()))
    shown = "".join(bold(part) if odd % 2 else escape(part) for odd, part in enumerate(parts))
    return re.sub(r"^\.", r"\\&.", shown)


def paragraphs(text: str) -> Iterator[str]:
    """The paragraphs of a help text; one that opens with click's mark keeps its lines."""
    for number, block in enumerate(re.split(r"\n\s*\n", text.strip())):
        if number:
            yield ".PP"
        lines = block.splitlines()
        if lines and lines[0].strip() == "\b":
            yield from (".nf", *(escape(line) for line in lines[1:]), ".fi")
        elif block.strip():
            yield prose(block)


def declaration(text: str) -> str:
    """An option as declared: spellings in bold, the name of its value in italics."""
    words = re.split(r"(,? +(?:/ +)?)", text)
    return "".join(
        word if odd % 2 else bold(word) if word.startswith("-") else italic(word)
        for odd, word in enumerate(words)
    )


def terms(rows: Iterable[tuple[str, str]]) -> Iterator[str]:
    """A list of terms, already in roff, each with its text."""
    for term, text in rows:
        yield ".TP"
        yield term
        yield prose(text)


def _synopsis(command: Command) -> str:
    words = [bold(" ".join(command.path)), f"[{italic('OPTIONS')}]"]
    if command.commands:
        words += [italic("COMMAND"), f"[{italic('ARGUMENTS')}]..."]
    for argument in command.arguments:
        word = italic(argument.value.name) + ("..." if argument.repeatable else "")
        words.append(word if argument.required else f"[{word}]")
    return " ".join(words)


def _options(options: tuple[Option, ...]) -> Iterator[str]:
    if options:
        yield ".SH OPTIONS"
    groups: dict[str, list[Option]] = {}
    for item in options:
        groups.setdefault(item.group, []).append(item)
    for group, items in groups.items():
        if group:
            yield f".SS {escape(group)}"
        yield from terms((declaration(item.declaration), item.description) for item in items)


def _commands(command: Command) -> Iterator[str]:
    if command.commands:
        yield ".SH COMMANDS"
        yield from terms(
            (f"{bold(item.name)}", f"{item.summary}. See {page_name(item)}(1).")
            for item in command.commands
        )


def _examples(command: Command) -> Iterator[str]:
    name = " ".join(command.path[1:])
    if name in EXAMPLES:
        yield ".SH EXAMPLES"
    for number, (sentence, typed) in enumerate(EXAMPLES.get(name, ())):
        if number:
            yield ".PP"
        yield prose(sentence)
        yield ".PP"
        yield ".RS 4"
        yield ".nf"
        for line in typed.splitlines():
            whole = line if line.startswith(PROGRAM) else f"{PROGRAM} {line}"
            yield f"$ {escape(whole)}"
        yield ".fi"
        yield ".RE"


def page_name(command: Command) -> str:
    """The name of a command's page: its path, joined with hyphens."""
    return "-".join(command.path)


def _see_also(command: Command, pages: Iterable[Command]) -> str:
    ours = sorted(f"{page_name(page)}(1)" for page in pages if page != command)
    split = (name.partition("(") for name in (*ours, *SEE_ALSO))
    return ",\n".join(f".BR {escape(name)} ({section}" for name, _, section in split)


def page(command: Command, pages: Iterable[Command] = ()) -> str:
    """The whole page of one command; `pages` are those it refers to."""
    name = page_name(command)
    lines = [
        '.\\" Made by tools/generate_man.py from the command line itself; do not edit.',
        f'.TH {escape(name.upper())} 1 "" "{PROGRAM} {__version__}" "User Commands"',
        ".SH NAME",
        f"{escape(name)} \\- {escape(command.summary[:1].lower() + command.summary[1:])}",
        ".SH SYNOPSIS",
        _synopsis(command),
        ".SH DESCRIPTION",
        *paragraphs(f"{command.help}\n\n{command.epilog}"),
        *_commands(command),
        *_options(command.options),
        ".SH EXIT STATUS",
        *terms((bold(str(int(status))), text) for status, text in EXIT_STATUS_MEANING.items()),
        ".SH FILES",
        *terms((italic(file), text) for file, text in FILES),
        ".SH ENVIRONMENT",
        *terms((bold(variable), text) for variable, text in ENVIRONMENT),
        *_examples(command),
        ".SH SEE ALSO",
        _see_also(command, pages),
    ]
    return "\n".join(lines) + "\n"


def pages(root: Command) -> Iterator[Command]:
    """The program and each command below it."""
    yield root
    for command in root.commands:
        yield from pages(command)


def outputs(root: Command | None = None) -> dict[Path, str]:
    """The man pages, by path relative to the checkout."""
    found = list(pages(root or read(program())))
    return {FOLDER / f"{page_name(item)}.1": page(item, found) for item in found}
