"""The door to OpenSSL: what is missing, what failed, and faults that nothing else provokes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.helpers.pair import Peer, Tick, config_for
from tlsresume.error_queue import ErrorStack
from tlsresume.errors import BindingError, ExitStatus
from tlsresume.transports.openssl import binding
from tlsresume.transports.openssl.client import TLSClient

SOURCES = Path(binding.__file__).parent


@pytest.fixture
def unchecked():
    """check_bindings as it is before its first call."""
    binding.check_bindings.cache_clear()
    yield
    binding.check_bindings.cache_clear()


class Faulty:
    """The bindings, but for some names that are replaced."""

    def __init__(self, **replaced: object) -> None:
        self._replaced = replaced

    def __getattr__(self, name: str) -> object:
        return self._replaced.get(name) or getattr(REAL, name)


REAL = binding._lib


def test_the_bindings_here_are_complete(unchecked):
    """The installed versions have every name that is needed."""
    binding.check_bindings()


def test_a_missing_name_is_one_error_that_names_the_versions(monkeypatch, unchecked):
    """All missing names are in one BindingError, whose hints say what to install."""
    monkeypatch.setattr(binding, "REQUIRED", (*binding.REQUIRED, "SSL_of_1", "SSL_of_2"))
    with pytest.raises(BindingError) as caught:
        binding.check_bindings()
    assert "SSL_of_1, SSL_of_2" in caught.value.message
    hints = " ".join(caught.value.hints)
    assert binding.NEEDS_PYOPENSSL in hints
    assert binding.NEEDS_CRYPTOGRAPHY in hints
    assert caught.value.exit_status is ExitStatus.BUG


def test_every_name_used_is_checked():
    """REQUIRED is what the binding files use, no more and no less, in order."""
    used = set()
    for path in SOURCES.glob("binding*.py"):
        used |= set(re.findall(r"\b_lib\.(\w+)", path.read_text(encoding="utf-8")))
    assert set(binding.REQUIRED) - used == set()
    assert used - set(binding.REQUIRED) == set()


def test_the_versions_are_told():
    """OpenSSL's and pyOpenSSL's versions are words for a report."""
    assert binding.openssl_version().startswith("OpenSSL ")
    assert re.fullmatch(r"\d+\.\d+.*", binding.pyopenssl_version())


# ------------------------------------------------------------------- error queue


def _leave_an_error() -> None:
    assert REAL.d2i_SSL_SESSION(
        binding._ffi.NULL, binding._ffi.new("const unsigned char **"), 0
    ) == binding._ffi.NULL  # fmt: skip


def test_the_whole_queue_is_taken_oldest_first():
    """Each entry has library, reason and code; afterwards the queue is empty."""
    binding.clear_errors()
    _leave_an_error()
    first = binding.take_errors("one", "0")
    _leave_an_error()
    _leave_an_error()
    both = binding.take_errors("two", "0")
    assert first.entries
    assert both.entries == first.entries * 2
    assert all(e.code and e.library and e.reason for e in both.entries)
    assert binding.take_errors("three", "-1") == ErrorStack("three", "-1", ())


def test_a_returned_value_says_both_numbers():
    """What a call returned is shown with SSL_get_error's name."""
    assert str(binding.Returned(-1, 1)) == "-1, SSL_ERROR_SSL"
    assert str(binding.Returned(0, 6)) == "0, SSL_ERROR_ZERO_RETURN"
    assert str(binding.Returned(0, 99)) == "0, 99"


# --------------------------------------------------------------- fault injection


@pytest.fixture
def session():
    return Peer().connect(config_for("1.3")).sessions[-1]


def client_with(session) -> TLSClient:
    client = TLSClient(config_for("1.3"), session, clock=Tick())
    client.start()
    client.release()
    return client


def test_set_session_returning_0_is_a_failure_of_that_call(monkeypatch, session):
    """A 0 of SSL_set_session is told with the call's name and the errors it left."""

    def set_session(_ssl: object, _session: object) -> int:
        _leave_an_error()
        return 0

    monkeypatch.setattr(binding, "_lib", Faulty(SSL_set_session=set_session))
    client = client_with(session)
    assert client.set_session == 0
    assert client.failure is not None
    assert client.failure.step == "session"
    assert client.failure is not None
    assert client.failure.message == "SSL_set_session failed"
    assert client.failure.stack is not None
    assert (client.failure.stack.call, client.failure.stack.returned) == ("SSL_set_session", "0")
    assert client.failure.stack.entries
    assert client.drain() == []


def test_an_empty_queue_is_an_empty_stack(monkeypatch, session):
    """A 0 without a reason gives a stack without entries; stale ones are not shown."""
    _leave_an_error()
    monkeypatch.setattr(binding, "_lib", Faulty(SSL_set_session=lambda *_: 0))
    client = client_with(session)
    assert client.failure is not None
    assert client.failure.stack == ErrorStack("SSL_set_session", "0", ())


def test_the_session_is_freed_whatever_happens(monkeypatch, session):
    """d2i's session is freed once, also when setting it failed."""
    freed = []

    def free(pointer: object) -> None:
        freed.append(pointer)
        REAL.SSL_SESSION_free(pointer)

    for result in (0, 1):
        monkeypatch.setattr(
            binding,
            "_lib",
            Faulty(SSL_set_session=lambda *_, r=result: r or (REAL and 0), SSL_SESSION_free=free),
        )
        client_with(session)
    assert len(freed) == 2


def test_a_session_that_cannot_be_written_is_none(monkeypatch):
    """i2d_SSL_SESSION's failure gives no session instead of an error."""
    peer = Peer()
    monkeypatch.setattr(binding, "_lib", Faulty(i2d_SSL_SESSION=lambda *_: 0))
    client = peer.connect(config_for("1.2"))
    assert client.established
    assert client.sessions == []


def test_write_early_data_that_fails_is_told(monkeypatch):
    """The failed call's name is in the stack."""
    peer = Peer(early_data=100)
    session = peer.connect(config_for("1.3")).sessions[-1]
    monkeypatch.setattr(binding, "_lib", Faulty(SSL_write_early_data=lambda *_: 0))
    client = TLSClient(config_for("1.3", early_data=b"x"), session, clock=Tick())
    client.start()
    client.release()
    assert client.failure is not None
    assert client.failure.stack is not None
    assert client.failure.stack.call == "SSL_write_early_data"


@pytest.mark.parametrize("code", [0, 10, 62])
def test_verify_codes_have_words(code):
    """Each X509_V_* code has OpenSSL's own words."""
    assert binding.verify_message(code).isprintable()
    assert binding.verify_message(code)
