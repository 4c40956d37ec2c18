"""How long a probe waits for what never comes: a ticket of TLS 1.3, or any answer at all.

Here it is the clock that counts, not the CPU: all of it is waiting, and `--ticket-wait`
and `--timeout` say how much may be.
"""

from __future__ import annotations

import sys
from pathlib import Path

import peers
from measure import run, table

#: Of `--timeout`, lowered so that the benchmark does not wait for the default.
_TIMEOUT = 2.0
#: The defaults of `--ticket-wait`, and what an explanation waits at most.
_TICKET_WAIT, _LONGER_WAIT = 3.0, 6.0


def report(identity: peers.Identity) -> str:
    """Measure, and tell in Markdown."""
    tool = str(Path(sys.executable).parent / "tlsresume")
    with peers.without_tickets(identity) as port:
        ticketless = run([tool, "probe", f"127.0.0.1:{port}"]).wall
    with peers.silent() as port:
        silent = run([tool, "probe", f"127.0.0.1:{port}", "--timeout", str(_TIMEOUT)]).wall
    rows = [
        ["gives no TLS 1.3 ticket", f"{ticketless:.1f} s", f"{_LONGER_WAIT:.0f} s"],
        [f"never answers, `--timeout {_TIMEOUT:.0f}`", f"{silent:.1f} s", f"{2 * _TIMEOUT:.0f} s"],
    ]
    return (
        table(["a server that", "`tlsresume probe`", "of which waiting"], rows)
        + "\nOnce each. For a ticket we wait as long as `--ticket-wait` says"
        f" ({_TICKET_WAIT:.0f} s), and on a second connection beside the first twice as long; for"
        " an answer as long as `--timeout` says, to one ClientHello of each TLS version.\n"
    )
