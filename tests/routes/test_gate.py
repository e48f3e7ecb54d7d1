"""The gate of the WebSocket: the page's origin has to be ours."""

import pytest
from starlette.requests import HTTPConnection

from server.routes.gate import same_origin


@pytest.mark.parametrize(
    ("host", "origin", "same"),
    [
        ("rollcall.test", "http://rollcall.test", True),
        ("Rollcall.test:8000", "https://rollcall.test:8000", True),
        ("rollcall.test", "http://evil.test", False),
        ("rollcall.test", "http://rollcall.test.evil.test", False),
        ("rollcall.test:8000", "http://rollcall.test", False),
        ("rollcall.test", "null", False),
        ("rollcall.test", "", False),
    ],
)
def test_only_our_own_pages(host: str, origin: str, same: bool) -> None:
    """Host and port of the Origin are those that the browser talks to."""
    headers = [(b"host", host.encode())] + ([(b"origin", origin.encode())] if origin else [])
    assert same_origin(HTTPConnection({"type": "websocket", "headers": headers})) is same
