"""The certificates of the servers of a run."""

from __future__ import annotations

import msgspec

from tlsresume.errors import UsageError
from tlsresume.features.serve import authority
from tlsresume.features.serve.options import ServeOptions
from tlsresume.openssl.server_contexts import Identity

#: Addresses that stand for all of a machine's.
EVERY = frozenset({"0.0.0.0", "::"})  # noqa: S104  compared, not listened on


class Identities(msgspec.Struct, frozen=True):
    """`trusted` is what clients must trust (PEM). Servers show `first`, after the change that
    `changed-certificate` makes `later`, and as `untrusted` what nobody vouches for."""

    trusted: bytes
    first: Identity
    later: Identity | None
    stranger: Identity

    def of(self, *, untrusted: bool) -> tuple[Identity, Identity | None]:
        """The certificate of a server, and that after the change."""
        return (self.stranger, None) if untrusted else (self.first, self.later)


def make_identities(options: ServeOptions) -> Identities:
    """Make the certificates, or read those of `--cert`. Raises UsageError, FileError."""
    own = () if options.host in EVERY else (options.host,)
    names = tuple(dict.fromkeys((*authority.LOOPBACK, *own, *options.names)))
    try:
        authority.general_names(names)
    except ValueError as error:
        raise UsageError(f"a --name cannot be in a certificate: {error}") from None
    stranger = authority.make_authority(names).issue(names)
    if options.certificate is not None and options.key is not None:
        read = authority.read_identity(options.certificate, options.key)
        return Identities(read.certificate_pem, read, None, stranger)
    made = (
        authority.kept_authority(options.ca, names)
        if options.ca is not None
        else authority.make_authority(names)
    )
    return Identities(made.certificate_pem, made.issue(names), made.issue(names), stranger)
