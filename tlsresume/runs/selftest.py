"""`selftest`: the four commands against a server whose truth is known, on loopback.

Every command is run as a user would run it, in a process of its own, and its
answer is read from its JSON; so this tells whether the installation works, from
OpenSSL up to the exit status. What each command must say is a table: a step
has the arguments, the exit status, and the fields of the JSON that matter. The tour has a
line for each; what the commands print is shown where one is wrong, or all of it if asked.
"""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from msgspec import field

import tlsresume
from tlsresume.errors import ExitStatus
from tlsresume.results.connection import MECHANISMS
from tlsresume.server.behaviour import TRUTHS, Truth
from tlsresume.server.contexts import self_signed
from tlsresume.server.datagrams import DatagramServer, Side
from tlsresume.server.dtls import DTLSService
from tlsresume.server.quic import QUICService
from tlsresume.server.server import Server
from tlsresume.transports.quic.binding import INSTALL
from tlsresume.value import Value

Say = Callable[[str], None]

#: Seconds that one command may take; each needs about one.
_PATIENCE = 120
_REQUEST = r"GET / HTTP/1.0\r\n\r\n"


class Step(Value, frozen=True, kw_only=True):
    """One command and its truth. `TARGET` among the arguments is the server's address;
    `truth` maps dotted paths into the JSON to the values they must have; `findings` are the
    codes that must be found: no other warning or error may be."""

    arguments: tuple[str, ...]
    status: ExitStatus = ExitStatus.OK
    truth: Mapping[str, object] = field(default_factory=dict)
    findings: tuple[str, ...] = ()


class Outcome(Value, frozen=True):
    """What a command did: its exit status, all that it printed, and its JSON."""

    status: int | None
    printed: str
    document: Any


def _save(mechanism: str, *, status: ExitStatus = ExitStatus.OK) -> Step:
    saved = status is ExitStatus.OK
    return Step(
        arguments=("save", "TARGET", "--mechanism", mechanism, "-o", f"{mechanism}.pem"),
        status=status,
        truth={"saved": saved} | ({"mechanism": mechanism} if saved else {}),
    )


def _resume(
    mechanism: str, *more: str, reused: bool = True, finds: tuple[str, ...] = (), **truth: object
) -> Step:
    return Step(
        findings=finds,
        arguments=("resume", f"{mechanism}.pem", *more),
        status=ExitStatus.OK if reused else ExitStatus.NOT_AS_ASKED,
        truth={"session_reused": reused, "offered": True, "accepted": reused, **truth},
    )


def _inspect(mechanism: str) -> Step:
    at = "files.0.inspection"
    return Step(
        arguments=("inspect", f"{mechanism}.pem"),
        truth={f"{at}.mechanism": mechanism, f"{at}.usable": True},
    )


#: What is run against each of TRUTHS, after a probe.
STEPS: Mapping[str, tuple[Step, ...]] = {
    "all three mechanisms": tuple(
        step
        for mechanism in ("psk", "ticket", "session-id")
        for step in (_save(mechanism), _inspect(mechanism), _resume(mechanism))
    ),
    "none": (_save("psk", status=ExitStatus.NOT_AS_ASKED),),
    "issued but never honoured": (
        _save("psk"),
        _resume("psk", reused=False, finds=("never-honoured",)),
    ),
    "separate keys": (
        _save("psk"),
        Step(
            arguments=("resume", "psk.pem", "--tries", "4", "--no-explain"),
            status=ExitStatus.NOT_AS_ASKED,
            truth={"tries.offered": 4, "tries.accepted": 2},
            findings=("other-ticket-key",),
        ),
    ),
    "single-use": (
        _save("psk"),
        _resume("psk"),
        _resume("psk", reused=False, finds=("consumed",)),
    ),
    "early data": (
        _save("psk"),
        _resume("psk", "--early-data", _REQUEST, early_data="accepted"),
    ),
}

#: What a probe must find in each of TRUTHS.
FINDINGS: Mapping[str, tuple[str, ...]] = {
    "all three mechanisms": (),
    "none": ("not-issued",),
    "issued but never honoured": ("never-honoured",),
    "separate keys": ("other-ticket-key",),
    "single-use": ("single-use",),
    "early data": (),
}


#: What stands before an answer that is the known truth, and before one that is not.
RIGHT, WRONG = "\N{CHECK MARK}", "\N{BALLOT X}"


def selftest(say: Say, *, verbose: bool = False) -> bool:
    """Run every step against every behaviour; whether each answer was the known truth.

    `say` gets each line for people: a line for each command with its answer and the judgement;
    with `verbose`, and where an answer is wrong, all that the command printed.
    """
    commands = wrong = 0
    say("Each command as you would type it after `tlsresume`, against servers on loopback")
    say("whose truth is known; and what it answered.")
    for name, truth in TRUTHS.items():
        say("")
        say(f"== {name}: {truth.says}")
        with Server(truth.behaviour) as server:
            target = f"{server.host}:{server.port}"
            steps = (_probe(truth, FINDINGS[name]), *STEPS[name])
            commands += len(steps)
            wrong += _run_all(steps, target, say, verbose=verbose)
    for case in datagram_cases():
        say("")
        say(f"== {case.says}")
        if case.skipped is not None:
            say(f"skipped: {case.skipped}")
            continue
        with DatagramServer(case.make_side()) as datagrams:
            target = f"{case.scheme}://{datagrams.host}:{datagrams.port}"
            commands += len(case.steps)
            wrong += _run_all(case.steps, target, say, verbose=verbose)
    say("")
    if wrong:
        say(f"selftest FAILED: {wrong} of {commands} answers were wrong")
    else:
        say(f"selftest passed: {commands} answers, each the known truth")
    if not verbose and not wrong:
        say("tlsresume selftest -v shows all that the commands print.")
    return not wrong


def _run_all(steps: Sequence[Step], target: str, say: Say, *, verbose: bool) -> int:
    """Run steps against one server; how many answers were wrong."""
    wrong = 0
    with tempfile.TemporaryDirectory(prefix="tlsresume-") as folder:
        for step in steps:
            words = [target if word == "TARGET" else word for word in step.arguments]
            outcome = _run(words, Path(folder))
            faults = judge(step, outcome)
            wrong += bool(faults)
            _tell(say, words, outcome, faults, verbose=verbose)
    return wrong


class DatagramCase(Value, frozen=True, kw_only=True):
    """A server of QUIC or DTLS and what is known of it. `make_side` makes its service; `skipped`
    says why this machine cannot have it."""

    says: str
    scheme: str
    make_side: Callable[[], Callable[[], Side]]
    steps: tuple[Step, ...]
    skipped: str | None = None


def datagram_cases() -> tuple[DatagramCase, ...]:
    """The servers of QUIC and DTLS."""
    identity = self_signed()
    certificate, key = identity.certificate_pem, identity.key_pem
    missing = None if find_spec("aioquic") else f"aioquic is not installed: {INSTALL}"
    return (
        DatagramCase(
            says="QUIC: tickets are issued and resume",
            scheme="h3",
            make_side=lambda: QUICService(certificate_pem=certificate, key_pem=key).side,
            steps=(
                _probe_datagrams("quic", "resumes", {"psk": "resumed"}),
                _save("psk"),
                _inspect("psk"),
                _resume("psk", transport="quic"),
                _resume("psk", "--early-data", "GET /", transport="quic", early_data="accepted"),
            ),
            skipped=missing,
        ),
        DatagramCase(
            says="QUIC: tickets are issued and never honoured",
            scheme="h3",
            make_side=lambda: (
                QUICService(certificate_pem=certificate, key_pem=key, honours=False).side
            ),
            steps=(
                _probe_datagrams(
                    "quic", "does-not-resume", {"psk": "not-resumed"}, finds=("never-honoured",)
                ),
            ),
            skipped=missing,
        ),
        DatagramCase(
            says="DTLS 1.2: tickets and session IDs resume",
            scheme="dtls",
            make_side=lambda: DTLSService(certificate, key).side,
            steps=(
                _probe_datagrams("dtls", "resumes", {"ticket": "resumed", "session-id": "resumed"}),
                _save("ticket"),
                _inspect("ticket"),
                _resume("ticket", transport="dtls"),
            ),
        ),
    )


def _probe_datagrams(
    transport: str, verdict: str, states: Mapping[str, str], *, finds: tuple[str, ...] = ()
) -> Step:
    at = "targets.0.addresses.0"
    return Step(
        arguments=("probe", "TARGET", "--tries", "4"),
        findings=finds,
        status=ExitStatus.OK if verdict == "resumes" else ExitStatus.NOT_AS_ASKED,
        truth={
            "targets.0.verdict": verdict,
            f"{at}.transport": transport,
            **{f"{at}.mechanisms.{name}.state": state for name, state in states.items()},
        },
    )


def _tell(
    say: Say, words: Sequence[str], outcome: Outcome, faults: Sequence[str], *, verbose: bool
) -> None:
    """One command's line, and what it printed where that is wanted."""
    whole = verbose or bool(faults)
    if whole:
        say(f"$ tlsresume {shlex.join(words)}")
        for line in outcome.printed.splitlines():
            say(f"  {line}" if line else "")
    for fault in faults:
        say(f"WRONG: {fault}")
    say(f"  {WRONG if faults else RIGHT} {shlex.join(words)} -> {answer(outcome)}")
    if whole:
        say("")


def answer(outcome: Outcome) -> str:
    """What a command answered, in a word or two, and its exit status where that is not 0."""
    found = outcome.document
    words = "no answer"
    if (verdict := look_up(found, "targets.0.verdict")) is not None:
        words = str(verdict).upper()
    elif (saved := look_up(found, "saved")) is not None:
        words = "saved" if saved else "nothing to save"
    elif (usable := look_up(found, "files.0.inspection.usable")) is not None:
        words = "usable now" if usable else "not usable"
    elif (reused := look_up(found, "session_reused")) is not None:
        order = str(look_up(found, "tries.order") or "")
        words = "Reused" if reused else "New"
        if len(order) > 1:
            words = f"Reused {order.count('R')}/{len(order)}"
    return f"{words}, exit {outcome.status}" if outcome.status else words


def _probe(truth: Truth, findings: tuple[str, ...]) -> Step:
    resumes = truth.verdict == "resumes"
    return Step(
        arguments=("probe", "TARGET", "--tries", "4"),
        findings=findings,
        status=ExitStatus.OK if resumes else ExitStatus.NOT_AS_ASKED,
        truth={
            "targets.0.verdict": truth.verdict,
            **{
                f"targets.0.addresses.0.mechanisms.{mechanism}.state": truth.state
                for mechanism in MECHANISMS
            },
        },
    )


def _run(words: Sequence[str], folder: Path) -> Outcome:
    """Run one command."""
    written = folder / "answer.json"
    written.unlink(missing_ok=True)
    words = [*words, "--format", "text", "--format", f"json={written.name}"]
    try:
        done = subprocess.run(  # noqa: S603  our own program, in our own words
            [sys.executable, "-m", "tlsresume", *words],
            cwd=folder,
            env=_environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=_PATIENCE,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return Outcome(None, "", None)
    printed = done.stdout.decode("utf-8", "backslashreplace")
    try:
        document = json.loads(written.read_bytes())
    except (OSError, ValueError):
        document = None
    return Outcome(done.returncode, printed, document)


def _environment() -> dict[str, str]:
    """Ours, with this very package found first, wherever it is, and without what the user
    configured: the answers must be those of the defaults."""
    home = str(Path(tlsresume.__file__).parent.parent)
    paths = [home, *filter(None, [os.environ.get("PYTHONPATH")])]
    plain = {name: each for name, each in os.environ.items() if not name.startswith("TLSRESUME_")}
    return plain | {
        "PYTHONPATH": os.pathsep.join(paths),
        "PYTHONIOENCODING": "utf-8",
        "XDG_CONFIG_HOME": os.devnull,
    }


def judge(step: Step, outcome: Outcome) -> list[str]:
    """Where an outcome is not the truth, in words; nothing if it is."""
    if outcome.status is None:
        return [f"no answer within {_PATIENCE} s"]
    faults = []
    if outcome.status != step.status:
        faults.append(f"exit status {outcome.status}, not {int(step.status)}")
    if outcome.document is None:
        return [*faults, "no JSON document was written"]
    for path, value in step.truth.items():
        found = look_up(outcome.document, path)
        if found != value:
            faults.append(f"{path} is {found!r}, not {value!r}")
    return [*faults, *_wrong_findings(step, outcome.document)]


def _wrong_findings(step: Step, document: Any) -> Iterator[str]:
    """Codes that should have been found and were not, and causes that are none."""
    listed = look_up(document, "targets.0.findings") or look_up(document, "findings") or []
    found = {each.get("code"): each.get("severity") for each in listed}
    for code in step.findings:
        if code not in found:
            yield f"no finding {code}"
    for code, severity in found.items():
        if severity != "info" and code not in step.findings:
            yield f"a finding {code} that is not true"


def look_up(document: Any, path: str) -> Any:
    """The value at a dotted path: names in objects, numbers in arrays, or the name of a
    mechanism in an array of mechanisms; None where there is nothing."""
    value = document
    for part in path.split("."):
        if isinstance(value, dict):
            value = value.get(part)
        elif isinstance(value, list) and part.isdigit():
            value = value[int(part)] if int(part) < len(value) else None
        elif isinstance(value, list):
            value = next((each for each in value if each.get("mechanism") == part), None)
        else:
            return None
    return value
