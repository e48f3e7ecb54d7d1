"""Photos over the API: what is accepted, with which warnings, and what is refused, with which reason."""

from collections.abc import Callable, Iterator

import cv2
import numpy as np
import pytest

from server.demo.pictures import astronaut, grace_hopper, read_picture
from tests.journeys.client import Api, photo_file
from tests.journeys.films import Pixels, jpeg
from tests.journeys.server import RollcallServer
from tests.sources import DemoSources

pytestmark = [pytest.mark.journey, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, portraits: None) -> Iterator[RollcallServer]:
    with RollcallServer(tmp_path_factory.mktemp("enrolment")) as running:
        yield running


@pytest.fixture
def api(server: RollcallServer) -> Iterator[Api]:
    with server.login() as signed_in:
        yield signed_in


def both() -> Pixels:
    """The two portraits beside each other."""
    left, right = read_picture(astronaut())[:400, 60:460], read_picture(grace_hopper())[60:460, 56:456]
    return np.asarray(np.hstack([left, right]), np.uint8)


def small() -> Pixels:
    """A face of about forty pixels in a large picture."""
    room = np.full((600, 800, 3), 150, np.uint8)
    face = cv2.resize(read_picture(astronaut())[0:330, 70:400], (120, 120), interpolation=cv2.INTER_AREA)
    room[200:320, 300:420] = face
    return room


def blurred() -> Pixels:
    return np.asarray(cv2.GaussianBlur(read_picture(astronaut())[0:330, 70:400], (0, 0), 7), np.uint8)


def dark() -> Pixels:
    return np.asarray(cv2.convertScaleAbs(read_picture(astronaut())[0:330, 70:400], alpha=0.12, beta=0), np.uint8)


REFUSED: dict[str, Callable[[], bytes]] = {
    "no_face": lambda: jpeg(np.full((480, 640, 3), 127, np.uint8)),
    "several_faces": lambda: jpeg(both()),
    "face_too_small": lambda: jpeg(small()),
    "too_blurred": lambda: jpeg(blurred()),
    "too_dark": lambda: jpeg(dark()),
    "unreadable": lambda: b"this is a letter, not a picture",
}


@pytest.mark.parametrize("code", REFUSED)
def test_a_picture_that_will_not_do_is_refused_with_its_reason(api: Api, code: str) -> None:
    """422 with the code for programs and a sentence for people; the person keeps no photo of it."""
    person = api.add_person("Somebody")
    error = api.refusal("POST", f"people/{person}/photos", 422, files=photo_file(REFUSED[code]()))
    assert error["code"] == code
    assert len(error["message"].split()) >= 4
    assert api.get(f"people/{person}/photos") == []
    assert api.get(f"people/{person}")["photoCount"] == 0


def test_a_form_without_a_picture_is_told_from_a_bad_picture(api: Api) -> None:
    """An empty file, no file and another kind of body are mistakes of the caller."""
    person = api.add_person("Somebody")
    path = f"people/{person}/photos"
    empty = api.refusal("POST", path, 422, files=photo_file(b""))
    assert [(detail["field"], detail["code"]) for detail in empty["details"]] == [("file", "empty")]
    missing = api.refusal("POST", path, 422, files={"picture": ("photo.jpg", b"x", "image/jpeg")})
    assert [(detail["field"], detail["code"]) for detail in missing["details"]] == [("file", "missing")]
    assert api.refusal("POST", path, 415, json={"file": "x"})["code"] == "unsupported_media_type"
    large = api.refusal("POST", path, 413, files=photo_file(b"x" * 17_000_000))
    assert large["code"] == "too_large"


def test_nobody_to_enrol_is_not_found(api: Api, demo: DemoSources) -> None:
    """A photo for a person who does not exist."""
    error = api.refusal("POST", "people/nobody/photos", 404, files=photo_file(demo.collins))
    assert error["code"] == "person_not_found"


def test_a_face_that_is_enrolled_already_is_accepted_with_a_warning(api: Api, demo: DemoSources) -> None:
    """Twins exist, but more often somebody is enrolled twice: the answer says whom the face resembles."""
    first = api.add_person("Eileen Collins")
    accepted = api.add_photo(first, demo.collins)
    assert accepted["warnings"] == []
    assert accepted["quality"]["sizePx"] >= 60
    assert min(accepted["width"], accepted["height"]) > 100
    again = api.add_photo(first, jpeg(read_picture(astronaut())[0:400, 60:460]))
    assert again["warnings"] == []
    second = api.add_person("Somebody Else")
    [warning] = api.add_photo(second, jpeg(read_picture(astronaut())))["warnings"]
    assert warning["code"] == "resembles_other_person"
    assert warning["personId"] == first
    assert "Eileen Collins" in warning["message"]
    assert api.get(f"people/{first}")["photoCount"] == 2
    photo = api.get(f"people/{first}/photos")[0]
    assert api.picture(photo["url"])[:2] == b"\xff\xd8"
    assert api.picture(api.get(f"people/{first}")["photoUrl"])[:2] == b"\xff\xd8"
