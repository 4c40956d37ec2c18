"""The whole table, in the order in which its servers are run."""

from __future__ import annotations

from tests.servers.cases import Case
from tests.servers.front_cases import FRONT
from tests.servers.library_cases import GNUTLS, S_SERVER
from tests.servers.modern_cases import MODERN
from tests.servers.proxy_cases import HAPROXY, NGINX, POOL
from tests.servers.stack_cases import ERLANG, JAVA, NSS, WOLFSSL
from tests.servers.web_cases import APACHE, NODE, STUNNEL

CASES: tuple[Case, ...] = (
    *NGINX,
    *POOL,
    *HAPROXY,
    *APACHE,
    *GNUTLS,
    *STUNNEL,
    *NODE,
    *S_SERVER,
    *MODERN,
    *JAVA,
    *ERLANG,
    *NSS,
    *WOLFSSL,
    *FRONT,
)
