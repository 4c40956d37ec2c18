"""Live cases of what lies between keys and caches: routers that read short ClientHellos only,
stores that are slow, nginx's default server, servers that serve one connection at a time.
"""

from __future__ import annotations

import time

import pytest

from tests.servers.causes import KEY, OTHER_KEY, SHARED_CACHE, check, findings
from tests.servers.command import Answer, probe
from tests.servers.conftest import require
from tests.servers.harness import HOST, Layout, Program, Site, serve
from tests.servers.material import Material
from tests.servers.servers import RECIPES, nginx_program

MUTUAL = ("ssl_verify_client on;", "ssl_client_certificate {ca};")

_ROUTER = """
global
  tune.bufsize 2048
  tune.maxrewrite 64
defaults
  mode tcp
  timeout connect 5s
  timeout client 60s
  timeout server 60s
frontend router
  bind {host}:{port}
  tcp-request inspect-delay 2s
  tcp-request content accept if {{ req.ssl_hello_type 1 }}
  use_backend near if {{ req.ssl_sni -i localhost }}
  default_backend other
backend near
  server near {host}:{near}
backend other
  {other}
"""


def router(site: Site, lines: tuple[str, ...]) -> Layout:
    """HAProxy finds the server name in ClientHellos of up to 2 KB, and sends those to one nginx;
    others go to a second one (`b:` lines), or nowhere if there is none."""
    near_lines = tuple(line for line in lines if not line.startswith("b:"))
    other_lines = tuple(line.removeprefix("b:").strip() for line in lines if line.startswith("b:"))
    near = nginx_program(site, near_lines)
    nodes = [near]
    other = "tcp-request content reject"
    if other_lines:
        nodes.append(nginx_program(site, other_lines))
        other = f"server other {HOST}:{nodes[1].ports[0]}"
    port = site.free_port()
    path = site.write(
        "haproxy.cfg",
        _ROUTER.format(host=HOST, port=port, near=near.ports[0], other=other),
    )
    programs = (*nodes, Program(("haproxy", "-db", "-f", path), (port,)))
    return Layout(programs, port, tuple(node.ports[0] for node in nodes))


def as_client(material: Material, port: int, *more: str) -> Answer:
    """A probe with a client certificate, which nginx puts into its tickets: they are long."""
    certificate = str(material.files["client_certificate"])
    where = ("--connect", f"{HOST}:{port}")
    return probe(f"https://localhost:{port}", *where, "--cert", certificate, *more)


def test_a_router_that_misses_the_name_in_a_long_hello(material: Material) -> None:
    """TLS 1.3 with a ticket is longer than the router's buffer, TLS 1.2 is not: the other server
    is named, and neither keys nor certificates are blamed."""
    require("nginx-pool")
    default = ("b: ssl_certificate {other_certificate};",
               "b: ssl_certificate_key {other_certificate};")  # fmt: skip
    for lines in ((f"b: {OTHER_KEY}",), default):
        with serve(router, (KEY, *MUTUAL, *lines), material) as running:
            answer = as_client(material, running.port)
        finding = check(answer, "routed-by-size")
        assert finding["mechanism"] == "psk"
        assert "padded to" in " ".join(finding["evidence"])


def test_a_router_that_rejects_a_long_hello(material: Material) -> None:
    """The same router without a default: the connection ends, and the sizes are said."""
    require("nginx-pool")
    with serve(router, (KEY, *MUTUAL), material) as running:
        answer = as_client(material, running.port)
    finding = check(answer, "hello-too-large", status=6)
    assert "padded to" in " ".join(finding["evidence"])
    assert "shorter group list" in " ".join(finding["evidence"])


# ------------------------------------------------------------------------ a slow store

_STORE = """
const https = require("https"), fs = require("fs"), constants = require("constants");
const pem = fs.readFileSync("{certificate}"), kept = new Map();
const server = https.createServer({
  key: pem, cert: pem, maxVersion: "TLSv1.2", secureOptions: constants.SSL_OP_NO_TICKET,
}, (request, response) => response.end("ok"));
server.on("newSession", (id, data, stored) => {
  setTimeout(() => kept.set(id.toString("hex"), data), DELAY);
  stored();
});
server.on("resumeSession", (id, found) => found(null, kept.get(id.toString("hex")) || null));
server.listen(PORT, "127.0.0.1");
"""


def node_with_store(site: Site, lines: tuple[str, ...]) -> Layout:
    """Node with a store of sessions that takes so many milliseconds, and is not waited for."""
    port = site.free_port()
    (delay,) = lines
    script = _STORE.replace("DELAY", delay).replace("PORT", str(port))
    program = Program(("node", site.write("store.js", script)), (port,))
    return Layout((program,), port, (port,))


def test_a_store_that_is_not_waited_for(material: Material) -> None:
    """Sessions are there a second later: a warning, and not that nothing resumes. A minute later
    is never, for all that a probe can see."""
    require("node")
    with serve(node_with_store, ("1200",), material) as running:
        answer = probe(running.target)
    assert set(findings(answer)) == {"honoured-later"}, str(answer)
    assert answer.document["targets"][0]["verdict"] == "partly"
    with serve(node_with_store, ("60000",), material) as running:
        check(probe(running.target), "never-honoured")


# --------------------------------------------------------------- nginx's default server

_REJECT = ("ssl_reject_handshake on;", "ssl_session_tickets off;")
_NAMED = "b: server_name localhost;"


@pytest.mark.parametrize(
    ("lines", "code", "said"),
    [
        (
            (*_REJECT, _NAMED, "b: ssl_session_tickets off;", f"b: {SHARED_CACHE}"),
            "never-honoured",
            "alert 112",
        ),
        (
            (SHARED_CACHE, "ssl_session_tickets off;", _NAMED, f"b: {KEY}"),
            "never-honoured",
            "tickets (stateful) are accepted",
        ),
        (
            (SHARED_CACHE, KEY, _NAMED, "b: ssl_session_tickets off;"),
            "not-issued",
            "tickets (sealed) are accepted",
        ),
    ],
    ids=["cache", "tickets-on", "tickets-off"],
)
def test_settings_in_another_block_than_the_default_server(
    material: Material, lines: tuple[str, ...], code: str, said: str
) -> None:
    """What stands in the block of a name does nothing, or half: the default server is named, and
    what it does without a server name is said."""
    require("nginx-hosts")
    with serve(RECIPES["nginx-hosts"], lines, material) as running:
        where = ("--connect", f"{HOST}:{running.port}")
        answer = probe(f"https://localhost:{running.port}", *where)
    found = findings(answer)
    assert code in found, str(answer)
    assert said in " ".join(found[code]["evidence"]), str(answer)
    assert "default server" in found[code]["advice"]


def test_one_server_block_is_asked_for_nothing_new(material: Material) -> None:
    """An nginx that resumes gets no experiment and no finding of this kind."""
    require("nginx")
    with serve(RECIPES["nginx"], (SHARED_CACHE, KEY), material) as running:
        answer = probe(f"https://localhost:{running.port}", "--connect", running.target)
    assert findings(answer) == {}
    (address,) = answer.document["targets"][0]["addresses"]
    assert not {"hello-size", "later", "default-server"} & {
        each["experiment"] for each in address["attempts"]
    }


# --------------------------------------------------------------------------- medians


def test_the_medians_of_a_server_of_one_at_a_time(material: Material) -> None:
    """Openssl s_server lets three of our four lanes wait: the medians do not hold the wait, which
    the attempts do."""
    require("s_server")
    with serve(RECIPES["s_server"], ("-www",), material) as running:
        began = time.monotonic()
        answer = probe(f"https://{running.target}", "--tries", "10")
        took = (time.monotonic() - began) * 1000
    (address,) = answer.document["targets"][0]["addresses"]
    for mechanism in address["mechanisms"]:
        raw = sorted(
            each["handshake_ms"]
            for each in address["attempts"]
            if each["reused"] and each["mechanism"] == mechanism["mechanism"]
        )
        assert mechanism["timing"]["resumed_ms"] <= raw[len(raw) // 2] < took
