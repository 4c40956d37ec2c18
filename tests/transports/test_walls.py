"""Who may know OpenSSL: the transports, and by name those who have a reason of their own."""

from __future__ import annotations

import ast

from tests.docs.test_layers import LAYERED, imports, layer, matches, tree
from tests.paths import PACKAGE

#: Files above the transports that import `tlsresume.transports.openssl`, and why.
MAY_IMPORT_OPENSSL = {
    "server/*.py": "our server is another interface than a client, on the same bindings",
}

#: What each transport implements or is given: it knows none of them.
NEUTRAL = "transports/interface.py transports/config.py transports/failures.py transports/facts.py"

#: The lists of transports, where a library is imported with the first use.
LAZY = "transports/table.py transports/library.py"


def test_nothing_above_the_transports_imports_openssl():
    """Only those files that are named here with their reason, and each of them does."""
    found = {
        name
        for name in LAYERED
        if layer(name) != "transports"
        and any(module.startswith("tlsresume.transports.openssl") for module in imports(name))
    }
    allowed = {name: [each for each in found if matches(each, name)] for name in MAY_IMPORT_OPENSSL}
    assert found == {each for files in allowed.values() for each in files}
    assert all(allowed.values())


def test_the_interface_knows_no_transport():
    """What all transports share imports none of them, nor a TLS library."""
    for name in LAYERED:
        if matches(name, NEUTRAL):
            wrong = (
                "tlsresume.transports.openssl",
                "tlsresume.transports.quic",
                "OpenSSL",
                "aioquic",
            )
            assert not [module for module in imports(name) if module.startswith(wrong)], name


def test_a_list_of_transports_loads_none():
    """The libraries are imported inside the functions that use them."""
    for name in LAZY.split():
        source = (PACKAGE / name).read_text(encoding="utf-8").splitlines()
        top = [line for line in source if line.startswith(("import ", "from "))]
        assert not [
            line for line in top if "tlsresume.transports.openssl" in line or "quic" in line
        ], name


#: Who may look into the bytes of a resumption state: the transports, the files of its kinds, and
#: what keeps it on disk.
MAY_READ_STATES = "transports/*.py sessions/*.py features/watch/history.py"


def test_a_resumption_state_is_opaque():
    """Nobody else reads its bytes: facts are asked for by name."""
    wrong = {
        (name, ast.unparse(node))
        for name in LAYERED
        if not matches(name, MAY_READ_STATES)
        for node in ast.walk(tree(name))
        if isinstance(node, ast.Attribute)
        and node.attr == "data"
        and ast.unparse(node.value).rpartition(".")[2] in {"session", "state", "offer"}
    }
    assert not wrong


def test_each_kind_of_state_has_its_file():
    """What a library's format looks like inside is known to that kind's own file, and to what
    finds sessions in files."""
    formats = ("asn1", "openssl_state", "boringssl", "quic_state")
    inside = {f"tlsresume.sessions.{each}" for each in formats}
    wrong = {
        (name, module)
        for name in LAYERED
        if not matches(name, "sessions/*.py transports/quic/*.py")
        for module in imports(name)
        if module in inside or module.rpartition(".")[0] in inside
    }
    assert not wrong


def test_the_saved_target_is_parsed_where_the_file_is_read():
    """Nobody above `sessions` takes the saved text apart again; it is printed as it stands."""
    wrong = {
        name
        for name in LAYERED
        if not matches(name, "sessions/*.py formats/*.py")
        for node in ast.walk(tree(name))
        if isinstance(node, ast.Attribute) and ast.unparse(node).endswith("metadata.target")
    }
    assert not wrong
