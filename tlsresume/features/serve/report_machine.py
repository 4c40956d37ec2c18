"""The report of `serve` for programs: JSON Lines, JUnit XML, Prometheus."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from tlsresume.features.serve.results import ClientResult, ServeReport, ServerResult, Verdict
from tlsresume.formats.document import document
from tlsresume.formats.junit import one_element_a_line, result
from tlsresume.formats.printable import json_safe, markup_safe, printable
from tlsresume.formats.prometheus import Gauges, Metric
from tlsresume.results.report import Tool

if TYPE_CHECKING:
    from junitparser import TestCase

_VERDICTS: tuple[Verdict, ...] = (
    "resumes", "partly", "never-offers", "not-accepted", "untested",
)  # fmt: skip


def json_lines(report: ServeReport, tool: Tool) -> str:
    """A line for each behaviour, with `server` in the place of `servers`."""
    whole: dict[str, Any] = msgspec.json.decode(document(tool, report))
    servers = whole.pop("servers")
    lines = (msgspec.json.encode(whole | {"server": server}).decode() for server in servers)
    return "".join(json_safe(line) + "\n" for line in lines)


# --------------------------------------------------------------------------- JUnit


def junit(report: ServeReport, tool: Tool) -> str:
    """A suite for each behaviour, a test case for each client in it."""
    from junitparser import JUnitXml, TestSuite

    whole = JUnitXml("tlsresume")
    for server in report.servers:
        suite = TestSuite(server.title)
        suite.add_property("tlsresume", printable(tool.version))
        suite.add_property("url", printable(server.url))
        suite.add_property("verdict", report.verdict)
        for case in (*_command_case(server), *(_case(server, each) for each in server.clients)):
            suite.add_testcase(case)
        if not server.clients:
            suite.add_testcase(_nobody(server))
        whole.add_testsuite(suite)
    return markup_safe(one_element_a_line(whole))


def _case(server: ServerResult, client: ClientResult) -> TestCase:
    from junitparser import Failure, Skipped, TestCase

    name = printable(client.label or client.client)
    case = TestCase(name, f"tlsresume.{server.title}", time=0)
    lines = [client.why]
    for finding in client.findings:
        lines += [f"{finding.severity} {finding.code}: {finding.title}"]
        lines += [f"  seen: {each}" for each in finding.evidence]
        lines += [f"  do: {finding.advice}"]
        lines += [f"  {each}" for each in finding.directives]
    errors = [each.code for each in client.findings if each.severity == "error"]
    if client.outcome == "wrong" or (errors and server.expected is not None):
        message = client.why if client.outcome == "wrong" else ", ".join(errors)
        case.result = [result(Failure, message, client.verdict, lines)]
    elif client.outcome == "right":
        case.system_out = "\n".join(printable(line) for line in lines)
    else:
        case.result = [result(Skipped, client.why, client.outcome)]
    return case


def _command_case(server: ServerResult) -> tuple[TestCase, ...]:
    from junitparser import Error, TestCase

    command = server.command
    if command is None:
        return ()
    case = TestCase("command", f"tlsresume.{server.title}", time=command.seconds)
    if server.behaviour == "default" and not command.succeeded:
        words = f"the command {command.words()}"
        case.result = [result(Error, words, "command", command.output)]
    return (case,)


def _nobody(server: ServerResult) -> TestCase:
    from junitparser import Skipped, TestCase

    case = TestCase("no client", f"tlsresume.{server.title}", time=0)
    case.result = [result(Skipped, "no client connected", "untested")]
    return case


# ---------------------------------------------------------------------- Prometheus

_CLIENT = ("behaviour", "transport", "client", "label", "address")
METRICS: Mapping[str, Metric] = {
    "tlsresume_serve_exit_status": Metric("The exit status of the run", ()),
    "tlsresume_serve_connections": Metric("Connections to a behaviour's server", ("behaviour", "transport")),
    "tlsresume_serve_client_connections": Metric("Connections of a client", _CLIENT),
    "tlsresume_serve_client_could_offer": Metric(
        "Connections that began when the client had a session to offer", _CLIENT,
    ),
    "tlsresume_serve_client_offered": Metric(
        "Connections that offered a session, by mechanism", (*_CLIENT, "mechanism"),
    ),
    "tlsresume_serve_client_accepted": Metric(
        "Connections that were resumed, by mechanism", (*_CLIENT, "mechanism"),
    ),
    "tlsresume_serve_client_verdict": Metric(
        "1 for the verdict on a client, 0 for the others", (*_CLIENT, "verdict"),
    ),
    "tlsresume_serve_client_findings": Metric("Findings by severity", (*_CLIENT, "severity")),
}  # fmt: skip


def metrics(report: ServeReport, _tool: Tool) -> str:
    """Gauges of one run, for the textfile collector."""
    gauges = Gauges(METRICS, every=True)

    def put(name: str, value: float, *labels: str) -> None:
        gauges.set(f"tlsresume_serve_{name}", value, *labels)

    put("exit_status", report.exit_status)
    for server in report.servers:
        put("connections", server.connections, server.behaviour, server.transport)
        for client in server.clients:
            who = (
                server.behaviour,
                server.transport,
                client.client,
                client.label or "",
                client.address,
            )
            put("client_connections", client.connections, *who)
            put("client_could_offer", client.could_offer, *who)
            for mechanism, each in client.mechanisms.items():
                put("client_offered", each.offered, *who, mechanism)
                put("client_accepted", each.accepted, *who, mechanism)
            for verdict in _VERDICTS:
                put("client_verdict", client.verdict == verdict, *who, verdict)
            for severity in ("info", "warning", "error"):
                number = sum(each.severity == severity for each in client.findings)
                put("client_findings", number, *who, severity)
    return gauges.text()
