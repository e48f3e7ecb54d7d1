"""The keys of a ring: one signs, all verify."""

import pytest
from cryptography.fernet import InvalidToken

from server.access.keyring import Keyring, key_id

OLD, NEW, OTHER = (f"{word}-0123456789-abcdefghijklmnopqrstuvwxyz" for word in ("old", "new", "other"))


def test_the_first_signs() -> None:
    """And the keys of all are known by their ids, newest first, each once."""
    ring = Keyring((NEW, OLD, NEW))
    assert ring.kids == (key_id(NEW), key_id(OLD))
    kid, key = ring.signing("a")
    assert (kid, list(ring.known("a"))) == (key_id(NEW), [key_id(NEW), key_id(OLD)])
    assert ring.known("a")[kid] == key
    assert ring.known("a")[key_id(OLD)] == Keyring((OLD,)).signing("a")[1]


def test_a_key_for_each_purpose() -> None:
    """One secret has one id, and under it a key of 32 bytes for each purpose, always the same."""
    ring = Keyring((NEW,))
    keys = {ring.signing(purpose)[1] for purpose in ("a", "b", "c")}
    assert {len(key) for key in keys} == {32}
    assert len(keys) == 3
    assert Keyring((NEW,)).signing("a") == ring.signing("a")


def test_what_is_shown_tells_nothing() -> None:
    """Neither an id nor the ring's own words have a piece of the secret."""
    assert key_id(NEW) not in NEW
    assert NEW[:8] not in repr(Keyring((NEW, OLD)))
    assert key_id(OLD) in repr(Keyring((NEW, OLD)))


def test_an_older_box_is_opened() -> None:
    """After a change of the key too; not without the older key, and not with one for another purpose."""
    closed = Keyring((OLD,)).box("totp").encrypt(b"seed")
    ring = Keyring((NEW, OLD))
    assert ring.box("totp").decrypt(closed) == b"seed"
    assert Keyring((NEW,)).box("totp").decrypt(ring.box("totp").encrypt(b"seed")) == b"seed"
    for wrong in (Keyring((NEW,)).box("totp"), ring.box("answers")):
        with pytest.raises(InvalidToken):
            wrong.decrypt(closed)


def test_an_older_mac_fits() -> None:
    """By the id that was given with it; nothing else does."""
    kid, mac = Keyring((OLD,)).mac("audit", b"row")
    ring = Keyring((NEW, OLD))
    assert ring.mac_fits("audit", b"row", kid, mac)
    assert mac in ring.macs("audit", b"row")
    assert ring.macs("audit", b"row")[0] == ring.mac("audit", b"row")[1]
    assert not ring.mac_fits("audit", b"another", kid, mac)
    assert not ring.mac_fits("other", b"row", kid, mac)
    assert not ring.mac_fits("audit", b"row", key_id(NEW), mac)
    assert not ring.mac_fits("audit", b"row", key_id(OTHER), mac)
    assert not ring.mac_fits("audit", b"row", kid, "\ud800")


@pytest.mark.parametrize("secrets", [(), ("",), (NEW, "")])
def test_no_secret_is_no_ring(secrets: tuple[str, ...]) -> None:
    """An empty secret would make keys that anybody can make."""
    with pytest.raises(ValueError, match="secret"):
        Keyring(secrets)
