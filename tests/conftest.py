"""Fixtures that several test files share."""

from __future__ import annotations

import gc
import importlib
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import hypothesis
import pytest

from tests.helpers import certificates
from tests.helpers.crowds import CrowdedServer, LoggedServer
from tests.paths import REPOSITORY, TESTS
from tlsresume.cli.configuring import VARIABLES
from tlsresume.network import retries
from tlsresume.server.behaviour import Behaviour
from tlsresume.server.contexts import Identity

#: What a crowded server is told beside its behaviour.
CROWDS = ("one_at_a_time", "max_connections_per_client", "reset_every")

StartServer = Callable[..., LoggedServer]

#: What a shell, a terminal or a runner may have told programs of the user's wishes.
USERS = (
    "COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR", "SSLKEYLOGFILE", "GITHUB_STEP_SUMMARY",
    "TLSRESUME_DEBUG", "TLSRESUME_FTP_PASSWORD", "TLSRESUME_PASSPHRASE", "TLSRESUME_PROXY_PASSWORD",
    "XDG_STATE_HOME",
)  # fmt: skip

# How long one example takes is the machine's business. Examples are other ones in each run;
# `make fuzz` has a million in one.
hypothesis.settings.register_profile("untimed", deadline=None, max_examples=50)
hypothesis.settings.load_profile("untimed")


def pytest_configure() -> None:
    """Before any test is read: no variable of the user's counts. And a shell starts what runs in
    its background with SIGINT ignored, which programs would inherit from tests that send it."""
    for name in (*VARIABLES.values(), *USERS):
        os.environ.pop(name, None)
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection(session: pytest.Session) -> None:
    """Workers of a whole run import the test files from different places on. Pytest rewrites the
    asserts of each file once and keeps the result: in a clean checkout, where workers that go the
    same way would all do the same, each so does a part."""
    worker = getattr(session.config, "workerinput", None)
    if worker is None or [Path(each).resolve() for each in session.config.args] != [TESTS]:
        return
    files = sorted(TESTS.rglob("test_*.py"))
    files = [each for each in files if "servers" not in each.relative_to(TESTS).parts]
    first = int(worker["workerid"].removeprefix("gw")) * len(files) // worker["workercount"]
    for each in files[first:] + files[:first]:
        with suppress(Exception):  # collecting it says what is wrong
            importlib.import_module(".".join(each.relative_to(REPOSITORY).with_suffix("").parts))


def pytest_collection_finish() -> None:
    """The collector goes through what the tests make, not each time through thousands of tests:
    some look for what they left open."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True, scope="session")
def _unconfigured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What the user has configured does not reach the tests, nor the programs they start; and a
    relative path leads nowhere, as the working folder is empty."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("empty"))
        patch.setenv("XDG_CONFIG_HOME", str(tmp_path_factory.mktemp("unconfigured")))
        yield


@pytest.fixture(params=["1.2", "1.3"])
def tls_version(request: pytest.FixtureRequest) -> str:
    """Each TLS version in turn."""
    return str(request.param)


@pytest.fixture
def server() -> Iterator[StartServer]:
    """Start built-in servers: `server(behaviour)` or `server(nodes=2, ...)`; the test's end
    stops them. They have a certificate of the test authority unless given an `identity`."""
    with ExitStack() as stack:

        def start(
            behaviour: Behaviour | None = None,
            *,
            host: str = "127.0.0.1",
            identity: Identity | None = None,
            **knobs: Any,
        ) -> LoggedServer:
            crowds = {name: knobs.pop(name) for name in CROWDS if name in knobs}
            kind = CrowdedServer if crowds else LoggedServer
            return stack.enter_context(
                kind(
                    behaviour or Behaviour(**knobs),
                    host,
                    identity=identity or certificates.localhost(),
                    **crowds,
                )
            )

        yield start


@pytest.fixture
def brief_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """What broke, or was turned away, is tried again as often as ever, after shorter pauses."""
    monkeypatch.setattr(retries, "_PAUSES", (0.01, 0.02))
    monkeypatch.setattr(retries, "_LIMIT_PAUSES", (0.01, 0.02))


@pytest.fixture(scope="session")
def cafile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The test authority's certificate as a PEM file."""
    path = tmp_path_factory.mktemp("authority") / "ca.pem"
    path.write_bytes(certificates.authority_pem())
    return path
