"""Nodes behind one port: HAProxy passes TCP to each in turn."""

from __future__ import annotations

from tests.servers.harness import HOST, Layout, Program, Site


def in_turn(site: Site, nodes: tuple[Program, ...], *more: str) -> Layout:
    """A pool of nodes by round robin; `more` are further lines of its section."""
    ports = tuple(node.ports[0] for node in nodes)
    port = site.free_port()
    section = (
        f"bind {HOST}:{port}",
        "balance roundrobin",
        *(f"server node{number} {HOST}:{number}" for number in ports),
        *more,
    )
    path = site.write(
        "haproxy.cfg",
        "defaults\n  mode tcp\n  timeout connect 5s\n  timeout client 60s\n  timeout server 60s\n"
        "listen pool\n" + "".join(f"  {line}\n" for line in section),
    )
    return Layout((*nodes, Program(("haproxy", "-db", "-f", path), (port,))), port, ports)
