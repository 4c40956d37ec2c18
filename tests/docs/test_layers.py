"""The layers of the house: imports only go down, and each wall has one door."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import NamedTuple

from tests.paths import PACKAGE

#: Top to bottom. A layer may import itself and what stands below it. Tickets are in sessions, and
#: files of sessions are told from files of their keys, so these two are siblings.
LAYERS = (
    "__main__",
    "cli",
    "api",
    "features",
    "runs",
    "server",
    "network",
    "configuration",
    "formats",
    "policy",
    "findings",
    "experiments",
    "lab",
    "options",
    "evidence",
    "results",
    "transports",
    "sessions",
    "targets",
    "protocols",
    "tls",
    "request_line",
    "experiment_names",
    "files",
    "shortage",
    "checked",
    "durations",
    "units",
    "version",
    "errors",
    "error_queue",
    "value",
    "collecting",
)
SIBLINGS = {"tickets": "sessions"}

#: The list of features is strings, so it stands below everything.
LEAVES = "features/__init__.py"

#: Modules of IO, and the files that may import them although below `network`: experiments
#: start tasks, but open nothing.
IO_MODULES = {
    "socket": "",
    "socketserver": "",
    "selectors": "",
    "ssl": "",
    "asyncio": "lab.py experiments/*.py",
}

#: Names of pyOpenSSL and cryptography that are no promise of theirs.
PRIVATE_ATTRIBUTES = frozenset({"_lib", "_ffi", "_ssl", "_context", "_session"})
PRIVATE_MODULES = ("OpenSSL._util", "cryptography.hazmat.bindings")
DOOR = "transports/openssl/binding*.py"

#: aioquic is imported only where its connections are made, as client and as server.
QUIC_FOLDER = "transports/quic/*.py server/quic*.py"

FILES = sorted(PACKAGE.rglob("*.py"))
NAMES = [str(path.relative_to(PACKAGE)) for path in FILES]
#: The public names come from everywhere, lazily, so the package itself has no layer.
LAYERED = [name for name in NAMES if name not in ("__init__.py", LEAVES)]


def matches(name: str, patterns: str) -> bool:
    """Whether a file is one of those allowed, by patterns set apart with spaces."""
    return any(fnmatchcase(name, pattern) for pattern in patterns.split())


def tree(name: str) -> ast.Module:
    return ast.parse((PACKAGE / name).read_text(encoding="utf-8"), name)


def layer(name: str) -> str:
    """The layer of a file named relative to the package; a feature's command is of `cli`."""
    if matches(name, "features/*/command*.py"):
        return "cli"
    head = Path(name).parts[0].removesuffix(".py")
    return SIBLINGS.get(head, head)


class Facts(NamedTuple):
    """What the promises need to know of a file: the modules that it imports, wherever in it, by
    their full names, and the private attributes of others that it touches."""

    imports: tuple[str, ...]
    private: frozenset[str]


@cache
def facts(name: str) -> Facts:
    """Each file is parsed once, and what was parsed is not kept."""
    whole = tree(name)
    private = {
        node.attr
        for node in ast.walk(whole)
        if isinstance(node, ast.Attribute)
        and node.attr in PRIVATE_ATTRIBUTES
        and not (isinstance(node.value, ast.Name) and node.value.id in {"self", "cls"})
    }
    return Facts(tuple(_imports(name, whole)), frozenset(private))


def imports(name: str) -> tuple[str, ...]:
    return facts(name).imports


def _imports(name: str, whole: ast.Module) -> Iterator[str]:
    package = ("tlsresume", *Path(name).parts[:-1])
    for node in ast.walk(whole):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else ()
            module = ".".join((*base, *([node.module] if node.module else [])))
            yield from (f"{module}.{alias.name}" for alias in node.names)


def own_layers(name: str) -> Iterator[str]:
    """Each layer of ours that a file imports."""
    for module in imports(name):
        head, _, rest = module.partition(".")
        if head == "tlsresume":
            own = rest.partition(".")[0]
            if own == "features" and rest.count(".") < 2:
                continue  # the list of features
            yield SIBLINGS.get(own, own)


def test_imports_only_go_down():
    """No module imports a layer above its own."""
    wrong = {}
    for name in LAYERED:
        if layer(name) not in LAYERS:
            continue  # the next test says where its place is given
        allowed = LAYERS[LAYERS.index(layer(name)) :]
        # A name of the package itself, such as __version__, is below everything.
        above = {other for other in own_layers(name) if other in LAYERS and other not in allowed}
        if above:
            wrong[name] = above
    assert not wrong, f"these import from layers above their own (LAYERS in this file): {wrong}"


def test_every_module_has_a_layer():
    """A new folder or module must be given its place in the order."""
    unplaced = {layer(name) for name in LAYERED} - set(LAYERS)
    assert not unplaced, f"give {sorted(unplaced)} a place in tests/docs/test_layers.py, LAYERS"


def test_only_network_does_io():
    """Sockets and the event loop stay in the network layer and above."""
    below = LAYERS[LAYERS.index("network") + 1 :]
    wrong = {
        (name, module)
        for name in LAYERED
        if layer(name) in below
        for module in (full.partition(".")[0] for full in imports(name))
        if module in IO_MODULES and not matches(name, IO_MODULES[module])
    }
    assert not wrong, f"these do IO below network/ (IO_MODULES in this file): {sorted(wrong)}"


def test_private_names_have_one_door():
    """Private names of pyOpenSSL and cryptography appear in openssl/binding only."""
    outside = [name for name in NAMES if not matches(name, DOOR)]
    modules = {
        (name, module)
        for name in outside
        for module in imports(name)
        if module.startswith(PRIVATE_MODULES)
        or (module.startswith("OpenSSL.") and module.rpartition(".")[2].startswith("_"))
    }
    attributes = {(name, each) for name in outside for each in facts(name).private}
    assert not modules
    assert not attributes


def test_quic_has_one_folder():
    """aioquic, which is an extra, is imported in transports/quic only."""
    wrong = {
        (name, module)
        for name in NAMES
        if not matches(name, QUIC_FOLDER)
        for module in imports(name)
        if module.partition(".")[0] == "aioquic"
    }
    assert not wrong


def test_init_is_light():
    """`import tlsresume` imports nothing at run time but the standard library and its version."""
    for node in tree("__init__.py").body:
        if isinstance(node, ast.Import):
            assert {alias.name for alias in node.names} <= {"importlib"}
        elif isinstance(node, ast.ImportFrom):
            assert node.module in {"typing", "importlib", "tlsresume.version"}
