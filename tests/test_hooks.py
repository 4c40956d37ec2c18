"""What runs in other people's pipelines: hooks, the GitHub Action's script, unit files."""

from __future__ import annotations

import base64
import os
import re
import subprocess
import sys
import textwrap

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.paths import REPOSITORY, VECTORS
from tests.rows import each_row
from tlsresume.cli import refuse_secrets

SESSIONS = sorted(path for path in (VECTORS / "sessions").iterdir() if path.is_file())
KEY48, KEY80 = bytes(range(128, 176)), bytes(range(100, 180))

SECRETS = {
    "nginx or Apache key, 48 bytes": KEY48,
    "nginx or Envoy key, 80 bytes": KEY80,
    "HAProxy keys": b"# now and next\n" + b"\n".join([base64.b64encode(KEY48)] * 3) + b"\n",
    "HAProxy keys of AES-256": base64.b64encode(KEY80) + b"\n",
    "TLS 1.2 key log": b"# SSL\nCLIENT_RANDOM " + b"ab" * 32 + b" " + b"cd" * 48 + b"\n",
    "TLS 1.3 key log": b"CLIENT_HANDSHAKE_TRAFFIC_SECRET " + b"ab" * 32 + b" " + b"cd" * 32,
}
HARMLESS = {
    "empty": b"",
    "a certificate": b"-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n",
    "a text about sessions": b"The block begins with -----BEGIN SSL SESSION PARAMETERS-----, and\n",
    "48 letters": b"x" * 48,
    "a SHA-256 sum": b"ab" * 32 + b"\n",
    "code about key logs": b'KEY = "CLIENT_RANDOM"\n',
    "a long base64 text": b"\n".join([base64.b64encode(bytes(48))] * 65),
    "64 letters a line": b"a sentence that has exactly sixty-four letters, here it comes now",
    "an image": b"\x89PNG\r\n\x1a\n" + bytes(200),
}


@each_row("path", SESSIONS, ids=lambda path: path.name)
def test_every_session_file_is_refused(path):
    """Each session file that we know of, PEM and DER, of every mechanism, is a secret."""
    data = path.read_bytes()
    if b"SSL SESSION PARAMETERS" in data or path.suffix == ".der":
        assert "session" in (refuse_secrets.secret_in(data) or "")


@each_row("name", SECRETS)
def test_keys_are_refused(name):
    """Ticket keys in the forms that servers read, and key logs, are secrets."""
    assert refuse_secrets.secret_in(SECRETS[name])


@each_row("name", HARMLESS)
def test_other_files_pass(name):
    """What only looks a little like one is none."""
    assert refuse_secrets.secret_in(HARMLESS[name]) is None


def test_our_own_sources_pass():
    """The hook lets this package, its manual and its tests' code be committed."""
    for path in [
        *REPOSITORY.glob("tlsresume/**/*.py"),
        *REPOSITORY.glob("man/*"),
        *REPOSITORY.glob("*.md"),
    ]:
        assert refuse_secrets.secret_in(path.read_bytes()) is None, path


@given(st.binary(max_size=300))
def test_any_file_can_be_checked(data):
    """No content makes the hook fail."""
    refuse_secrets.secret_in(data)


def test_the_hook_names_the_files(tmp_path, capsys):
    """Each file with a secret is named with a reason; the status refuses the commit."""
    good, bad = tmp_path / "good", tmp_path / "bad\x1b[2J"
    good.write_text("fine")
    bad.write_bytes(KEY80)
    assert refuse_secrets.check([str(good)]) == 0
    assert refuse_secrets.check([str(good), str(bad)]) == 1
    err = capsys.readouterr().err
    assert err.count("\n") == 1
    assert "ticket key" in err
    assert "\x1b" not in err
    assert refuse_secrets.check([str(tmp_path / "missing")]) == 2


def test_the_hooks_name_commands_that_are_installed():
    """Each hook's entry is a command of this package, which the project declares."""
    hooks = (REPOSITORY / ".pre-commit-hooks.yaml").read_text()
    scripts = (REPOSITORY / "pyproject.toml").read_text().partition("[project.scripts]")[2]
    for entry in re.findall(r"^ *entry: (\S+)", hooks, re.MULTILINE):
        assert re.search(rf"^{entry} = ", scripts, re.MULTILINE)
    assert len(re.findall(r"^- id: ", hooks, re.MULTILINE)) == 2


# ------------------------------------------------------------------ GitHub Action

ACTION = (REPOSITORY / "action.yml").read_text()


def script(step: str) -> str:
    """The shell script of a step of the action."""
    after = ACTION.partition(f"- name: {step}\n")[2]
    lines = after.partition("      run: |\n")[2].splitlines()
    body = []
    for line in lines:
        if line.strip() and not line.startswith("        "):
            break
        body.append(line)
    return textwrap.dedent("\n".join(body))


def inputs() -> dict[str, str]:
    """The variables of the probe step, with the defaults of their inputs."""
    names = re.findall(r"^        ([A-Z_]+): \$\{\{ inputs\.([a-z-]+) \}\}", ACTION, re.MULTILINE)
    found = {}
    for variable, name in names:
        block = ACTION.partition(f"\n  {name}:\n")[2].partition("\n  ")[0:1][0]
        default = re.search(rf"\n  {name}:\n(?:    .*\n)*?    default: (.*)\n", ACTION)
        assert default, block
        found[variable] = default[1].strip('"')
    return found


@pytest.fixture
def action(tmp_path):
    """Run the action's probe step as a runner would, with a command that tells what it got."""
    venv = tmp_path / "venv" / "bin"
    venv.mkdir(parents=True)
    fake = venv / "tlsresume"
    fake.write_text(
        f"#!{sys.executable}\nimport json, os, sys\n"
        "open('arguments', 'w').write(json.dumps(sys.argv[1:]))\n"
        "sys.exit(int(os.environ.get('FAKE_STATUS', '0')))\n"
    )
    fake.chmod(0o755)

    def run(status: int = 0, **given: str) -> tuple[int, list[str], str]:
        import json

        output = tmp_path / "output"
        output.write_text("")
        environment = inputs() | {
            "PATH": os.environ["PATH"],
            "VENV": str(venv.parent),
            "GITHUB_OUTPUT": str(output),
            "FAKE_STATUS": str(status),
        }
        done = subprocess.run(
            ["bash", "--noprofile", "--norc", "-e", "-o", "pipefail", "-c", script("Probe")],
            cwd=tmp_path,
            env=environment | given,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.stderr == ""
        return done.returncode, json.loads((tmp_path / "arguments").read_text()), output.read_text()

    return run


def test_the_action_passes_its_inputs(action):
    """Each input becomes the option that it names, and the status an output."""
    status, arguments, output = action(
        status=3, TARGETS="a.example\n  b.example:8443 ", POLICY="my policy.toml",
        ARGUMENTS="--tls\n1.3\n--send\nEHLO a b\n",
    )  # fmt: skip
    assert status == 3
    assert output == "status=3\nreports=tlsresume-reports\n"
    assert arguments[-3:] == ["--", "a.example", "b.example:8443"]
    assert "--policy=my policy.toml" in arguments
    assert arguments[arguments.index("--send") + 1] == "EHLO a b"
    assert "--deadline=10m" in arguments
    assert "--exit-zero" not in arguments


def test_the_action_can_report_only(action):
    """With fail: false the answer is forgiven by --exit-zero, and nothing else is."""
    assert "--exit-zero" in action(TARGETS="a", FAIL="false")[1]
    assert action(status=7, TARGETS="a", FAIL="false")[0] == 7


def test_inputs_are_no_code(action, tmp_path):
    """Nothing in an input is run by the shell or taken for an option."""
    evil = "$(touch pwned) `touch pwned` ;touch pwned --policy=x * "
    _, arguments, _ = action(TARGETS=evil, TARGETS_FILE=evil, POLICY=evil, BASELINE=evil)
    assert not (tmp_path / "pwned").exists()
    assert arguments.index("--policy=x") > arguments.index("--")
    assert f"--policy={evil}" in arguments


def test_no_input_is_pasted_into_a_script():
    """Expressions of the runner stand in `env`, `value` and nowhere in a script."""
    for step in ("Install tlsresume", "Probe"):
        assert "${{" not in script(step)


# ------------------------------------------------------------------- unit files


def test_the_action_and_units_use_options_that_exist(tmp_path):
    """Every option that the action, the service and the image name is one of probe's."""
    from tlsresume.cli.probe import command

    options = {name for parameter in command.params for name in parameter.opts}
    service = (REPOSITORY / "contrib/systemd/tlsresume.service").read_text()
    start = service.partition("ExecStart=")[2].partition("\n#")[0]
    named = set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", script("Probe") + start))
    assert named - {"--"} <= options
    assert "/var/lib/prometheus/node-exporter/tlsresume.prom" in start


def test_the_alerts_ask_for_metrics_that_exist():
    """Every metric in the alert rules is one that we write, or the collector's own."""
    from tlsresume.formats.prometheus import METRICS

    rules = (REPOSITORY / "contrib/prometheus/tlsresume.rules.yml").read_text()
    expressions = " ".join(re.findall(r"^ +expr: (.*)$", rules, re.MULTILINE))
    named = set(re.findall(r"tlsresume_[a-z_]+", expressions))
    assert named
    assert named <= set(METRICS)
