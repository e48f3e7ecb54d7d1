"""What is shown of a row: the contract's fields, and nothing that may not leave."""

from datetime import UTC, datetime

from server.store.people import PersonSummary
from server.store.tables import Camera, Entry, Kiosk, Person, Photo, Sighting
from server.store.views import (
    CameraPublic,
    CameraStatus,
    EntryPublic,
    KioskPublic,
    PersonPublic,
    PhotoPublic,
    SightingPublic,
)

AT = datetime(2026, 1, 5, 8, 0, tzinfo=UTC)
PERSON = Person(full_name="Ada", employee_id="7", email="ada@example.com")
CAMERA = Camera(name="Door", source="rtsp://u:hunter2@10.0.0.5/1?token=hunter2", kind="rtsp", role="in")


def test_a_camera_without_its_password() -> None:
    """Address and user stay readable, secrets do not."""
    shown = CameraPublic.of(CAMERA, CameraStatus(state="online", since=AT)).as_json()
    assert "hunter2" not in str(shown)
    assert "10.0.0.5" in str(shown["source"])
    status = {"state", "reason", "since", "width", "height", "codec", "fps", "latencyMs", "dropped"}
    assert status <= set(shown["status"])  # type: ignore[call-overload]


def test_a_sighting_with_and_without_a_person() -> None:
    """Person and URLs are null where there is none."""
    row = Sighting(camera_id=CAMERA.id, person_id=PERSON.id, state="open", started_at=AT, last_seen_at=AT)
    known = SightingPublic.of(row, PERSON, "Door").as_json()
    assert known["person"]["fullName"] == "Ada"  # type: ignore[index]
    assert (known["snapshotUrl"], known["faceUrl"], known["endedAt"]) == (None, None, None)
    row.snapshot_key = row.face_key = "sightings/2026/01/05/id-0123456789ab.jpg"
    unknown = SightingPublic.of(row, None, None).as_json()
    assert unknown["person"] is None
    assert unknown["snapshotUrl"] is not None
    path, _, version = str(unknown["snapshotUrl"]).partition("?v=")
    assert path == f"/api/v1/sightings/{row.id}/snapshot.jpg"
    row.snapshot_key = "sightings/2026/01/05/id-ba9876543210.jpg"
    assert version not in str(SightingPublic.of(row, None, None).snapshot_url)
    assert "sightings/2026" not in str(unknown)
    wanted = {
        "id",
        "cameraId",
        "personId",
        "state",
        "startedAt",
        "endedAt",
        "similarity",
        "margin",
        "liveness",
        "votes",
    }
    assert wanted <= set(unknown)


def test_an_entry_has_its_id_twice() -> None:
    """`id` as a resource, `entryId` as the data of an event."""
    row = Entry(
        person_id=PERSON.id,
        at=AT,
        direction="in",
        origin="camera",
        camera_id=CAMERA.id,
        sighting_id="s",
        snapshot_key="x/s-1.jpg",
    )
    shown = EntryPublic.of(row, PERSON, "Door").as_json()
    assert shown["id"] == shown["entryId"] == row.id
    assert shown["at"] == "2026-01-05T08:00:00.000Z"
    assert str(shown["snapshotUrl"]).startswith("/api/v1/sightings/s/snapshot.jpg?v=")


def test_a_person_photo_and_kiosk() -> None:
    """The portrait's URL changes with the newest photo, so that a browser does not show the old one."""
    without = PersonPublic.of(PersonSummary(PERSON, None, 0, None, None)).as_json()
    assert (without["photoUrl"], without["photoCount"]) == (None, 0)
    with_photo = PersonPublic.of(PersonSummary(PERSON, "Flight", 2, "photo-2", AT)).as_json()
    assert str(with_photo["photoUrl"]).endswith("?v=photo-2")
    photo = Photo(person_id=PERSON.id, object_key="k/a", portrait_key="k/b", width=1, height=1, box=[], quality={})
    assert PhotoPublic.of(photo).as_json()["url"] == f"/api/v1/people/{PERSON.id}/photos/{photo.id}/image.jpg"
    assert KioskPublic.of(Kiosk(name="Door", camera_ids=["c"])).as_json()["cameraIds"] == ["c"]


def test_whom_a_photo_resembles_is_for_those_who_may_know() -> None:
    """The warning stays, the name goes; other warnings are left alone, and so is the row."""
    named = {"code": "resembles_other_person", "message": "Very like Bob.", "personId": "bob", "fullName": "Bob",
             "similarity": 0.7}  # fmt: skip
    row = Photo(
        person_id=PERSON.id, object_key="a", portrait_key="b", width=1, height=1, box=[], quality={},
        warnings=[named, {"code": "dark", "message": "Dark."}],
    )  # fmt: skip
    assert PhotoPublic.of(row).warnings == PhotoPublic.of(row, {"bob"}).warnings == row.warnings
    hidden, dark = PhotoPublic.of(row, {"ada"}).warnings
    assert (hidden["code"], hidden["similarity"]) == ("resembles_other_person", 0.7)
    assert "bob" not in str(hidden).lower()
    assert dark == {"code": "dark", "message": "Dark."}


def test_a_person_inside_of_something_has_a_department() -> None:
    """By which those who are limited to departments are told of it or not."""
    row = Sighting(camera_id=CAMERA.id, person_id="p", state="open", started_at=AT, last_seen_at=AT)
    shown = SightingPublic.of(row, Person(full_name="Ada", department_id="night"), "Door").as_json()
    assert shown["person"]["departmentId"] == "night"  # type: ignore[index]
