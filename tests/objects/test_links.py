"""Signed links: good for a while, for one object, and worth nothing once a letter of them is changed."""

from urllib.parse import parse_qsl, unquote, urlsplit

import pytest

from server.access.keyring import Keyring
from server.clock import ManualClock
from server.errors import Forbidden, NotFound
from server.objects.links import LONGEST_FILE_NAME, LONGEST_S, PATH, LinkSigner, file_name

KEY = "people/a/b.jpg"
NEW, OLD = "a new secret of the server's own", "an old secret of the server's own"


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def signer(clock: ManualClock) -> LinkSigner:
    return LinkSigner(Keyring([NEW]), clock, good_for_s=900)


def taken_apart(link: str) -> dict[str, str]:
    parts = urlsplit(link)
    query = dict(parse_qsl(parts.query, keep_blank_values=True))
    return {"key": unquote(parts.path.removeprefix(PATH)), "filename": "", **query}


def follow(signer: LinkSigner, given: dict[str, str]) -> None:
    signer.check(given["key"], expires=given["expires"], filename=given["filename"], signature=given["signature"])


def refusal(signer: LinkSigner, given: dict[str, str]) -> str:
    with pytest.raises(Forbidden) as refused:
        follow(signer, given)
    return refused.value.code


def test_a_link_is_good_until_it_expires(signer: LinkSigner, clock: ManualClock) -> None:
    """As long as the setting says, not a second longer."""
    link = taken_apart(signer.link(KEY))
    follow(signer, link)
    clock.advance(899)
    follow(signer, link)
    clock.advance(1)
    assert refusal(signer, link) == "link_expired"


def test_a_shorter_or_longer_life_can_be_asked_for(signer: LinkSigner, clock: ManualClock) -> None:
    """Within a week."""
    link = taken_apart(signer.link(KEY, expires_s=60))
    clock.advance(60)
    assert refusal(signer, link) == "link_expired"
    follow(signer, taken_apart(signer.link(KEY, expires_s=LONGEST_S)))
    for wrong in (0, -1, LONGEST_S + 1):
        with pytest.raises(ValueError, match="at most"):
            signer.link(KEY, expires_s=wrong)


@pytest.mark.parametrize(
    "changed",
    [
        {"key": "people/a/c.jpg"},
        {"key": "people/a/b.jpg2"},
        {"expires": "99999999999"},
        {"expires": ""},
        {"expires": "1e99"},
        {"filename": "other.jpg"},
        {"filename": ""},
        {"signature": ""},
        {"signature": "."},
        {"signature": "é.é"},
        {"signature": "\ud800.\ud800"},
    ],
)
def test_a_changed_link_is_worth_nothing(signer: LinkSigner, changed: dict[str, str]) -> None:
    """Key, expiry, file name and signature hold each other."""
    link = taken_apart(signer.link(KEY, filename="Ada.jpg"))
    follow(signer, link)
    assert refusal(signer, link | changed) == "link_invalid"


def test_every_digit_of_the_signature_counts(signer: LinkSigner) -> None:
    """One that differs anywhere is another, and so is one that is cut short."""
    link = taken_apart(signer.link(KEY))
    signature = link["signature"]
    for place, digit in enumerate(signature):
        other = signature[:place] + ("0" if digit != "0" else "1") + signature[place + 1 :]
        assert refusal(signer, link | {"signature": other}) == "link_invalid"
    assert refusal(signer, link | {"signature": signature[:-1]}) == "link_invalid"


def test_parts_cannot_be_moved_into_each_other(signer: LinkSigner) -> None:
    """What is signed is key, expiry and name, not their letters in a row."""
    link = taken_apart(signer.link(KEY, filename="1.jpg"))
    expires = link["expires"]
    assert refusal(signer, link | {"expires": expires + "1", "filename": ".jpg"}) == "link_invalid"
    assert refusal(signer, link | {"key": KEY + expires[0], "expires": expires[1:]}) == "link_invalid"


def test_a_changed_link_does_not_say_that_it_expired(signer: LinkSigner, clock: ManualClock) -> None:
    """Whoever makes one up learns nothing about its time."""
    link = taken_apart(signer.link(KEY))
    clock.advance(10_000)
    assert refusal(signer, link | {"key": "people/a/c.jpg"}) == "link_invalid"


def test_links_outlive_a_change_of_the_secret(clock: ManualClock) -> None:
    """As long as the old one is named; then they end."""
    link = taken_apart(LinkSigner(Keyring([OLD]), clock, good_for_s=900).link(KEY))
    follow(LinkSigner(Keyring([NEW, OLD]), clock, good_for_s=900), link)
    assert refusal(LinkSigner(Keyring([NEW]), clock, good_for_s=900), link) == "link_invalid"


def test_no_link_leads_out(signer: LinkSigner) -> None:
    """Keys that are none are not signed."""
    for key in ("../secret", "/etc/passwd", "x", "x/y\r\nz"):
        with pytest.raises(NotFound):
            signer.link(key)


def test_a_link_tells_no_secret(signer: LinkSigner) -> None:
    """It is an address on this server, in plain ASCII."""
    link = signer.link(KEY, filename="Jürgen's Bericht & mehr?.jpg")
    assert link.startswith("/api/v1/objects/people/a/b.jpg?expires=")
    assert link.isascii()
    assert NEW not in link
    assert taken_apart(link)["filename"] == "Jürgen's Bericht & mehr?.jpg"
    follow(signer, taken_apart(link))


@pytest.mark.parametrize(
    ("wanted", "kept"),
    [
        ("  Ada  Lovelace.jpg ", "Ada Lovelace.jpg"),
        ("../../etc/passwd", "_.._etc_passwd"),
        ("C:\\Windows\\x.jpg", "C:_Windows_x.jpg"),
        ('a"; filename="b.html', 'a"; filename="b.html'),
        ("a\r\nSet-Cookie: x=y", "a Set-Cookie: x=y"),
        ("a\0b\x7fc\u202egpj.exe", "abcgpj.exe"),
        ("...", ""),
        ("山田 太郎.jpg", "山田 太郎.jpg"),
        ("x" * 500, "x" * LONGEST_FILE_NAME),
    ],
)
def test_file_names_are_names_and_nothing_else(wanted: str, kept: str) -> None:
    """No folders, no line ends, nothing invisible; letters of every script."""
    assert file_name(wanted) == kept
    assert file_name(kept) == kept
