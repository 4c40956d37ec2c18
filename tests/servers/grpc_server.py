"""A gRPC server without any service: PORT CERTIFICATE [CA]. With a CA it demands certificates."""

from __future__ import annotations

import sys
from concurrent import futures
from pathlib import Path

import grpc  # type: ignore[import-untyped]  # in the environment that runs this file

pem = Path(sys.argv[2]).read_bytes()
authority = Path(sys.argv[3]).read_bytes() if len(sys.argv) > 3 else None
credentials = grpc.ssl_server_credentials(
    [(pem, pem)], root_certificates=authority, require_client_auth=authority is not None
)
server = grpc.server(futures.ThreadPoolExecutor(4))
server.add_secure_port(f"127.0.0.1:{sys.argv[1]}", credentials)
server.start()
server.wait_for_termination()
