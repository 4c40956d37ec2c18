"""The pytest plugin: the fixture `tlsresume_server`, to test that a client resumes.

    def test_it_resumes(tlsresume_server):
        fetch_twice(tlsresume_server.url, cafile=tlsresume_server.cafile)
        assert tlsresume_server.report().verdict == "resumes"

`@pytest.mark.tlsresume("refuse", tls="1.3")` chooses behaviours and options, as of
`tlsresume.serve`. Nothing is imported before a test asks for the fixture.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tlsresume.features.serve.serving import Serving


def pytest_configure(config: pytest.Config) -> None:
    """Make the marker known."""
    config.addinivalue_line(
        "markers",
        "tlsresume(*behaviours, **options): what the fixture tlsresume_server serves.",
    )


@pytest.fixture
def tlsresume_server(request: pytest.FixtureRequest) -> Iterator[Serving]:
    """A TLS server that knows what it issued: `url`, `cafile` and `report()`."""
    from tlsresume.features.serve.serving import serve

    marker = request.node.get_closest_marker("tlsresume")
    behaviours, options = (marker.args, marker.kwargs) if marker is not None else ((), {})
    with serve(*behaviours, **options) as server:
        yield server
