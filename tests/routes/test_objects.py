"""Signed links over HTTP: the object to whoever holds the address, to be saved, and nothing to anybody else."""

from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from server.access.keyring import Keyring
from server.clock import ManualClock
from server.errors import Unavailable
from server.objects.links import LinkSigner
from server.objects.objects import PIECE, content_type_of
from server.parts import Parts
from server.routes.objects import LinkQuery, disposition
from tests.opened import client_of, parts_in
from tests.s3_server import ACCESS_KEY, SECRET_KEY, S3Server
from tests.s3_server import s3_server as s3_server
from tests.servers import free_port
from tests.sources import DemoSources

KEY = "people/a/b.jpg"


@pytest.fixture
async def link(parts: Parts) -> str:
    await parts.objects.put(KEY, b"a picture")
    return parts.links.link(KEY, filename="Ada Lovelace.jpg")


async def refusal(client: httpx.AsyncClient, url: str, status: int) -> str:
    answer = await client.get(url)
    assert answer.status_code == status, answer.text
    code: str = answer.json()["error"]["code"]
    assert answer.headers["Cache-Control"] == "no-store"
    return code


async def test_a_link_gives_the_object_to_be_saved(anyone: httpx.AsyncClient, link: str) -> None:
    """Nobody has to be signed in; nothing keeps it, guesses at it or runs it."""
    answer = await anyone.get(link)
    assert answer.status_code == 200
    assert answer.content == b"a picture"
    assert answer.headers["Content-Type"] == "image/jpeg"
    assert answer.headers["Content-Length"] == "9"
    assert answer.headers["Content-Disposition"].startswith('attachment; filename="Ada Lovelace.jpg"')
    assert answer.headers["Cache-Control"] == "private, no-store"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert "Access-Control-Allow-Origin" not in answer.headers


async def test_without_a_name_it_is_saved_under_the_keys(anyone: httpx.AsyncClient, parts: Parts, link: str) -> None:
    """The last part of it."""
    answer = await anyone.get(parts.links.link(KEY))
    assert answer.headers["Content-Disposition"] == "attachment; filename=\"b.jpg\"; filename*=UTF-8''b.jpg"


async def test_a_link_expires(anyone: httpx.AsyncClient, parts: Parts, clock: ManualClock, link: str) -> None:
    """After the setting's fifteen minutes."""
    clock.advance(15 * 60 - 1)
    assert (await anyone.get(link)).status_code == 200
    clock.advance(1)
    assert await refusal(anyone, link, 403) == "link_expired"


@pytest.mark.parametrize(
    ("part", "other"),
    [
        ("people/a/b.jpg", "people/a/c.jpg"),
        ("people/a/b.jpg", "people%2Fa%2F%2E%2E%2Fa/b.jpg"),
        ("expires=1", "expires=2"),
        ("signature=", "expires=99999999999&signature="),
        ("signature=", "filename=x.html&signature="),
        ("Ada", "Eve"),
        ("signature=", "signature=0"),
        ("signature=", "signature=."),
    ],
)
async def test_a_changed_link_gives_nothing(
    anyone: httpx.AsyncClient, admin: httpx.AsyncClient, link: str, part: str, other: str
) -> None:
    """Whatever was changed, and whoever asks: an admin has other ways to the picture."""
    assert part in link
    for client in (anyone, admin):
        assert await refusal(client, link.replace(part, other, 1), 403) == "link_invalid"


async def test_no_link_at_all_gives_nothing(anyone: httpx.AsyncClient, admin: httpx.AsyncClient, link: str) -> None:
    """What exists and what does not are told apart by nobody."""
    for client in (anyone, admin):
        for path in (KEY, "people/nobody/x.jpg", "../rollcall.db", "..%2F..%2Fetc%2Fpasswd", "x", "x%00y"):
            answer = await client.get(f"/api/v1/objects/{path}")
            assert answer.status_code in (400, 403, 404)
            assert b"a picture" not in answer.content
        assert await refusal(client, f"/api/v1/objects/{KEY}", 403) == "link_invalid"
        assert await refusal(client, "/api/v1/objects/people/nobody/x.jpg", 403) == "link_invalid"
    assert await refusal(anyone, f"{link}&more=1", 422) == "validation_failed"
    assert await refusal(anyone, f"{link}{'0' * 300}", 422) == "validation_failed"


async def test_links_of_another_server_give_nothing(
    anyone: httpx.AsyncClient, parts: Parts, clock: ManualClock, link: str
) -> None:
    """Its secret is another."""
    theirs = LinkSigner(Keyring(["the secret of another server, long enough"]), clock, good_for_s=900).link(KEY)
    assert await refusal(anyone, theirs, 403) == "link_invalid"


async def test_what_was_deleted_is_not_found(anyone: httpx.AsyncClient, parts: Parts, link: str) -> None:
    """An erased picture is gone for those who still hold its link."""
    await parts.objects.delete(KEY)
    assert await refusal(anyone, link, 404) == "object_not_found"


async def test_a_storage_that_fails_is_a_503(
    anyone: httpx.AsyncClient, parts: Parts, link: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the envelope, with its own code."""

    async def away(_self: object, _key: str, _part: object) -> None:
        raise Unavailable("The object storage does not answer.", code="storage_unavailable")

    monkeypatch.setattr(type(parts.objects), "open", away)
    assert await refusal(anyone, link, 503) == "storage_unavailable"


async def test_large_objects_pass_in_pieces(anyone: httpx.AsyncClient, parts: Parts) -> None:
    """Whole, with their length, and asked for by HEAD without the content."""
    content = bytes(range(256)) * (5 * PIECE // 256) + b"end"
    await parts.objects.put("exports/x.zip", content)
    link = parts.links.link("exports/x.zip")
    answer = await anyone.get(link)
    assert answer.content == content
    assert answer.headers["Content-Length"] == str(len(content))
    head = await anyone.head(link)
    assert (head.headers["Content-Length"], head.content) == (str(len(content)), b"")
    assert (await anyone.post(link)).status_code == 405


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("Müller, Jürgen.csv", "M_ller_ J_rgen.csv"),
        ('a"; filename="b.html', "a__ filename__b.html"),
        ("山田.jpg", "__.jpg"),
        ("%0d%0aSet-Cookie: x=y.jpg", "_0d_0aSet-Cookie_ x_y.jpg"),
    ],
)
async def test_a_name_cannot_write_headers(anyone: httpx.AsyncClient, parts: Parts, name: str, kept: str) -> None:
    """Plain ASCII for old browsers; the name itself, percent-encoded, for the others."""
    await parts.objects.put(KEY, b"a picture")
    answer = await anyone.get(parts.links.link(KEY, filename=name))
    shown = answer.headers["Content-Disposition"]
    assert shown == disposition(name)
    plain, _, exact = shown.removeprefix("attachment; ").partition("; filename*=UTF-8''")
    assert plain == f'filename="{kept}"'
    assert unquote(exact) == name
    assert "Set-Cookie" not in answer.headers


async def test_without_storage_nobody_is_enrolled_by_half(tmp_path: Path, demo: DemoSources) -> None:
    """A bucket that is away: the photo is refused with a 503, and the person has none; the rest goes on."""
    away = {"url": "s3://rollcall", "endpoint": f"http://127.0.0.1:{free_port()}"}
    login = {"access_key": ACCESS_KEY, "secret_key": SECRET_KEY}
    async with parts_in(tmp_path, storage=away | login) as parts, client_of(parts, "Admin") as client:
        person = (await client.post("/api/v1/people", json={"fullName": "Eileen Collins"})).json()["data"]["id"]
        picture = {"file": ("photo.jpg", demo.collins, "image/jpeg")}
        answer = await client.post(f"/api/v1/people/{person}/photos", files=picture)
        assert (answer.status_code, answer.json()["error"]["code"]) == (503, "storage_unavailable")
        assert SECRET_KEY not in answer.text
        assert (await client.get(f"/api/v1/people/{person}/photos")).json()["data"] == []
        assert len(parts.roster.gallery) == 0


@settings(deadline=None)
@given(wanted=st.text(max_size=200))
def test_every_name_comes_through(wanted: str) -> None:
    """What was signed is what the route reads from the address, and its header is one line of ASCII."""
    clock = ManualClock()
    signer = LinkSigner(Keyring(["the secret of this server, long enough"]), clock, good_for_s=900)
    address = urlsplit(signer.link(KEY, filename=wanted))
    query = LinkQuery.model_validate(dict(parse_qsl(address.query)))
    signer.check(KEY, expires=query.expires, filename=query.filename, signature=query.signature)
    header = disposition(query.filename)
    assert header.isascii()
    assert header.isprintable()
    assert header.count('"') == 2


FILM = bytes(range(256)) * (2 * PIECE // 256) + b"end"


@pytest.fixture(params=["folder", "s3"])
async def stored(request: pytest.FixtureRequest, parts: Parts, monkeypatch: pytest.MonkeyPatch) -> Parts:
    """A film, in each storage."""
    if request.param == "s3":
        server: S3Server = request.getfixturevalue("s3_server")
        object.__setattr__(parts, "objects", server.objects(server.make_bucket()))
    await parts.objects.put("clips/a.mp4", FILM)
    return parts


@pytest.mark.parametrize(
    ("asked", "first", "last"),
    [
        ("bytes=0-", 0, len(FILM) - 1),
        ("bytes=0-0", 0, 0),
        ("bytes=100-199", 100, 199),
        (f"bytes={PIECE - 1}-{PIECE + 1}", PIECE - 1, PIECE + 1),
        ("bytes=-3", len(FILM) - 3, len(FILM) - 1),
        (f"bytes=-{len(FILM) * 2}", 0, len(FILM) - 1),
        (f"bytes=100-{len(FILM) * 2}", 100, len(FILM) - 1),
    ],
)
async def test_a_part_of_a_film(anyone: httpx.AsyncClient, stored: Parts, asked: str, first: int, last: int) -> None:
    """206 with that part, as players need it to seek; Safari plays nothing without."""
    answer = await anyone.get(stored.links.link("clips/a.mp4"), headers={"Range": asked})
    assert (answer.status_code, answer.headers["Content-Type"]) == (206, "video/mp4")
    assert answer.headers["Content-Range"] == f"bytes {first}-{last}/{len(FILM)}"
    assert answer.headers["Content-Length"] == str(last - first + 1)
    assert answer.headers["Accept-Ranges"] == "bytes"
    assert answer.content == FILM[first : last + 1]


@pytest.mark.parametrize("asked", [f"bytes={len(FILM)}-", f"bytes={len(FILM) + 5}-{len(FILM) + 9}", "bytes=-0"])
async def test_a_part_that_is_not_there(anyone: httpx.AsyncClient, stored: Parts, asked: str) -> None:
    """416 with the size."""
    answer = await anyone.get(stored.links.link("clips/a.mp4"), headers={"Range": asked})
    assert (answer.status_code, answer.headers["Content-Range"]) == (416, f"bytes */{len(FILM)}")
    assert answer.json()["error"]["code"] == "range_not_satisfiable"


@pytest.mark.parametrize(
    "headers",
    [
        {"Range": "bytes=0-1,4-5"},
        {"Range": "bytes=5-2"},
        {"Range": "pieces=0-1"},
        {"Range": "bytes=-"},
        {"Range": "bytes=0-1", "If-Range": '"a tag"'},
    ],
)
async def test_what_is_no_part_is_the_whole(anyone: httpx.AsyncClient, stored: Parts, headers: dict[str, str]) -> None:
    """As the standard has it."""
    answer = await anyone.get(stored.links.link("clips/a.mp4"), headers=headers)
    assert (answer.status_code, len(answer.content)) == (200, len(FILM))
    assert "Content-Range" not in answer.headers


async def test_text_comes_whole(anyone: httpx.AsyncClient, parts: Parts) -> None:
    """It is compressed on its way: a part of it would be a part of something else."""
    await parts.objects.put("exports/a.csv", b"a,b\n" * 1000)
    answer = await anyone.get(parts.links.link("exports/a.csv"), headers={"Range": "bytes=0-1"})
    assert (answer.status_code, answer.headers["Accept-Ranges"], len(answer.content)) == (200, "none", 4000)


async def test_a_part_needs_the_link_too(anyone: httpx.AsyncClient, stored: Parts) -> None:
    answer = await anyone.get("/api/v1/objects/clips/a.mp4", headers={"Range": "bytes=0-1"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "link_invalid")
    gone = stored.links.link("clips/b.mp4")
    assert (await anyone.get(gone, headers={"Range": "bytes=0-1"})).status_code == 404


async def test_the_document_names_it(anyone: httpx.AsyncClient, link: str) -> None:
    """As a path with a name, without a login, and with what it may answer."""
    operation = (await anyone.get("/openapi.json")).json()["paths"]["/api/v1/objects/{key}"]["get"]
    assert operation["security"] == []
    named = {(one["in"], one["name"]) for one in operation["parameters"]}
    assert named == {("path", "key"), ("query", "expires"), ("query", "filename"), ("query", "signature")}
    assert {name for name, _ in parse_qsl(urlsplit(link).query)} == {"expires", "filename", "signature"}
    assert {"200", "403", "404", "422", "503"} <= set(operation["responses"])
    kinds = {content_type_of(f"exports/a{ending}") for ending in (".csv", ".jpg", ".jsonl", ".mp4", ".zip", ".other")}
    assert kinds <= set(operation["responses"]["200"]["content"])
