"""Tells whether TLS session resumption works on a server, how well, and if not, why not.

The public names of the library, each re-exported once. They are fetched when
first asked for, so that `import tlsresume`, and with it `tlsresume --version`,
stays light. The functions `probe`, `save`, `resume`, `inspect` and `watch` do what the
commands of the same names do; they take and return values only. `aprobe`, `asave`, `aresume`,
`ainspect` and `awatch` do the same inside a running event loop, and `aprobe_each` takes many
targets. Results have `ok`, `to_dict()` and `to_json()`; `judge` holds them against a policy or
an earlier report, `format_report` and `write_report` print them. `serve` (`aserve`) gives servers
for a `with` block, to test clients with, and `capture` (`acapture`) reads captured packets.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from tlsresume.version import __version__

if TYPE_CHECKING:
    from tlsresume.api.capture import acapture, aserve, capture
    from tlsresume.api.probe import aprobe, aprobe_each, probe
    from tlsresume.api.reports import (
        format_report,
        judge,
        read_policy,
        read_report,
        report_formats,
        write_report,
    )
    from tlsresume.api.sessions import ainspect, aresume, resume
    from tlsresume.error_queue import ErrorEntry, ErrorStack
    from tlsresume.errors import (
        BindingError,
        BudgetSpent,
        ConfigurationFileError,
        ConnectError,
        ExitStatus,
        FileError,
        HandshakeError,
        HistoryFileError,
        KeyFileError,
        LocalError,
        OutputFileError,
        PeerError,
        PolicyFileError,
        PreludeError,
        ReportFileError,
        ResolveError,
        SessionFileError,
        TLSResumeError,
        UsageError,
    )
    from tlsresume.features.capture.report import CaptureReport
    from tlsresume.features.serve.options import ServeOptions
    from tlsresume.features.serve.results import ServeReport
    from tlsresume.features.serve.serving import Serving, serve
    from tlsresume.features.watch.api import awatch, watch
    from tlsresume.features.watch.samples import Sample, WatchReport
    from tlsresume.network.loop import Stop
    from tlsresume.options import (
        ConnectOptions,
        FTPLogin,
        ProbeOptions,
        ResumeOptions,
        SaveOptions,
        WatchOptions,
    )
    from tlsresume.policy.policy import Policy
    from tlsresume.policy.reading import builtin_policy, parse_policy
    from tlsresume.results.judged import Finding, KeyUse, Violation
    from tlsresume.results.measured import (
        AddressResult,
        AttemptRow,
        Certificate,
        ErrorResult,
        MechanismResult,
        Series,
        Skipped,
    )
    from tlsresume.results.report import Report, ResumeResult, SaveResult, TargetResult, Tool
    from tlsresume.runs.inspect import Inspection, inspect
    from tlsresume.runs.save import asave, save
    from tlsresume.sessions.file import (
        SessionFile,
        format_session_file,
        parse_session_file,
        read_session_file,
        write_session_file,
    )
    from tlsresume.sessions.metadata import SessionMetadata
    from tlsresume.sessions.session import Session
    from tlsresume.targets.proxies import Proxy, ProxyHeader, parse_proxy
    from tlsresume.targets.target import Target, parse_target
    from tlsresume.tickets.key_files import TicketKeyFile, read_key_files
    from tlsresume.tls.registry import ProtocolVersion
    from tlsresume.transports.config import ClientCertificate, Trust


__all__ = [
    "AddressResult",
    "AttemptRow",
    "BindingError",
    "BudgetSpent",
    "CaptureReport",
    "Certificate",
    "ClientCertificate",
    "ConfigurationFileError",
    "ConnectError",
    "ConnectOptions",
    "ErrorEntry",
    "ErrorResult",
    "ErrorStack",
    "ExitStatus",
    "FTPLogin",
    "FileError",
    "Finding",
    "HandshakeError",
    "HistoryFileError",
    "Inspection",
    "KeyFileError",
    "KeyUse",
    "LocalError",
    "MechanismResult",
    "OutputFileError",
    "PeerError",
    "Policy",
    "PolicyFileError",
    "PreludeError",
    "ProbeOptions",
    "ProtocolVersion",
    "Proxy",
    "ProxyHeader",
    "Report",
    "ReportFileError",
    "ResolveError",
    "ResumeOptions",
    "ResumeResult",
    "Sample",
    "SaveOptions",
    "SaveResult",
    "Series",
    "ServeOptions",
    "ServeReport",
    "Serving",
    "Session",
    "SessionFile",
    "SessionFileError",
    "SessionMetadata",
    "Skipped",
    "Stop",
    "TLSResumeError",
    "Target",
    "TargetResult",
    "TicketKeyFile",
    "Tool",
    "Trust",
    "UsageError",
    "Violation",
    "WatchOptions",
    "WatchReport",
    "__version__",
    "acapture",
    "ainspect",
    "aprobe",
    "aprobe_each",
    "aresume",
    "asave",
    "aserve",
    "awatch",
    "builtin_policy",
    "capture",
    "format_report",
    "format_session_file",
    "inspect",
    "judge",
    "parse_policy",
    "parse_proxy",
    "parse_session_file",
    "parse_target",
    "probe",
    "read_key_files",
    "read_policy",
    "read_report",
    "read_session_file",
    "report_formats",
    "resume",
    "save",
    "serve",
    "watch",
    "write_report",
    "write_session_file",
]

#: Where each public name lives; `__all__` in another order.
_HOMES: dict[str, tuple[str, ...]] = {
    "tlsresume.runs.inspect": ("Inspection", "inspect"),
    "tlsresume.runs.save": ("asave", "save"),
    "tlsresume.api.probe": ("aprobe", "aprobe_each", "probe"),
    "tlsresume.api.sessions": ("ainspect", "aresume", "resume"),
    "tlsresume.features.watch.api": ("awatch", "watch"),
    "tlsresume.api.capture": ("acapture", "aserve", "capture"),
    "tlsresume.api.reports": (
        "format_report",
        "judge",
        "read_policy",
        "read_report",
        "report_formats",
        "write_report",
    ),
    "tlsresume.features.watch.samples": ("Sample", "WatchReport"),
    "tlsresume.error_queue": ("ErrorEntry", "ErrorStack"),
    "tlsresume.errors": (
        "BindingError",
        "BudgetSpent",
        "ConfigurationFileError",
        "ConnectError",
        "ExitStatus",
        "FileError",
        "HandshakeError",
        "HistoryFileError",
        "KeyFileError",
        "LocalError",
        "OutputFileError",
        "PeerError",
        "PolicyFileError",
        "PreludeError",
        "ReportFileError",
        "ResolveError",
        "SessionFileError",
        "TLSResumeError",
        "UsageError",
    ),
    "tlsresume.network.loop": ("Stop",),
    "tlsresume.features.capture.report": ("CaptureReport",),
    "tlsresume.features.serve.results": ("ServeReport",),
    "tlsresume.features.serve.options": ("ServeOptions",),
    "tlsresume.features.serve.serving": ("Serving", "serve"),
    "tlsresume.transports.config": ("ClientCertificate", "Trust"),
    "tlsresume.options": (
        "ConnectOptions",
        "FTPLogin",
        "ProbeOptions",
        "ResumeOptions",
        "SaveOptions",
        "WatchOptions",
    ),
    "tlsresume.policy.policy": ("Policy",),
    "tlsresume.policy.reading": ("builtin_policy", "parse_policy"),
    "tlsresume.targets.proxies": ("Proxy", "ProxyHeader", "parse_proxy"),
    "tlsresume.results.judged": ("Finding", "KeyUse", "Violation"),
    "tlsresume.results.measured": (
        "AddressResult",
        "AttemptRow",
        "Certificate",
        "ErrorResult",
        "MechanismResult",
        "Series",
        "Skipped",
    ),
    "tlsresume.results.report": ("Report", "ResumeResult", "SaveResult", "TargetResult", "Tool"),
    "tlsresume.sessions.file": (
        "SessionFile",
        "format_session_file",
        "parse_session_file",
        "read_session_file",
        "write_session_file",
    ),
    "tlsresume.sessions.metadata": ("SessionMetadata",),
    "tlsresume.tickets.key_files": ("TicketKeyFile", "read_key_files"),
    "tlsresume.sessions.session": ("Session",),
    "tlsresume.targets.target": ("Target", "parse_target"),
    "tlsresume.tls.registry": ("ProtocolVersion",),
}

_HOME_OF = {name: module for module, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> object:
    """Fetch a public name from its home (PEP 562)."""
    home = _HOME_OF.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(import_module(home), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
