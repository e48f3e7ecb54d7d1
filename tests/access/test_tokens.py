"""Tokens: what is accepted, and everything that is not."""

import base64
import json
from collections.abc import Callable
from datetime import timedelta

import jwt
import pytest

from server.access.keyring import Keyring, key_id
from server.access.tokens import Tokens, Use, fingerprint
from server.clock import ManualClock
from server.errors import NotAuthenticated
from tests.access.conftest import SECRET

CLOCK = ManualClock()
OLD, UNKNOWN = SECRET[::-1], SECRET.upper()
RING = Keyring((SECRET, OLD))
TOKENS = Tokens(RING, CLOCK)
KEY = RING.signing("token:access")[1]
GOOD: dict[str, object] = {
    "iss": "rollcall",
    "aud": "rollcall",
    "sub": "user",
    "use": "access",
    "sid": "session",
    "jti": "one",
    "iat": int(CLOCK.now().timestamp()),
    "nbf": int(CLOCK.now().timestamp()),
    "exp": int(CLOCK.now().timestamp()) + 900,
}


def _good() -> str:
    return TOKENS.make(Use.ACCESS, "user", "session", expires_at=CLOCK.now() + timedelta(minutes=15), token_id="one")


def _kid() -> str:
    return str(jwt.get_unverified_header(_good())["kid"])


def _forged(*, without: str = "", key: bytes = KEY, header: dict[str, object] | None = None, **claims: object) -> str:
    said = {name: value for name, value in (GOOD | claims).items() if name != without}
    return jwt.encode(said, key, "HS256", headers={"kid": _kid()} | (header or {}))


def _unsigned() -> str:
    parts = ({"alg": "none", "typ": "JWT", "kid": _kid()}, GOOD)
    encoded = [base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in parts]
    return ".".join([*encoded, ""])


def _changed(part: int) -> str:
    parts = _good().split(".")
    middle = len(parts[part]) // 2
    parts[part] = parts[part][:middle] + ("A" if parts[part][middle] != "A" else "B") + parts[part][middle + 1 :]
    return ".".join(parts)


def test_read_back() -> None:
    """What was put in comes out, also from a token forged with the right key: the table below fails for its reasons."""
    for token in (_good(), _forged()):
        claims = TOKENS.read(token, Use.ACCESS, Use.KIOSK)
        assert (claims.use, claims.subject, claims.session_id, claims.token_id) == (
            Use.ACCESS, "user", "session", "one",
        )  # fmt: skip
        assert claims.issued_at == claims.not_before == CLOCK.now()
        assert claims.expires_at == CLOCK.now() + timedelta(minutes=15)


REFUSED: dict[str, Callable[[], str]] = {
    "nothing": lambda: "",
    "not a token": lambda: "a.b.c",
    "no header": lambda: ".." + _good().split(".")[2],
    "header deeply nested": lambda: base64.urlsafe_b64encode(b"[" * 2900).decode() + ".e30.x",
    "too long": lambda: _forged(more="x" * 5000),
    "not ASCII": lambda: _good() + "é",
    "lone surrogate": lambda: _good() + "\ud800",
    "algorithm none": _unsigned,
    "algorithm none in capitals": lambda: _unsigned().replace("bm9uZS", "Tk9ORS"),
    "other algorithm": lambda: jwt.encode(GOOD, KEY * 2, "HS512", headers={"kid": _kid()}),
    "header tampered": lambda: _changed(0),
    "claims tampered": lambda: _changed(1),
    "signature tampered": lambda: _changed(2),
    "signature missing": lambda: _good().rpartition(".")[0] + ".",
    "other key": lambda: _forged(key=b"0" * 32),
    "key of another use": lambda: _forged(key=RING.signing("token:refresh")[1]),
    "no key id": lambda: jwt.encode(GOOD, KEY, "HS256"),
    "unknown key id": lambda: _forged(header={"kid": "access-000000000000"}),
    "key id that is no word": lambda: _forged(header={"kid": ""}),
    "key id of another key": lambda: _forged(header={"kid": f"access-{key_id(OLD)}"}),
    "older key under the id of the newest": lambda: _forged(key=RING.known("token:access")[key_id(OLD)]),
    "key id of another use": lambda: _forged(header={"kid": _kid().replace("access", "refresh")}),
    "other audience": lambda: _forged(aud="elsewhere"),
    "no audience": lambda: _forged(without="aud"),
    "other issuer": lambda: _forged(iss="elsewhere"),
    "no issuer": lambda: _forged(without="iss"),
    "other use": lambda: _forged(use="refresh"),
    "no use": lambda: _forged(without="use"),
    "no session": lambda: _forged(without="sid"),
    "no subject": lambda: _forged(without="sub"),
    "no id": lambda: _forged(without="jti"),
    "no end": lambda: _forged(without="exp"),
    "no time of issue": lambda: _forged(without="iat"),
    "no beginning": lambda: _forged(without="nbf"),
    "beginning is true": lambda: _forged(nbf=True),
    "end is a word": lambda: _forged(exp="never"),
    "end is beyond all time": lambda: _forged(exp=10**30),
    "from the future": lambda: _forged(iat=int(CLOCK.now().timestamp()) + 31),
    "not yet": lambda: _forged(nbf=int(CLOCK.now().timestamp()) + 31),
    "a refresh token": lambda: TOKENS.make(Use.REFRESH, "user", "session", expires_at=CLOCK.now() + timedelta(days=1)),
    "a kiosk's token": lambda: TOKENS.make(Use.KIOSK, "kiosk", None, expires_at=CLOCK.now() + timedelta(days=1)),
    "of another secret": lambda: Tokens(Keyring((UNKNOWN,)), CLOCK).make(
        Use.ACCESS, "user", "session", expires_at=CLOCK.now() + timedelta(days=1)
    ),
}


@pytest.mark.parametrize("make", REFUSED.values(), ids=REFUSED.keys())
@pytest.mark.filterwarnings("ignore::jwt.InsecureKeyLengthWarning")
def test_refused(make: Callable[[], str]) -> None:
    """None of these is an access token."""
    with pytest.raises(NotAuthenticated) as caught:
        TOKENS.read(make(), Use.ACCESS)
    assert caught.value.code == "token_invalid"


@pytest.mark.parametrize(("late_s", "good"), [(-1, True), (0, True), (29, True), (30, False), (3600, False)])
def test_the_end(late_s: int, good: bool) -> None:
    """Clocks differ: half a minute after its end a token is still good, and then it is told why it is not."""
    token = _forged(iat=0, nbf=0, exp=int(CLOCK.now().timestamp()) - late_s)
    if good:
        assert TOKENS.read(token, Use.ACCESS)
        return
    with pytest.raises(NotAuthenticated) as caught:
        TOKENS.read(token, Use.ACCESS)
    assert caught.value.code == "token_expired"


def test_a_little_from_the_future() -> None:
    """The other way round, half a minute is forgiven too."""
    soon = int(CLOCK.now().timestamp()) + 30
    assert TOKENS.read(_forged(iat=soon, nbf=soon), Use.ACCESS)


def test_after_a_change_of_the_key() -> None:
    """What the older key signed is read until that key goes; the newest one signs."""
    before, after = Tokens(Keyring((OLD,)), CLOCK), Tokens(Keyring((SECRET,)), CLOCK)
    old = before.make(Use.REFRESH, "user", "session", expires_at=CLOCK.now() + timedelta(days=1))
    assert TOKENS.read(old, Use.REFRESH).subject == "user"
    assert _kid() == f"access-{key_id(SECRET)}"
    assert after.read(_good(), Use.ACCESS)
    for reader, token, use in ((after, old, Use.REFRESH), (before, _good(), Use.ACCESS)):
        with pytest.raises(NotAuthenticated) as caught:
            reader.read(token, use)
        assert caught.value.code == "token_invalid"


def test_csrf() -> None:
    """What a page was given fits its session alone, also after a change of the key, and not when that key is gone."""
    old = Tokens(Keyring((OLD,)), CLOCK).csrf("session")
    assert TOKENS.csrf_fits("session", TOKENS.csrf("session"))
    assert TOKENS.csrf_fits("session", old)
    assert TOKENS.csrf("session") != old
    assert not Tokens(Keyring((SECRET,)), CLOCK).csrf_fits("session", old)
    for wrong in ("", "é", "\ud800", old[:-1], TOKENS.csrf("other")):
        assert not TOKENS.csrf_fits("session", wrong)


def test_the_same_again() -> None:
    """The same arguments make the same token; without an id, each is another."""
    assert _good() == _good()
    end = CLOCK.now() + timedelta(minutes=1)
    assert TOKENS.make(Use.ACCESS, "u", "s", expires_at=end) != TOKENS.make(Use.ACCESS, "u", "s", expires_at=end)


def test_successors() -> None:
    """The id that follows is always the same, and not to be known without the secret."""
    other = Tokens(Keyring((UNKNOWN,)), CLOCK)
    ids = {tokens.successor_id(word, tokens.kids[0]) for tokens in (TOKENS, other) for word in ("one", "two", "one")}
    assert len(ids) == 4


def test_fingerprints() -> None:
    """64 characters, whatever comes from outside."""
    assert {len(fingerprint(value)) for value in ("", "é", "\ud800", "x" * 9999)} == {64}
