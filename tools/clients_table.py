"""Write docs/clients.md: what clients do about TLS session resumption, as `serve` sees it.

Runs the client programs of tests/servers/client_programs.py that are installed here against
`tlsresume serve`. Not a part of `make generate`: its outcome depends on what is installed.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tests.servers.client_programs import FILES, PROGRAMS, Program
from tests.servers.installed import installed

TABLE = Path(__file__).resolve().parent.parent / "docs" / "clients.md"
#: How to ask a program for its version.
VERSIONS = {
    "curl": "curl --version",
    "wget": "wget --version",
    "node": "node --version",
    "go": "go version",
    "java": "java --version",
    "ruby": "ruby --version",
    "php": "php --version",
    "gnutls-cli": "gnutls-cli --version",
    "openssl": "openssl version",
    "lftp": "lftp --version",
    "chromium": "chromium --version",
}
HEAD = """# What clients do

Each client below fetched one URL several times in a row, each time on a connection of its own,
from `tlsresume serve`. The table is what the tool said, made by `tools/clients_table.py` with
the programs of `tests/servers/client_programs.py`; `make test-servers` holds it to the truth.

- **resumes**: each connection after the first offered a session, and was resumed.
- **never-offers**: no connection offered one. The cure is the setting or way of use that makes it
  resume; `tlsresume explain never-offers` has more of them.
- **right in**: the behaviours of `--behaviour all` in which the client does what it should:
  resume where the server resumes, refuse where nobody vouches for the certificate, and connect
  in all others.

| client | version | TLS 1.3 | TLS 1.2 | right in | findings | cure |
|---|---|---|---|---|---|---|
"""
NOTES = """
What stands out:

- Go 1.19 with a session cache fails in `hello-retry`: it offers the session again
  after a HelloRetryRequest with a wrong binder, and the server ends the handshake.
- Go offers no session IDs, so it resumes nothing with a TLS 1.2 server that issues no tickets.
- lftp verifies the certificate when its request is on its way already: in `untrusted` the request
  arrives as often as not.
- `gnutls-cli -r --waitresumption` waits for ever where no ticket comes before it speaks
  (`no-tickets`, `late-tickets`).
- curl's OpenSSL backend and urllib3 ask for no TLS 1.2 tickets; they resume by session ID.
"""


def serve(command: str, *options: str) -> dict[str, Any]:
    """The report of a run."""
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "tlsresume",
            "serve",
            "--format",
            "json",
            "--run",
            command,
            *options,
        ],
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    report: dict[str, Any] = json.loads(done.stdout)
    return report


def version_of(program: Program) -> str:
    """A program's version, as it says it."""
    if program.needs == "{python}":
        python = installed("clients", *program.packages) / "bin" / "python"
        code = f"import {program.name}; print({program.name}.__version__)"
        return subprocess.check_output([str(python), "-c", code], text=True).strip()
    command = VERSIONS.get(program.needs)
    if command is None:
        return f"Python {sys.version.split()[0]}"
    text = subprocess.check_output(command.split(), text=True).splitlines()[0]
    numbers = [word.strip("(),") for word in text.split() if any(c.isdigit() for c in word)]
    return numbers[0] if numbers else text


def row(program: Program, folder: Path) -> str:
    """One line of the table."""

    def filled(text: str) -> str:
        if program.packages:
            python = installed("clients", *program.packages) / "bin" / "python"
            text = text.replace("{python}", str(python))
        return text.replace("{folder}", str(folder))

    verdicts = [
        serve(filled(program.command), "--tls", version)["verdict"] for version in ("1.3", "1.2")
    ]
    servers = serve(filled(program.command), "--behaviour", "all")["servers"]
    wrong = [each["behaviour"] for each in servers if each["outcome"] != "right"]
    right = f"{len(servers) - len(wrong)} of {len(servers)}"
    findings = {
        finding["code"]: finding["severity"]
        for server in servers
        for client in server["clients"]
        for finding in client["findings"]
    }
    told = ", ".join(f"{code} ({severity})" for code, severity in sorted(findings.items()))
    cells = (program.name, version_of(program), *verdicts, right, told, program.remedy)
    return f"| {' | '.join(cells)} |\n"


def main() -> None:
    """Write the table, with a row for each client that is installed."""
    rows = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for file, text in FILES.items():
            (folder / file).write_text(text.lstrip())
        if shutil.which("go"):
            environment = os.environ | {"GOCACHE": str(folder / "cache")}
            subprocess.run(
                ["go", "build", "-o", "fetch-go", "fetch.go"],
                cwd=folder,
                env=environment,
                check=True,
            )
        for program in PROGRAMS:
            if program.needs == "{python}" or shutil.which(program.needs):
                rows.append(row(program, folder))
                print(rows[-1], end="", file=sys.stderr)
    TABLE.parent.mkdir(exist_ok=True)
    TABLE.write_text(HEAD + "".join(rows) + NOTES, encoding="utf-8")


if __name__ == "__main__":
    main()
