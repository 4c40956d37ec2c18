"""Fixtures of the battery: a case, and its server while the case's tests run."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from functools import cache, partial
from pathlib import Path

import pytest

from tests.servers.cases import Case
from tests.servers.front_servers import FRONT_PROGRAMS, FRONT_RECIPES
from tests.servers.harness import Recipe, Running, find_program, serve
from tests.servers.installed import alone, installed
from tests.servers.key_servers import go_build, run_go
from tests.servers.material import Material, make_material
from tests.servers.modern_cases import MODERN
from tests.servers.modern_servers import MODERN_RECIPES
from tests.servers.servers import PROGRAMS, RECIPES
from tests.servers.table import CASES

#: Fixtures that may have to install and build something first, and the seconds they may take.
SLOW_FIXTURES = {"newest_go", "programs", "sslyze"}
SLOW_SERVERS = {case.server for case in MODERN}
SECONDS_TO_INSTALL = 600


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--all-servers",
        action="store_true",
        help="every case of every server, not one case of each (make test-servers-all)",
    )


def core_cases() -> frozenset[str]:
    """The names of the cases that show each server once: what CI runs."""
    first: dict[str, str] = {}
    for case in CASES:
        first.setdefault(case.server, case.name)
    return frozenset(first.values())


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """One case of each server, unless all are asked for; a test that waits for an installation
    may take longer than others."""
    if not config.getoption("--all-servers"):
        core = core_cases()
        kept: list[pytest.Item] = []
        left_out: list[pytest.Item] = []
        for item in items:
            case = getattr(getattr(item, "callspec", None), "params", {}).get("case")
            is_core = not isinstance(case, Case) or case.name in core
            (kept if is_core else left_out).append(item)
        config.hook.pytest_deselected(items=left_out)
        items[:] = kept
    for item in items:
        parameters = getattr(getattr(item, "callspec", None), "params", {})
        case = parameters.get("case")
        slow = isinstance(case, Case) and case.server in SLOW_SERVERS
        if slow or SLOW_FIXTURES & set(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.timeout(SECONDS_TO_INSTALL))


@cache
def debian_lacks(package: str) -> bool:
    """Whether apt is here and knows no such package."""
    if find_program("apt-cache") is None:
        return False
    command = ["apt-cache", "show", package]
    return subprocess.run(command, capture_output=True, timeout=60, check=False).returncode != 0


def require(server: str) -> None:
    """Fail where a server is missing that could be installed; skip where Debian lacks it."""
    for program, package in (PROGRAMS | FRONT_PROGRAMS)[server].items():
        if find_program(program) is not None or Path(program).is_file():
            continue
        if debian_lacks(package):
            pytest.skip(f"this release of Debian has no package {package}")
        pytest.fail(f"{program} is missing: run tools/install-servers.sh", pytrace=False)


@pytest.fixture(scope="session")
def material(tmp_path_factory: pytest.TempPathFactory) -> Material:
    """Keys, certificates and ticket keys of this run."""
    return make_material(tmp_path_factory.mktemp("material"))


@pytest.fixture(scope="session")
def newest_go(material: Material) -> Recipe:
    """The recipe of the server in Go, built with a newer Go than Debian's, from PyPI.

    From 1.21 on it renews the ticket with each resumed TLS 1.2 handshake, names no key in it,
    and gives no lifetime hint (0) in TLS 1.2.
    """
    folder = installed("go")
    with alone(folder / "build"):
        into = material.files["certificate"].parent
        program = go_build(str(folder / "bin" / "go"), into, folder / "cache")
    return partial(run_go, program)


@pytest.fixture(scope="session", params=CASES, ids=lambda case: case.name)
def case(request: pytest.FixtureRequest) -> Case:
    """Each row of the table; its tests run one after another, on one running server."""
    found = request.param
    assert isinstance(found, Case)
    return found


@pytest.fixture(scope="session")
def running(case: Case, material: Material) -> Iterator[Running]:
    """The server of a case, up until the case's last test has ended."""
    recipe = MODERN_RECIPES.get(case.server)
    if recipe is None:
        require(case.server)
        recipe = (RECIPES | FRONT_RECIPES)[case.server]
    with serve(recipe, case.lines, material) as server:
        yield server


@pytest.fixture(scope="module")
def good(material: Material) -> Iterator[Running]:
    """An nginx that resumes by every mechanism."""
    require("nginx")
    lines = ("ssl_session_cache shared:S:1m;", "ssl_session_ticket_key {stek48};")
    with serve(RECIPES["nginx"], lines, material) as running:
        yield running


@pytest.fixture(scope="module")
def only_13(material: Material) -> Iterator[Running]:
    """An nginx that speaks TLS 1.3 only, and resumes."""
    require("nginx")
    lines = ("ssl_session_ticket_key {stek48};", "ssl_protocols TLSv1.3;")
    with serve(RECIPES["nginx"], lines, material) as running:
        yield running
