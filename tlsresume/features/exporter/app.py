"""The exporter's pages, as a Starlette application.

What is wrong with a target, our own timeout included, is an answer: 200 with `probe_success 0`.
400 is for parameters that make no sense or name what is not allowed, 503 for more scrapes than
the exporter takes, 500 for a module that cannot be carried out.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import contextlib
import functools
import hmac
import math
import time
from collections.abc import AsyncIterator, Callable
from html import escape

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from tlsresume.errors import TLSResumeError, UsageError
from tlsresume.features.exporter.metrics import CONTENT_TYPE, Metrics, for_scrape
from tlsresume.features.exporter.probing import (
    Module,
    NotAllowed,
    probe_for_scrape,
    target_from,
)
from tlsresume.features.exporter.settings import DEFAULT_MODULE, ExporterSettings, Setup
from tlsresume.features.exporter.sharing import Key, Outcome, Shared
from tlsresume.formats import text
from tlsresume.formats.page import View
from tlsresume.formats.printable import printable
from tlsresume.lab import Gate
from tlsresume.network.trace import TraceLine
from tlsresume.targets.target import Target
from tlsresume.value import Secret
from tlsresume.version import __version__

_TIMEOUT_HEADER = "X-Prometheus-Scrape-Timeout-Seconds"
_PARAMETERS = frozenset({"target", "module", "debug"})
#: A probe is given this long at least, in seconds, and a part of a scrape's time where the
#: offset would leave less.
_LEAST = 0.1
#: Handshake messages that `debug=true` shows at most.
_MOST_TRACED = 2000
#: Connections at a time to one address, over all scrapes.
_CONCURRENCY = 4


class BadParameters(TLSResumeError):
    """A scrape that makes no sense."""


class Overloaded(TLSResumeError):
    """There is no place for a probe within the scrape's time."""


class _Places:
    """At most so many probes at a time, and so many scrapes that wait for one."""

    def __init__(self, running: int, waiting: int, metrics: Metrics) -> None:
        self._free = asyncio.Semaphore(running)
        self._most = waiting
        self._waiting = 0
        self._metrics = metrics

    @contextlib.asynccontextmanager
    async def one(self, seconds: float) -> AsyncIterator[float]:
        """A place, and what is left of the time then. Raises Overloaded."""
        began = time.monotonic()
        if self._free.locked() and self._waiting >= self._most:
            raise Overloaded("too many scrapes wait for a place")
        self._waiting += 1
        self._metrics.waiting.set(self._waiting)
        try:
            async with asyncio.timeout(seconds):
                await self._free.acquire()
        except TimeoutError:
            raise Overloaded("no place was free within the time of the scrape") from None
        finally:
            self._waiting -= 1
            self._metrics.waiting.set(self._waiting)
        try:
            yield max(_LEAST, seconds - (time.monotonic() - began))
        finally:
            self._free.release()


class Exporter:
    """The state behind the pages. `read` reads the configuration again."""

    def __init__(self, setup: Setup, read: Callable[[int], Setup]) -> None:
        self.setup = setup
        self._read = read
        self.metrics = Metrics()
        self.metrics.read.set(1)
        self.metrics.read_at.set_to_current_time()
        self._shared = Shared(self.metrics.shared.inc)
        self._gate = Gate(_CONCURRENCY)
        self._places = self._new_places()

    def _new_places(self) -> _Places:
        settings = self.setup.settings
        return _Places(settings.concurrency, settings.waiting, self.metrics)

    def reload(self) -> None:
        """Read the configuration again; where that fails, what was read before stays.

        Raises TLSResumeError.
        """
        try:
            self.setup = self._read(self.setup.generation + 1)
        except TLSResumeError:
            self.metrics.read.set(0)
            raise
        self.metrics.read.set(1)
        self.metrics.read_at.set_to_current_time()
        self._places = self._new_places()

    def stop(self) -> None:
        """End all probes."""
        self._shared.stop()

    # ------------------------------------------------------------------ probes

    async def scrape(self, module: Module, target: Target, seconds: float) -> str:
        """The metrics of a target, by a probe of its own or one that is shared."""
        setup = self.setup
        found = self._shared.get(
            Key(target.spelling, module.name, setup.generation),
            module.cache,
            lambda: self._probe(setup, module, target, seconds),
        )
        if isinstance(found, Outcome):
            return for_scrape(found)
        began = time.monotonic()
        try:
            async with asyncio.timeout(seconds + _LEAST):
                return for_scrape(await asyncio.shield(found))
        except TimeoutError:
            # The probe of a scrape that may take longer: it goes on.
            now = time.monotonic()
            late = Outcome(metrics="", success=False, exit_status=4, seconds=now - began, ended=now)
            return for_scrape(late)

    async def _probe(self, setup: Setup, module: Module, target: Target, seconds: float) -> Outcome:
        outcome: Outcome | None = None
        async with self._places.one(seconds) as left:
            self.metrics.running.inc()
            try:
                _, outcome = await probe_for_scrape(
                    module, target, setup.settings.allow, self._gate, seconds=left
                )
                return outcome
            finally:
                self.metrics.running.dec()
                self._count(module, outcome)

    def _count(self, module: Module, outcome: Outcome | None) -> None:
        if outcome is None:
            self.metrics.probes.labels(module.name, "error").inc()
            return
        self.metrics.duration.labels(module.name).observe(outcome.seconds)
        word = "success" if outcome.success else "failure"
        self.metrics.probes.labels(module.name, word).inc()

    async def debug(self, module: Module, target: Target, seconds: float) -> str:
        """A probe of its own, told for people: the module, the messages, the report, metrics."""
        lines: list[str] = []

        def traced(line: TraceLine) -> None:
            if len(lines) < _MOST_TRACED:
                direction = ">" if line.sender == "client" else "<"
                lines.append(printable(f"#{line.connection} {line.where} {direction} {line.text}"))

        allow = self.setup.settings.allow
        async with self._places.one(seconds) as left:
            report, outcome = await probe_for_scrape(
                module, target, allow, self._gate, seconds=left, trace=traced
            )
        parts = {
            f"Module {module.name}": "\n".join(module.says),
            "Messages": "\n".join(lines),
            "Report": text.render(report, View(verbose=True)).rstrip(),
            "Metrics": for_scrape(outcome).rstrip(),
        }
        return "".join(f"# {title}\n\n{body}\n\n" for title, body in parts.items())


# ------------------------------------------------------------------------- pages


def application(exporter: Exporter) -> ASGIApp:
    """The pages of an exporter, behind its passwords if it has any."""
    routes = [
        Route("/", functools.partial(_index, exporter)),
        Route("/probe", functools.partial(_probe, exporter)),
        Route("/metrics", functools.partial(_metrics, exporter)),
        Route("/-/healthy", _healthy),
        Route("/-/reload", functools.partial(_reload, exporter), methods=["POST"]),
    ]
    return _Guard(Starlette(routes=routes), exporter)


class _Guard:
    """HTTP basic authentication (RFC 7617), where `[web]` names users."""

    def __init__(self, app: ASGIApp, exporter: Exporter) -> None:
        self._app = app
        self._exporter = exporter

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        users = self._exporter.setup.web.users
        if scope["type"] == "http" and users and not _known(dict(scope["headers"]), users):
            self._exporter.metrics.refused.labels("unauthorized").inc()
            refusal = PlainTextResponse(
                "who are you?\n", 401, headers={"WWW-Authenticate": 'Basic realm="tlsresume"'}
            )
            await refusal(scope, receive, send)
            return
        await self._app(scope, receive, send)


def _known(headers: dict[bytes, bytes], users: tuple[tuple[str, Secret], ...]) -> bool:
    scheme, _, coded = headers.get(b"authorization", b"").partition(b" ")
    if scheme.lower() != b"basic":
        return False
    try:
        name, _, password = base64.b64decode(coded, validate=True).partition(b":")
    except binascii.Error:
        return False
    found = False
    for user, right in users:
        # Each is compared, so that the time taken tells nothing of who exists.
        same = hmac.compare_digest(name, user.encode("utf-8", "surrogateescape"))
        found |= same & hmac.compare_digest(password, right)
    return found


async def _probe(exporter: Exporter, request: Request) -> Response:
    try:
        module, target, seconds, debug = _parameters(exporter, request)
        if debug:
            return PlainTextResponse(await exporter.debug(module, target, seconds))
        told = await exporter.scrape(module, target, seconds)
    except (BadParameters, NotAllowed) as error:
        word = "not-allowed" if isinstance(error, NotAllowed) else "bad-parameters"
        return _refused(exporter, error, word, 400)
    except Overloaded as error:
        return _refused(exporter, error, "overload", 503)
    except TLSResumeError as error:
        return _refused(exporter, error, "error", 500)
    return Response(told, headers={"Content-Type": CONTENT_TYPE})


def _refused(exporter: Exporter, error: TLSResumeError, word: str, status: int) -> Response:
    exporter.metrics.refused.labels(word).inc()
    return PlainTextResponse(printable(error.message) + "\n", status)


def _parameters(exporter: Exporter, request: Request) -> tuple[Module, Target, float, bool]:
    """Raises BadParameters and NotAllowed."""
    setup = exporter.setup
    given = request.query_params
    for name in given:
        if name not in _PARAMETERS:
            raise BadParameters(f"there is no parameter {name[:60]!r}: target, module, debug")
        if len(given.getlist(name)) > 1:
            raise BadParameters(f"the parameter {name} is given more than once")
    if not given.get("target"):
        raise BadParameters("the parameter target is missing: /probe?target=HOST:PORT")
    module = setup.modules.get(given.get("module", DEFAULT_MODULE))
    if module is None:
        known = ", ".join(sorted(setup.modules))
        raise BadParameters(f"there is no module {given['module'][:60]!r}; known: {known}")
    debug = given.get("debug", "false").lower()
    if debug not in ("true", "1", "false", "0"):
        raise BadParameters("debug is true or false")
    try:
        target = target_from(given["target"], module, setup.settings.allow)
    except UsageError as error:
        raise BadParameters(error.message) from None
    return module, target, _seconds(setup.settings, request), debug in ("true", "1")


def _seconds(settings: ExporterSettings, request: Request) -> float:
    """How long the answer may take. Raises BadParameters."""
    text = request.headers.get(_TIMEOUT_HEADER)
    allowed = settings.timeout
    if text is not None:
        try:
            said = float(text)
        except ValueError:
            said = math.nan
        if not (math.isfinite(said) and said > 0):
            raise BadParameters(f"{_TIMEOUT_HEADER}: {text[:60]!r} is no number of seconds")
        allowed = min(allowed, said)
    return max(_LEAST, allowed / 2, allowed - settings.timeout_offset)


async def _metrics(exporter: Exporter, _request: Request) -> Response:
    return Response(exporter.metrics.text(), headers={"Content-Type": CONTENT_TYPE})


async def _healthy(_request: Request) -> Response:
    return PlainTextResponse("healthy\n")


async def _reload(exporter: Exporter, _request: Request) -> Response:
    try:
        exporter.reload()
    except TLSResumeError as error:
        return PlainTextResponse(f"{printable(error.message)}; the old one is kept\n", 500)
    return PlainTextResponse("the configuration was read again\n")


async def _index(exporter: Exporter, _request: Request) -> Response:
    modules = "".join(
        f"<option>{escape(name)}</option>"
        for name in sorted(exporter.setup.modules, key=lambda each: (each != DEFAULT_MODULE, each))
    )
    return HTMLResponse(
        "<!doctype html><html lang=en><meta charset=utf-8><title>tlsresume exporter</title>"
        '<meta name=viewport content="width=device-width">'
        "<style>body{font:16px/1.5 sans-serif;margin:2em;max-width:40em}</style>"
        f"<h1>tlsresume exporter {escape(__version__)}</h1>"
        "<form action=/probe><p><label>Target <input name=target placeholder=host:port required>"
        f"</label> <label>Module <select name=module>{modules}</select></label> "
        "<label><input type=checkbox name=debug value=true> debug</label> "
        "<button>Probe</button></form>"
        '<ul><li><a href="/metrics">Metrics of the exporter</a>'
        '<li><a href="/-/healthy">Health</a></ul></html>'
    )
