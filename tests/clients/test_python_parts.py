"""The parts of the Python client that need no server, and what it has in common with the server."""

import ast
import asyncio
import base64
import json
import sys
import tomllib
from datetime import UTC, datetime
from pathlib import Path

import pytest
import rollcall_client
from rollcall_client import Cursor, Token, tokens
from rollcall_client.address import LONGEST_PAUSE_S, pause_s, shown, socket_url
from rollcall_client.errors import closed_for_good
from rollcall_client.events import SUBPROTOCOL
from rollcall_client.tokens import lifetime_s, provider_of, renew_after_s

from clients import generate
from server.events import schema
from server.events.schema import CloseCode

PACKAGE = Path(rollcall_client.__file__).parent
CHECKOUT = Path(__file__).parents[2] / "clients" / "python"
NOW = datetime(2026, 1, 5, 8, 0, tzinfo=UTC)


def test_the_types_are_the_servers() -> None:
    """Made from its classes: after a change there, `make clients`."""
    assert generate.PYTHON.read_text() == generate.python_types()
    assert generate.TOPICS.read_text() == generate.python_topics()
    assert generate.TYPESCRIPT.read_text() == generate.typescript_types()


def test_it_stands_alone() -> None:
    """It is the checkout's, imports nothing of the server and nothing that it does not ask for, and is typed."""
    assert PACKAGE == CHECKOUT / "rollcall_client"
    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["project"]
    wanted = {name.split(">")[0] for name in project["dependencies"]}
    found = set()
    for path in PACKAGE.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom):
                assert node.level == 0
                found.add(str(node.module).split(".")[0])
            elif isinstance(node, ast.Import):
                found |= {alias.name.split(".")[0] for alias in node.names}
    assert found - set(sys.stdlib_module_names) == {"rollcall_client", *wanted}
    assert (PACKAGE / "py.typed").is_file()


def test_it_comes_back_after_the_codes_of_the_server() -> None:
    """The server's own word for each; those that it does not have yet by their number."""
    assert SUBPROTOCOL == schema.SUBPROTOCOL
    for code in CloseCode:
        error = closed_for_good(code, "why")
        assert (error is None) is code.come_back
        assert error is None or type(error) is not rollcall_client.ClosedForGood
    assert closed_for_good(4499, "") is None
    assert closed_for_good(4999, "") is not None
    assert closed_for_good(1006, "") is None


def test_where_the_socket_is() -> None:
    """Of a server's address as people know it."""
    assert socket_url("http://127.0.0.1:8000") == "ws://127.0.0.1:8000/ws"
    assert socket_url("https://site.example/rollcall/") == "wss://site.example/rollcall/ws"
    assert socket_url("wss://site.example/ws?ticket=t") == "wss://site.example/ws?ticket=t"
    for wrong in ("site.example", "ftp://site.example", "http://"):
        with pytest.raises(rollcall_client.NotRollcall):
            socket_url(wrong)


def test_what_lets_in_is_not_shown() -> None:
    """Neither in an address nor by a token's repr."""
    assert shown("wss://ada:secret@site.example:8443/ws?ticket=secret#x") == "wss://site.example:8443/ws"
    assert shown("ada:secret@site.example/ws?ticket=secret") == "ada:site.example/ws"
    with pytest.raises(rollcall_client.NotRollcall) as wrong:
        socket_url("ftp://ada:secret@site.example/?ticket=secret")
    assert "secret" not in str(wrong.value)
    assert repr(Token("secret", 60)) == "Token(expires_in_s=60)"


async def test_a_provider_that_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is waited for half a minute at most."""
    assert tokens.ANSWER_WITHIN_S == 30
    monkeypatch.setattr(tokens, "ANSWER_WITHIN_S", 0.01)

    async def never() -> Token:
        await asyncio.Event().wait()
        return Token("too late")

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(10):
            await provider_of(never)()


def test_pauses_grow_and_differ(monkeypatch: pytest.MonkeyPatch) -> None:
    """Doubling, half of it left to chance, and never more than the longest."""
    monkeypatch.undo()
    for failures, full in ((0, 0.5), (1, 0.5), (2, 1.0), (4, 4.0), (6, 15.0), (10_000, LONGEST_PAUSE_S)):
        pauses = {pause_s(failures) for _ in range(20)}
        assert len(pauses) > 1
        assert all(full / 2 <= one <= full for one in pauses)


def test_a_place_as_text() -> None:
    """There and back; anything else is refused."""
    place = Cursor("01hx:e", 41)
    assert str(place) == "01hx:e:41"
    assert Cursor.parse("01hx:e:41") == place
    for wrong in ("", "41", ":41", "e:", "e:-1", "e:x", "e:¹"):
        with pytest.raises(ValueError, match="EPOCH:OFFSET"):
            Cursor.parse(wrong)


def test_when_a_new_token_is_due() -> None:
    """As whoever gives it says, or as it says itself by the server's clock; before its end in any case."""
    claims = base64.urlsafe_b64encode(json.dumps({"exp": NOW.timestamp() + 900}).encode()).decode().rstrip("=")
    assert lifetime_s(f"head.{claims}.signature", NOW) == 900
    assert lifetime_s(Token(f"head.{claims}.signature"), NOW) == 900
    assert lifetime_s(Token("anything", 60), NOW) == 60
    for opaque in ("rk_key", "a.b.c", "a.%%.c", f"{claims}.e30.x"):
        assert lifetime_s(opaque, NOW) is None
    assert [renew_after_s(life) for life in (900, 100, 10, 0, -5)] == [720, 70, 8, 0, 0]
