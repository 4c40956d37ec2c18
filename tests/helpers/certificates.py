"""Certificates for tests: one authority per run, and leaves that are right or wrong."""

from __future__ import annotations

import datetime as dt
from functools import cache

import trustme

from tlsresume.server.contexts import Identity

LOOPBACK = ("localhost", "127.0.0.1", "::1")


@cache
def authority() -> trustme.CA:
    """The authority that a test trusts, or leaves untrusted."""
    return trustme.CA()


def authority_pem() -> bytes:
    return authority().cert_pem.bytes()


def _identity(leaf: trustme.LeafCert) -> Identity:
    chain = b"".join(blob.bytes() for blob in leaf.cert_chain_pems)
    return Identity(chain, leaf.private_key_pem.bytes())


@cache
def localhost() -> Identity:
    """A good certificate for the loopback names and addresses."""
    return _identity(authority().issue_cert(*LOOPBACK))


@cache
def expired() -> Identity:
    """For the right names, but it ended long ago."""
    then = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
    return _identity(
        authority().issue_cert(*LOOPBACK, not_before=then, not_after=then + dt.timedelta(days=30))
    )


@cache
def wrong_host() -> Identity:
    """Good, but for somebody else."""
    return _identity(authority().issue_cert("elsewhere.example"))


@cache
def client(names: int = 1) -> Identity:
    """A client's certificate. With 60 names it makes a server's ticket about 2 KB long."""
    return _identity(authority().issue_cert(*(f"client-{n:02}.test.example" for n in range(names))))
