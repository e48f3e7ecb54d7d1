"""Enrolment over HTTP: accepted with quality, refused with a reason, warned of a likeness."""

import cv2
import httpx
import numpy as np
import pytest

from server.demo.clips import enrolment_photo
from server.demo.pictures import astronaut, grace_hopper, read_picture
from server.parts import Parts


def jpeg(picture: object) -> bytes:
    return bytes(cv2.imencode(".jpg", picture)[1])


async def person(admin: httpx.AsyncClient, name: str) -> str:
    answer = await admin.post("/api/v1/people", json={"fullName": name})
    return f"/api/v1/people/{answer.json()['data']['id']}/photos"


async def send(admin: httpx.AsyncClient, url: str, content: bytes) -> httpx.Response:
    return await admin.post(url, files={"file": ("photo.jpg", content, "image/jpeg")})


async def test_an_accepted_photo_has_its_quality(parts: Parts, admin: httpx.AsyncClient) -> None:
    """201 with numbers, no warning, the picture behind a URL, and a gallery that knows the face."""
    url = await person(admin, "Eileen")
    answer = await send(admin, url, enrolment_photo())
    assert answer.status_code == 201, answer.text
    data = answer.json()["data"]
    assert {"sizePx", "sharpness", "yaw", "pitch", "brightness"} <= set(data["quality"])
    assert data["warnings"] == []
    assert len(parts.roster.gallery) == 1
    image = await admin.get(data["url"])
    assert image.headers["content-type"] == "image/jpeg"
    again = await admin.get(data["url"], headers={"If-None-Match": image.headers["etag"]})
    assert again.status_code == 304
    assert (await admin.get(url)).json()["meta"]["total"] == 1


def nobody() -> bytes:
    return jpeg(np.full((480, 640, 3), 127, np.uint8))


def two_faces() -> bytes:
    one, other = read_picture(astronaut())[:400, 100:400], read_picture(grace_hopper())[:400, 60:460]
    return jpeg(np.hstack([one, cv2.resize(other, (400, 400))]))


def tiny() -> bytes:
    small = cv2.resize(read_picture(astronaut()), (96, 96), interpolation=cv2.INTER_AREA)
    canvas = np.full((480, 640, 3), 90, np.uint8)
    canvas[200:296, 200:296] = small
    return jpeg(canvas)


def blurred() -> bytes:
    return jpeg(cv2.GaussianBlur(read_picture(astronaut()), (0, 0), 9))


@pytest.mark.parametrize(
    ("content", "code"),
    [(nobody, "no_face"), (two_faces, "several_faces"), (tiny, "face_too_small"), (blurred, "too_blurred")],
)
async def test_a_refused_photo_has_its_reason(
    parts: Parts, admin: httpx.AsyncClient, content: object, code: str
) -> None:
    """422 with the code of the contract and a sentence; nothing is kept."""
    url = await person(admin, "Somebody")
    answer = await send(admin, url, content())  # type: ignore[operator]
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, code)
    assert answer.json()["error"]["message"].endswith(".")
    assert len(parts.roster.gallery) == 0
    assert (await admin.get(url)).json()["meta"]["total"] == 0


@pytest.mark.parametrize("content", [b"not a picture", b"\x89PNG\r\n\x1a\n" + b"\0" * 50, b""])
async def test_what_is_no_picture_is_refused(admin: httpx.AsyncClient, content: bytes) -> None:
    """Text, a broken PNG and nothing at all are 422."""
    answer = await send(admin, await person(admin, "Somebody"), content)
    assert answer.status_code == 422


async def test_forms_that_carry_no_file(admin: httpx.AsyncClient) -> None:
    """The wrong field is named; another content type is 415; nobody's photos are 404."""
    url = await person(admin, "Somebody")
    wrong = await admin.post(url, files={"photo": ("a.jpg", b"x", "image/jpeg")})
    assert wrong.json()["error"]["details"][0]["field"] == "file"
    assert (await admin.post(url, content=b"x", headers={"Content-Type": "image/jpeg"})).status_code == 415
    broken = await admin.post(url, content=b"x", headers={"Content-Type": "multipart/form-data"})
    assert broken.status_code == 400
    assert (await send(admin, "/api/v1/people/nobody/photos", enrolment_photo())).status_code == 404


async def test_a_likeness_to_somebody_else_is_a_warning(admin: httpx.AsyncClient) -> None:
    """The same face for another person is accepted, and the warning names whom it resembles."""
    await send(admin, await person(admin, "Eileen"), enrolment_photo())
    answer = await send(admin, await person(admin, "Impostor"), jpeg(read_picture(astronaut())))
    assert answer.status_code == 201
    warning = answer.json()["data"]["warnings"][0]
    assert (warning["code"], warning["fullName"]) == ("resembles_other_person", "Eileen")
    third = await send(admin, await person(admin, "Grace"), grace_hopper().read_bytes())
    assert third.json()["data"]["warnings"] == []


async def test_a_removed_photo_is_not_matched_any_more(parts: Parts, admin: httpx.AsyncClient) -> None:
    """Its template goes with it, its picture too."""
    url = await person(admin, "Eileen")
    data = (await send(admin, url, enrolment_photo())).json()["data"]
    assert (await admin.delete(f"{url}/{data['id']}")).status_code == 204
    assert len(parts.roster.gallery) == 0
    assert (await admin.get(data["url"])).status_code == 404
    assert (await admin.delete(f"{url}/{data['id']}")).json()["error"]["code"] == "photo_not_found"
