"""How SMTP and FTP servers turn away clients that come too often, and what helps.

HTTP has a 421 of its own (Misdirected Request), which is never read here.
"""

from __future__ import annotations

#: RFC 5321 section 4.2.3 and RFC 959 section 4.2.2: "service not available, closing" (421) and
#: "mailbox busy" (450), as Postfix, Exim, vsftpd, ProFTPD and pyftpdlib say it at a limit.
LIMIT_CODES = frozenset({421, 450})

SLOWER = (
    "the server limits connections: wait a minute or more, then ask for less (--tries 1"
    " --concurrency 1), or have this client's address excepted"
)
