"""Client programs of HTTP/3 and of FTP with TLS, for tests of `serve` and the table of clients.

`{folder}` in a command is where the files are; what else stands in braces is the tool's.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass

from tests.servers import newer
from tests.servers.client_programs import FILES, NEVER, RESUMES

# ------------------------------------------------------------------------------ HTTP/3

#: A browser with a fresh profile that trusts the authority $2, and loads four images of $1 over
#: HTTP/3 from port $4, with the page of folder $3.
BROWSE = """
export HOME=$(mktemp -d)
mkdir -p "$HOME/.pki/nssdb"
certutil -d "sql:$HOME/.pki/nssdb" -N --empty-password
certutil -d "sql:$HOME/.pki/nssdb" -A -t C,, -n tlsresume -i "$2"
pin=$(openssl x509 -in "$2" -noout -pubkey | openssl pkey -pubin -outform der \\
  | openssl dgst -sha256 -binary | base64)
chromium --no-sandbox --headless --disable-gpu --disable-background-networking \\
  --user-data-dir="$HOME/profile" --origin-to-force-quic-on=localhost:$4 \\
  --ignore-certificate-errors-spki-list=$pin --dump-dom "file://$3/browse.html?url=$1" \\
  >"$HOME/out" 2>&1
rm -rf "$HOME"
"""
CHROMIUM = "bash {folder}/browse-quic.sh {url} {cafile} {folder} {port}"
#: What a browser needs on PATH, beside itself.
CHROMIUM_NEEDS = ("chromium", "openssl", "certutil")


def gtlsclient(at: newer.Folder, *, keep: bool) -> str:
    """Three connections of ngtcp2's client, with its sessions in a file; the file is fresh."""
    files = f"--session-file={at.inside('s')} --tp-file={at.inside('t')}" if keep else ""
    one = (
        f"chroot {at.root} gtlsclient {files} --sni=localhost --exit-on-all-streams-close"
        f" {'--wait-for-ticket' if keep else ''} -q 127.0.0.1 {{port}} https://localhost:{{port}}/"
    )
    return "; ".join([f"rm -f {at.path / 's'} {at.path / 't'}", *[one] * 3])


# --------------------------------------------------------------------------------- FTP

FTPLIB = """
import ftplib, io, ssl, sys
client = ftplib.FTP_TLS(context=ssl.create_default_context(cafile=sys.argv[3]))
client.connect(sys.argv[1], int(sys.argv[2]))
client.login()
client.prot_p()
client.nlst()
client.retrbinary("RETR hello.txt", print)
client.storbinary("STOR up", io.BytesIO(b"some text"))
client.quit()
"""


@dataclass(frozen=True)
class FtpProgram:
    """A client that makes a listing, a download and an upload, thus three data connections, in one
    session of FTP; `needs` is on PATH, and `truth` is of TLS 1.3 and 1.2."""

    name: str
    needs: str
    command: str
    truth: tuple[str, str]
    #: `ftps` begins with TLS, which ftplib does not.
    protocols: tuple[str, ...] = ("ftp", "ftps")
    remedy: str = ""


FTP_PROGRAMS: tuple[FtpProgram, ...] = (
    FtpProgram(
        "curl",
        "curl",
        "curl -sS --ssl-reqd -u u:p {url} {url}hello.txt --next"
        " -sS --ssl-reqd -u u:p -T {folder}/up {url}",
        RESUMES,
    ),
    FtpProgram(
        "lftp",
        "lftp",
        "lftp -c 'set ftp:ssl-force yes; set ftp:ssl-protect-data yes; set ssl:ca-file {cafile};"
        " open -u u,p {url}; ls; cat hello.txt; put {folder}/up'",
        RESUMES,
    ),
    FtpProgram(
        "Python ftplib",
        sys.executable,
        f"{sys.executable} {{folder}}/ftp.py {{host}} {{port}} {{cafile}}",
        NEVER,
        protocols=("ftp",),
        remedy="a subclass whose `ntransfercmd` gives `session=`",
    ),
)

QUIC_FTP_FILES: Mapping[str, str] = {
    "browse.html": FILES["browse.html"],
    "browse-quic.sh": BROWSE,
    "ftp.py": FTPLIB,
    "up": "some text\n",
}
