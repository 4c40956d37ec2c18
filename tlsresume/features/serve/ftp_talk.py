"""FTP with TLS (RFC 4217), as much as whole transfers need: listings, files to and fro, over
passive data connections.

There is one small file; what is uploaded is read and forgotten.
"""

from __future__ import annotations

from collections.abc import Mapping

from tlsresume.features.serve.line_talk import LineProtocol, LineTalk
from tlsresume.server.talk import Talk

_NAME, _CONTENT = b"hello.txt", b"tlsresume\n"
_FACTS = b"type=file;size=%d;modify=20260101000000; %s\r\n" % (len(_CONTENT), _NAME)
_REPLIES = {
    b"FEAT": b"211-Features:\r\n AUTH TLS\r\n PBSZ\r\n PROT\r\n EPSV\r\n PASV\r\n SIZE\r\n MDTM\r\n"
    b" MLST type*;size*;modify*;\r\n UTF8\r\n211 End\r\n",
    b"USER": b"331 password, please\r\n",
    b"PASS": b"230 welcome\r\n",
    b"ACCT": b"230 welcome\r\n",
    b"PBSZ": b"200 PBSZ=0\r\n",
    b"SYST": b"215 UNIX Type: L8\r\n",
    b"PWD": b'257 "/" is the folder\r\n',
    b"XPWD": b'257 "/" is the folder\r\n',
    b"CWD": b"250 ok\r\n",
    b"CDUP": b"250 ok\r\n",
    b"DELE": b"250 ok\r\n",
    b"MKD": b'257 "/" is there\r\n',
    b"TYPE": b"200 ok\r\n",
    b"MODE": b"200 ok\r\n",
    b"STRU": b"200 ok\r\n",
    b"ALLO": b"202 not needed\r\n",
    b"OPTS": b"200 ok\r\n",
    b"CLNT": b"200 ok\r\n",
    b"SITE": b"200 ok\r\n",
    b"NOOP": b"200 ok\r\n",
    b"ABOR": b"226 nothing to stop\r\n",
    b"SIZE": b"213 %d\r\n" % len(_CONTENT),
    b"MDTM": b"213 20260101000000\r\n",
    b"QUIT": b"221 bye\r\n",
}
_FTP = LineProtocol(
    greeting=b"220 tlsresume\r\n",
    start=b"AUTH",
    go=b"234 go ahead\r\n",
    clear=_REPLIES,
    secure=_REPLIES,
    unknown=b"502 not here\r\n",
)
#: What is sent to a client, by the command that asks for it.
_SENT: Mapping[bytes, bytes] = {
    b"LIST": b"-rw-r--r-- 1 ftp ftp %d Jan 01 2026 %s\r\n" % (len(_CONTENT), _NAME),
    b"NLST": _NAME + b"\r\n",
    b"MLSD": _FACTS,
    b"RETR": _CONTENT,
}
_TAKEN = (b"STOR", b"APPE", b"STOU")
_DATA = (b"PASV", b"EPSV")


class DataTalk(Talk):
    """One transfer: `content` is sent, or without it what comes is read to its end."""

    def __init__(self, content: bytes | None) -> None:
        super().__init__()
        self._content = content

    def secured(self) -> bytes:
        self.requests += 1
        if self._content is None:
            return b""
        self.last = True
        return self._content

    def answer(self, data: bytes, *, reused: bool) -> bytes:
        del data, reused
        self.requests += 1
        return b""


class FTPTalk(LineTalk):
    """A control connection. `implicit`: TLS begins with the connection (ftps://)."""

    def __init__(self, *, implicit: bool = False) -> None:
        super().__init__(_FTP)
        self.clear = not implicit
        self._inside = False
        self._secure = False
        self._transfer: DataTalk | None = None

    def secured(self) -> bytes:
        self._inside = True
        return b"" if self.clear else self.greet()

    def reply(self, replies: Mapping[bytes, bytes], tag: bytes, verb: bytes, line: bytes) -> bytes:
        if not self._inside and (verb in _DATA or verb in _SENT or verb in _TAKEN):
            return b"534 AUTH TLS first\r\n"
        if verb == b"PROT":
            self._secure = line.split()[1:2] in ([b"P"], [b"p"])
            return b"200 ok\r\n"
        if verb in _DATA:
            return self._listen(extended=verb == b"EPSV")
        if verb in _SENT or verb in _TAKEN:
            self.busy = True
            self._transfer = DataTalk(_SENT.get(verb))
            return b"150 here it comes\r\n"
        return super().reply(replies, tag, verb, line)

    def _listen(self, *, extended: bool) -> bytes:
        try:
            if self.data is None:
                raise OSError
            address, port = self.data.listen()
        except OSError:
            return b"425 no port is free\r\n"
        if extended:
            return b"229 passive (|||%d|)\r\n" % port
        if ":" in address:
            return b"425 PASV cannot name this address, EPSV can\r\n"
        numbers = ",".join((*address.split("."), str(port >> 8), str(port & 0xFF)))
        return f"227 passive ({numbers})\r\n".encode("ascii")

    def then(self) -> bytes | None:
        talk, self._transfer = self._transfer, None
        if talk is None or self.data is None:
            return None
        done = self.data.transfer(talk, secure=self._secure)
        self.busy = False
        words = b"226 done\r\n" if done else b"425 no data connection\r\n"
        return words + self.answer(b"", reused=False)
