"""Cameras over HTTP: what may be added, what comes back, and that no password ever does."""

from pathlib import Path

import httpx
import pytest

from server.parts import Parts

CAMERA = {"name": "Door", "source": "rtsp://admin:hunter2@10.0.0.5:554/live", "kind": "rtsp", "role": "in"}


async def add(admin: httpx.AsyncClient, **other: object) -> dict[str, object]:
    answer = await admin.post("/api/v1/cameras", json=CAMERA | {"enabled": False} | other)
    assert answer.status_code == 201, answer.text
    data: dict[str, object] = answer.json()["data"]
    return data


async def test_a_camera_comes_back_without_its_password(parts: Parts, admin: httpx.AsyncClient) -> None:
    """Neither creation, list, reading, editing, the event nor the row shows it; the keys open it."""
    made = await add(admin)
    url = f"/api/v1/cameras/{made['id']}"
    texts = [
        (await admin.get("/api/v1/cameras")).text,
        (await admin.get(url)).text,
        (await admin.put(url, json={"name": "Back door"})).text,
    ]
    head = await parts.hub.log.head("cameras")
    events = await parts.hub.log.read("cameras", 0, 10)
    assert [event.type for event in events] == ["camera.added", "camera.changed"]
    assert head.offset == 2
    assert all("hunter2" not in text for text in [*texts, str(made), str(events)])
    assert "admin" in str(made["source"])
    async with parts.store.read() as session:
        from server.store import cameras

        row = await cameras.get(session, str(made["id"]))
    assert "hunter2" not in str(row.model_dump())
    assert parts.access.addresses.of(row) == CAMERA["source"]


async def test_editing_with_the_shown_source_keeps_the_password(parts: Parts, admin: httpx.AsyncClient) -> None:
    """A form that sends back what it was shown does not lose the password."""
    from server.store import cameras

    made = await add(admin)
    await admin.put(f"/api/v1/cameras/{made['id']}", json={"source": made["source"], "role": "out"})
    async with parts.store.read() as session:
        row = await cameras.get(session, str(made["id"]))
    assert parts.access.addresses.of(row) == CAMERA["source"]
    assert row.role == "out"


async def test_a_sub_stream_is_checked_like_the_main_one(parts: Parts, admin: httpx.AsyncClient) -> None:
    """Its password is kept and not shown, its address must be allowed, and an empty one takes it away."""
    from server.store import cameras

    made = await add(admin, subSource="rtsp://admin:hunter2@10.0.0.5:554/small")
    url = f"/api/v1/cameras/{made['id']}"
    assert made["subSource"] == "rtsp://admin@10.0.0.5:554/small"
    async with parts.store.read() as session:
        row = await cameras.get(session, str(made["id"]))
    assert "hunter2" not in str(row.model_dump())
    assert parts.access.addresses.sub_of(row) == "rtsp://admin:hunter2@10.0.0.5:554/small"
    for kind, refused in (("rtsp", "rtsp://127.0.0.1/small"), ("rtsp", "exec:ls"), ("usb", "1")):
        source = "0" if kind == "usb" else CAMERA["source"]
        answer = await admin.post(
            "/api/v1/cameras", json=CAMERA | {"name": "Other", "kind": kind, "source": source, "subSource": refused}
        )
        assert answer.status_code == 422, answer.text
        assert answer.json()["error"]["details"][0]["field"] == "subSource"
    assert (await admin.put(url, json={"subSource": ""})).json()["data"]["subSource"] == ""


@pytest.mark.parametrize(
    ("kind", "source"),
    [
        ("rtsp", "rtsp://127.0.0.1/live"),
        ("rtsp", "http://10.0.0.5/live"),
        ("http", "http://169.254.169.254/latest/meta-data"),
        ("http", "concat:/etc/passwd"),
        ("file", "/etc/passwd"),
        ("file", "../../etc/passwd"),
        ("file", "exec:ls"),
    ],
)
async def test_sources_that_are_not_allowed(admin: httpx.AsyncClient, kind: str, source: str) -> None:
    """Loopback, metadata addresses, files outside of the roots and FFmpeg's tricks are refused by field."""
    answer = await admin.post("/api/v1/cameras", json=CAMERA | {"kind": kind, "source": source})
    assert answer.status_code == 422, answer.text
    assert answer.json()["error"]["details"][0]["field"] == "source"


async def test_a_name_is_taken_once(admin: httpx.AsyncClient) -> None:
    """The second of the same name is a conflict, and nothing is half created."""
    await add(admin)
    again = await admin.post("/api/v1/cameras", json=CAMERA)
    assert again.status_code == 409
    assert (await admin.get("/api/v1/cameras")).json()["meta"]["total"] == 1


async def test_when_a_camera_is_analysed(admin: httpx.AsyncClient) -> None:
    """Always, on motion, or at hours that are named; nonsense is refused by the field's name."""
    made = await add(admin)
    assert (made["analysis"], made["analysisHours"]) == ("always", [])
    url, hours = f"/api/v1/cameras/{made['id']}", [{"days": [1, 2], "start": "22:00", "end": "06:30"}]
    edited = (await admin.put(url, json={"analysis": "schedule", "analysisHours": hours})).json()["data"]
    assert (edited["analysis"], edited["analysisHours"]) == ("schedule", hours)
    assert (await admin.put(url, json={"analysis": "motion"})).json()["data"]["analysisHours"] == hours
    for form, field in (
        ({"analysis": "sometimes"}, "analysis"),
        ({"analysis": "schedule", "analysisHours": []}, "analysisHours"),
        ({"analysisHours": [{"days": [8], "start": "22:00", "end": "06:30"}]}, "analysisHours.0.days.0"),
        ({"analysisHours": [{"days": [1], "start": "24:00", "end": "06:30"}]}, "analysisHours.0.start"),
    ):
        refused = await admin.put(url, json=form)
        assert refused.status_code == 422, refused.text
        assert [one["field"] for one in refused.json()["error"]["details"]] == [field]


async def test_a_camera_has_a_liveness_policy_of_its_own(admin: httpx.AsyncClient) -> None:
    """Null is the site's, and may be said; what is left out stays."""
    made = await add(admin, liveness="refuse")
    url = f"/api/v1/cameras/{made['id']}"
    for change, holds in (({"name": "Gate 2"}, "refuse"), ({"liveness": "warn"}, "warn"), ({"liveness": None}, None)):
        changed = (await admin.put(url, json=change)).json()["data"]
        assert (made["liveness"], changed["liveness"]) == ("refuse", holds)
    answer = await admin.put(url, json={"liveness": "sometimes"})
    assert answer.status_code == 422
    assert answer.json()["error"]["details"][0]["field"] == "liveness"


async def test_a_camera_that_does_not_run_says_so(admin: httpx.AsyncClient) -> None:
    """Disabled: its state says it, its snapshot is 503, and it cannot be restarted."""
    made = await add(admin)
    url = f"/api/v1/cameras/{made['id']}"
    assert (await admin.get(f"{url}/status")).json()["data"]["state"] == "disabled"
    assert (await admin.get(f"{url}/stats")).json()["data"]["framesAnalysed"] == 0
    snapshot = await admin.get(f"{url}/snapshot.jpg")
    assert (snapshot.status_code, snapshot.json()["error"]["code"]) == (503, "camera_offline")
    assert (await admin.get(f"{url}/snapshot.jpg?width=1")).status_code == 400
    assert (await admin.post(f"{url}/restart")).status_code == 409


async def test_start_and_stop_are_kept(admin: httpx.AsyncClient) -> None:
    """Starting switches it on for the next start of the server too, stopping off."""
    made = await add(admin)
    url = f"/api/v1/cameras/{made['id']}"
    assert (await admin.post(f"{url}/start")).json()["data"]["enabled"] is True
    assert (await admin.get(url)).json()["data"]["enabled"] is True
    assert (await admin.post(f"{url}/stop")).json()["data"]["enabled"] is False


async def test_a_deleted_camera_is_gone(admin: httpx.AsyncClient) -> None:
    """204, then 404 on everything about it."""
    made = await add(admin)
    url = f"/api/v1/cameras/{made['id']}"
    assert (await admin.delete(url)).status_code == 204
    for method, path in (("GET", url), ("GET", f"{url}/status"), ("POST", f"{url}/start"), ("DELETE", url)):
        answer = await admin.request(method, path)
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, "camera_not_found")


async def test_probe_tells_what_a_file_is_or_why_not(tmp_path: Path, admin: httpx.AsyncClient) -> None:
    """A file that is no video is a reason, not a crash."""
    path = tmp_path / "not-a-video.mp4"
    path.write_bytes(b"hello" * 100)
    answer = await admin.post("/api/v1/cameras/probe", json={"kind": "file", "source": str(path)})
    assert answer.status_code == 503
    assert answer.json()["error"]["code"] in {"no_video", "failed", "unknown_codec"}
    missing = await admin.post("/api/v1/cameras/probe", json={"kind": "file", "source": str(tmp_path / "none.mp4")})
    assert missing.json()["error"]["code"] == "not_found"
