"""The programs on the page of the events; tests/docs/test_programs.py runs them."""

import pytest

from server.routes.event_snippets import snippets


@pytest.mark.parametrize(("site", "socket"), [("http://a:1", "ws://a:1/ws"), ("https://b", "wss://b/ws")])
def test_they_are_of_the_server_that_shows_them(site: str, socket: str) -> None:
    """Each names its address, and none has anything of a template left, or a key."""
    found = snippets(site)
    assert [one.id for one in found] == ["python", "javascript", "curl", "websocat"]
    for one in found:
        assert site in one.text or socket in one.text
        assert "{{" not in one.text
        assert "ROLLCALL_KEY" in one.text
