"""What other programs make of our output: JUnit's schema, promtool, Prometheus, Chromium,
pre-commit, systemd. Each is a reader that is not ours."""

from __future__ import annotations

import html
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tarfile
import time
import urllib.error
import urllib.parse
import urllib.request
import venv
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.formats.test_pipeline import hostile_report
from tests.formats.test_watch import REPORTS as WATCHED
from tests.golden import cases
from tests.helpers.pipeline_cases import JUDGED, POLICY
from tests.servers.command import tlsresume
from tests.servers.conftest import debian_lacks
from tests.servers.harness import find_program
from tlsresume.features.watch.page import render_watch_html
from tlsresume.formats import FORMATS
from tlsresume.formats.page import View
from tlsresume.policy.names import BUILTIN
from tlsresume.server.behaviour import Behaviour
from tlsresume.server.server import Server

ROOT = Path(__file__).parent.parent.parent
#: Its source distribution has the schema of the xUnit plugin of Jenkins beside its tests.
SCHEMA_FROM = "pytest==8.4.2"


def program(name: str, package: str) -> str:
    found = find_program(name)
    if found is None:
        if debian_lacks(package):
            pytest.skip(f"this release of Debian has no package {package}")
        pytest.fail(f"{name} is missing: run tools/install-servers.sh", pytrace=False)
    return str(found)


def run(*command: str, cwd: Path | None = None, stdin: str | None = None, ok: int = 0) -> str:
    """The output of a program that must end with the status `ok`."""
    done = subprocess.run(
        command,
        cwd=cwd,
        input=stdin,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == ok, f"{command}: {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done.stdout + done.stderr


def rendered(name: str, case: str) -> str:
    return FORMATS[name].renderer()(JUDGED[case], View())


# ---------------------------------------------------------------------- JUnit


@pytest.fixture(scope="module")
def junit_schema(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The schema of JUnit reports that Jenkins' xUnit plugin checks by."""
    folder = tmp_path_factory.mktemp("schema")
    download = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-binary"]
    done = subprocess.run(
        [*download, ":all:", "-d", str(folder), SCHEMA_FROM],
        capture_output=True,
        timeout=300,
        check=False,
    )
    if done.returncode != 0:
        pytest.skip("no package index here to take the schema from")
    (archive,) = folder.glob("pytest-*.tar.gz")
    with tarfile.open(archive) as tar:
        (member,) = (name for name in tar.getnames() if name.endswith("/junit-10.xsd"))
        inner = tar.extractfile(member)
        assert inner is not None
        path = folder / "junit-10.xsd"
        path.write_bytes(inner.read())
    return path


@pytest.mark.parametrize("case", JUDGED)
def test_junit_is_valid(case: str, tmp_path: Path, junit_schema: Path) -> None:
    """Every JUnit document is valid by the schema that build servers use."""
    xmllint = program("xmllint", "libxml2-utils")
    path = tmp_path / "junit.xml"
    path.write_text(rendered("junit", case), encoding="utf-8")
    run(xmllint, "--noout", "--nonet", str(path))
    run(xmllint, "--noout", "--nonet", "--schema", str(junit_schema), str(path))


# ----------------------------------------------------------------- Prometheus


@pytest.mark.parametrize("case", JUDGED)
def test_promtool_accepts_the_metrics(case: str) -> None:
    """Promtool finds nothing to say about names, help, types or units."""
    promtool = program("promtool", "prometheus")
    assert run(promtool, "check", "metrics", stdin=rendered("prometheus", case)) == ""


def test_the_alerts_fire_as_tested() -> None:
    """Promtool accepts the alert rules, and its unit tests of them pass."""
    promtool = program("promtool", "prometheus")
    folder = ROOT / "contrib/prometheus"
    run(promtool, "check", "rules", "tlsresume.rules.yml", cwd=folder)
    assert "SUCCESS" in run(promtool, "test", "rules", "tlsresume.rules.test.yml", cwd=folder)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def fetch(url: str) -> str:
    with urllib.request.urlopen(url, timeout=5) as answer:
        text: str = answer.read().decode()
        return text


def until(found: Callable[[], str | None], seconds: float = 60) -> str:
    """What `found` gives, once it gives something; a server that starts is asked again."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            if (text := found()) is not None:
                return text
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            pass
        time.sleep(0.2)
    raise AssertionError("it did not come in time")


@contextmanager
def started(*command: str, log: Path) -> Iterator[None]:
    with log.open("wb") as file:
        process = subprocess.Popen(command, stdout=file, stderr=file, cwd=log.parent)
    try:
        yield
    finally:
        process.terminate()
        process.wait(timeout=30)


def test_prometheus_reads_the_textfile(tmp_path: Path) -> None:
    """A probe's metrics come through node-exporter's textfile collector to a real Prometheus,
    and its alerts see them."""
    exporter = program("prometheus-node-exporter", "prometheus-node-exporter")
    prometheus = program("prometheus", "prometheus")
    textfiles = tmp_path / "textfiles"
    textfiles.mkdir()
    metrics = textfiles / "tlsresume.prom"
    with Server(Behaviour(honoured=False), "127.0.0.1") as server:
        answer = tlsresume(
            "probe", f"127.0.0.1:{server.port}", "-q", "--no-explain", "--exit-zero",
            "--format", f"prometheus={metrics}",
        )  # fmt: skip
    assert answer.status == 0, str(answer)
    # The collector runs as another user: the umask alone limits who may read a report.
    assert metrics.stat().st_mode & 0o444 == 0o444 & ~_umask()

    exporter_at, prometheus_at = f"127.0.0.1:{free_port()}", f"127.0.0.1:{free_port()}"
    rules = (ROOT / "contrib/prometheus/tlsresume.rules.yml").read_text()
    (tmp_path / "rules.yml").write_text(rules.replace("for: 30m", "for: 0s"))
    (tmp_path / "prometheus.yml").write_text(
        "global: {scrape_interval: 1s, evaluation_interval: 1s}\nrule_files: [rules.yml]\n"
        f"scrape_configs: [{{job_name: node, static_configs: [{{targets: ['{exporter_at}']}}]}}]\n"
    )
    with (
        started(
            exporter, "--collector.disable-defaults", "--collector.textfile",
            f"--collector.textfile.directory={textfiles}", f"--web.listen-address={exporter_at}",
            log=tmp_path / "exporter.log",
        ),
        started(
            prometheus, "--config.file=prometheus.yml", f"--storage.tsdb.path={tmp_path}/data",
            f"--web.listen-address={prometheus_at}", log=tmp_path / "prometheus.log",
        ),
    ):  # fmt: skip
        page = until(lambda: fetch(f"http://{exporter_at}/metrics"))
        assert "node_textfile_scrape_error 0" in page
        assert 'tlsresume_resumed{address="127.0.0.1",mechanism="psk"' in page

        def query() -> str | None:
            asked = urllib.parse.urlencode({"query": "tlsresume_resumption_ratio"})
            found = json.loads(fetch(f"http://{prometheus_at}/api/v1/query?{asked}"))
            values = [each["value"][1] for each in found["data"]["result"]]
            return " ".join(values) or None

        assert set(until(query).split()) == {"0"}

        def alerts() -> str | None:
            found = json.loads(fetch(f"http://{prometheus_at}/api/v1/alerts"))["data"]["alerts"]
            names = {each["labels"]["alertname"] for each in found if each["state"] == "firing"}
            return " ".join(names) if "TLSResumptionBroken" in names else None

        until(alerts)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


# ------------------------------------------------------------------- Chromium


def chromium(tmp_path: Path, *options: str) -> str:
    return run(
        program("chromium", "chromium"), "--headless", "--no-sandbox", "--disable-gpu",
        "--hide-scrollbars", f"--user-data-dir={tmp_path}/profile", *options,
    )  # fmt: skip


@pytest.mark.parametrize("case", ["partly", "hostile", "policy"])
def test_the_page_is_shown_by_a_browser(case: str, tmp_path: Path) -> None:
    """Chromium shows the page without scripts, in light and dark and on paper, and finds no
    element in it that foreign text has made."""
    page = tmp_path / "report.html"
    page.write_text(rendered("html", case), encoding="utf-8")
    shots = {}
    for scheme, options in (
        ("light", ()),
        ("dark", ("--blink-settings=preferredColorScheme=0",)),
    ):
        shot = tmp_path / f"{scheme}.png"
        chromium(
            tmp_path, *options, "--window-size=1000,1400", f"--screenshot={shot}", page.as_uri()
        )
        shots[scheme] = shot.read_bytes()
        assert shots[scheme].startswith(b"\x89PNG")
        assert len(shots[scheme]) > 20_000
    assert shots["light"] != shots["dark"]
    chromium(tmp_path, f"--print-to-pdf={tmp_path}/paper.pdf", page.as_uri())
    assert (tmp_path / "paper.pdf").read_bytes().startswith(b"%PDF")
    dom = chromium(tmp_path, "--dump-dom", page.as_uri())
    assert "TLS session resumption" in dom
    assert not re.search(r"<(script|img|iframe|object|link|form)\b", dom)
    assert dom.count("<circle") == page.read_text().count("<circle")
    for target in JUDGED[case].targets:
        assert target.target in dom


#: What a page measures of itself: its widths, the smallest letters of its charts, and whether
#: anything stands out of it at the right.
_MEASURE = """<script>
const all = [...document.querySelectorAll("body *")];
document.querySelectorAll("details").forEach(each => each.open = true);
const size = each => parseFloat(getComputedStyle(each).fontSize);
const scale = each => each.ownerSVGElement ? each.getScreenCTM().a : 1;
const labels = all.filter(
  each => each.closest(".chart") && each.textContent.trim() && !each.matches("title"));
const outside = all.filter(each => each.getBoundingClientRect().right > innerWidth + 1);
parent.postMessage({
  name: window.name,
  width: innerWidth,
  scroll: document.documentElement.scrollWidth,
  least: labels.length ? Math.min(...labels.map(each => size(each) * scale(each))) : null,
  outside: outside.map(each => each.outerHTML.slice(0, 200)),
  cards: [...document.querySelectorAll("tr")].filter(
    each => getComputedStyle(each).display === "block").length,
}, "*");
</script></body>"""

#: A page of pages, since the window of a browser cannot be so narrow as a phone; it collects
#: what they measure.
_GATHER = """<script>
const found = [];
addEventListener("message", event => {
  found.push(event.data);
  document.documentElement.setAttribute("data-measured", JSON.stringify(found));
});
</script>"""


@pytest.mark.parametrize("width", [390, 1280])
def test_the_pages_fit_a_phone_and_a_desk(width: int, tmp_path: Path) -> None:
    """At either width nothing stands out of the page, and the letters of charts have 11 px at
    least; rows are cards on the phone only."""
    pages = {name: rendered("html", name) for name in ("mixed", "hostile", "policy", "baseline")}
    long = "node-" * 40
    wide = View(command=f"tlsresume probe {long}")
    pages["wide"] = FORMATS["html"].renderer()(hostile_report(long), wide)
    pages |= {
        f"watch-{name}": render_watch_html(each, cases.TOOL) for name, each in WATCHED.items()
    }
    frames = ""
    for name, text in pages.items():
        # The policy in the page forbids scripts; here one measures.
        measuring = re.sub("<meta http-equiv[^>]*>", "", text).replace("</body>", _MEASURE)
        source = html.escape(measuring, quote=True)
        frames += f'<iframe name="{name}" width="{width}" height="900" srcdoc="{source}"></iframe>'
    whole = tmp_path / "pages.html"
    style = "<style>iframe { border: 0 }</style>"
    head = f'<!DOCTYPE html><meta charset="utf-8">{style}{_GATHER}'
    whole.write_text(head + frames, encoding="utf-8")
    dom = chromium(tmp_path, "--virtual-time-budget=10000", "--dump-dom", whole.as_uri())
    printed = re.search(r'data-measured="([^"]*)"', dom)
    assert printed is not None
    measured = {each["name"]: each for each in json.loads(html.unescape(printed[1]))}
    assert measured.keys() == pages.keys()
    assert measured["mixed"]["least"] is not None
    for name, each in measured.items():
        assert each["width"] == width, name
        assert each["outside"] == [], name
        assert each["scroll"] <= width, name
        assert (each["least"] or 11) >= 11, name
        assert bool(each["cards"]) is (width == 390 and "<tr" in pages[name]), name


# --------------------------------------------------- pre-commit, schemas, systemd


@pytest.fixture(scope="module")
def tools(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment with pre-commit and check-jsonschema, from the package index."""
    folder = tmp_path_factory.mktemp("tools")
    venv.create(folder, with_pip=True)
    done = subprocess.run(
        [folder / "bin/python", "-m", "pip", "install", "-q", "pre-commit", "check-jsonschema"],
        capture_output=True,
        timeout=300,
        check=False,
    )
    if done.returncode != 0:
        pytest.skip("no package index here to take pre-commit from")
    return folder / "bin"


@pytest.mark.timeout(600)  # the first of them installs the tools
def test_the_hooks_run_under_pre_commit(tools: Path, tmp_path: Path) -> None:
    """pre-commit accepts the manifest, refuses a session and a wrong policy, and lets others
    pass."""
    if shutil.which("git") is None:
        pytest.skip("git is not installed")
    pre_commit = str(tools / "pre-commit")
    run(pre_commit, "validate-manifest", str(ROOT / ".pre-commit-hooks.yaml"))

    hooks, work = tmp_path / "hooks", tmp_path / "work"
    names = ("tlsresume", "man", "completions", "pyproject.toml", "README.md", "LICENSE",
             ".pre-commit-hooks.yaml")  # fmt: skip
    hooks.mkdir()
    for name in names:
        place = ROOT / name
        if place.is_dir():
            shutil.copytree(place, hooks / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(place, hooks / name)
    work.mkdir()
    git = ("git", "-c", "user.name=t", "-c", "user.email=t@example.com")
    for folder in (hooks, work):
        run(*git, "init", "-q", cwd=folder)
    run(*git, "add", "-A", cwd=hooks)
    run(*git, "commit", "-qm", "hooks", cwd=hooks)

    (work / "fine.txt").write_text("fine\n")
    (work / "tlsresume.toml").write_text(POLICY)
    (work / "key").write_bytes(bytes(range(100, 180)))
    (work / "tlsresume-wrong.toml").write_text("[defaults]\nmax-lifetme = 3\n")
    run(*git, "add", "-A", cwd=work)

    def hook(name: str, file: str, status: int) -> str:
        command = (pre_commit, "try-repo", str(hooks), name, "--files", file)
        return run(*command, cwd=work, ok=status)

    hook("tlsresume-refuse-secrets", "fine.txt", 0)
    assert "key: a session ticket key" in hook("tlsresume-refuse-secrets", "key", 1)
    hook("tlsresume-policy", "tlsresume.toml", 0)
    assert "did you mean max-lifetime?" in hook("tlsresume-policy", "tlsresume-wrong.toml", 1)
    assert "no files to check" in hook("tlsresume-policy", "fine.txt", 0)


@pytest.mark.timeout(600)  # the first of them installs the tools
def test_schemas_accept_what_they_should(tools: Path, tmp_path: Path) -> None:
    """GitHub's schema accepts the action; ours accept policies and reports, and refuse others."""
    check = str(tools / "check-jsonschema")
    run(check, "--builtin-schema", "vendor.github-actions", str(ROOT / "action.yml"))
    schema = str(ROOT / "tlsresume/policy/policy.schema.json")
    for name in BUILTIN:
        file = str(ROOT / f"tlsresume/policy/builtin/{name}.toml")
        run(check, "--schemafile", schema, file)
    team, wrong = tmp_path / "team.toml", tmp_path / "wrong.toml"
    team.write_text(POLICY)
    run(check, "--schemafile", schema, str(team))
    for text in ("[defaults]\nmax-lifetme = 3\n", '[defaults]\nexpect = { pks = "any" }\n'):
        wrong.write_text(text)
        run(check, "--schemafile", schema, str(wrong), ok=1)
    report_schema = str(ROOT / "tlsresume/formats/report.schema.json")
    for case in ("mixed", "policy", "baseline", "hostile"):
        report = tmp_path / f"{case}.json"
        report.write_text(rendered("json", case), encoding="utf-8")
        run(check, "--schemafile", report_schema, str(report))


def test_systemd_accepts_the_units(tmp_path: Path) -> None:
    """systemd-analyze finds nothing wrong with the service and the timer."""
    analyze = program("systemd-analyze", "systemd")
    for path in (ROOT / "contrib/systemd").iterdir():
        # Verified as they are, but for the command, which need not be installed here.
        text = path.read_text().replace("/usr/bin/tlsresume", "/bin/true")
        (tmp_path / path.name).write_text(text)
    units = sorted(str(path) for path in tmp_path.iterdir())
    assert run(analyze, "verify", "--man=no", *units) == ""


def test_a_failed_run_is_a_failed_metric(tmp_path: Path) -> None:
    """A run that cannot be made leaves metrics that promtool accepts and that say so."""
    metrics = tmp_path / "x.prom"
    answer = tlsresume(
        "probe", "x", "--targets", str(tmp_path / "no"), "--format", f"prometheus={metrics}"
    )
    assert answer.status == 7, str(answer)
    text = metrics.read_text()
    assert "tlsresume_run_success 0.0" in text
    assert run(program("promtool", "prometheus"), "check", "metrics", stdin=text) == ""
    assert cases.TOOL.name in text
