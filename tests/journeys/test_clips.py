"""A camera with clips on: each sighting gets its film, of which nothing was encoded and which can be sought in."""

import io
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import av
import pytest

from tests.journeys.client import Api, Json
from tests.journeys.server import RollcallServer
from tests.sources import DemoSources

pytestmark = [pytest.mark.journey, pytest.mark.timeout(400)]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, demo: DemoSources) -> Iterator[RollcallServer]:
    folder = tmp_path_factory.mktemp("clips")
    with RollcallServer(folder, roots=[demo.folder], settings={"ROLLCALL_SIGHTINGS__GAP_S": "1"}) as running:
        yield running


def clip_of(api: Api, sighting_id: str) -> Json:
    for _ in range(120):
        found = api.get("clips", sightingId=sighting_id)
        if found:
            [clip] = found
            return dict(clip)
        time.sleep(0.5)
    raise AssertionError("no clip of the sighting")


def with_clips(api: Api, demo: DemoSources) -> str:
    form = {"name": "Entrance", "source": str(demo.entrance), "kind": "file", "role": "in", "clips": True}
    camera_id: str = api.post("cameras", form)["id"]
    return camera_id


def film_of(api: Api, clip: Json) -> bytes:
    answer = api.raw("GET", clip["url"])
    assert (answer.status_code, answer.headers["content-type"]) == (200, "video/mp4")
    return answer.content


def test_a_sighting_gets_its_clip(server: RollcallServer, api: Api, demo: DemoSources) -> None:
    """From some seconds before until some seconds after, from a keyframe on, as the camera encoded it."""
    camera = with_clips(api, demo)
    with server.subscriber(api.token) as hears:
        hears.subscribe("sightings")
        sighting = hears.event("sighting.unknown")["data"]
    clip = clip_of(api, sighting["id"])
    assert (clip["cameraId"], clip["sightingId"], clip["masked"]) == (camera, sighting["id"], False)
    assert (clip["codec"], clip["width"], clip["height"]) == ("h264", 1280, 720)
    began = datetime.fromisoformat(clip["startedAt"])
    seen = datetime.fromisoformat(sighting["startedAt"])
    assert began <= seen < began + timedelta(seconds=clip["durationS"])
    assert 5 <= clip["durationS"] <= 20
    content = film_of(api, clip)
    assert len(content) == clip["sizeBytes"]
    with av.open(io.BytesIO(content), "r") as film:
        [video] = film.streams
        first = next(one for one in film.demux(video) if one.size)
        assert first.is_keyframe
        assert first.pts == 0
        film.seek(0)
        times = [frame.time for frame in film.decode(video=0) if frame.time is not None]
    assert times == sorted(times)
    assert times[-1] == pytest.approx(clip["durationS"], abs=0.5)
    part = api.raw("GET", clip["url"], headers={"Range": "bytes=100-199"})
    assert (part.status_code, part.content) == (206, content[100:200])
    assert part.headers["Content-Range"] == f"bytes 100-199/{len(content)}"
    api.call("DELETE", f"clips/{clip['id']}", 204)
    assert api.get("clips", sightingId=sighting["id"]) == []
    assert api.raw("GET", clip["url"]).status_code == 404


def test_a_stop_finishes_the_clip(server: RollcallServer, api: Api, demo: DemoSources) -> None:
    """As far as it came, also where the whole server stops."""
    with_clips(api, demo)
    with server.subscriber(api.token) as hears:
        hears.subscribe("sightings")
        sighting = hears.event("sighting.unknown")["data"]
    server.stop()
    server.start()
    with server.login() as again:
        clip = clip_of(again, sighting["id"])
        with av.open(io.BytesIO(film_of(again, clip)), "r") as film:
            assert len(list(film.decode(video=0))) > 10
    assert not [line for line in server.complaints() if "clip" in line]


def test_without_clips_there_are_none(server: RollcallServer, api: Api, demo: DemoSources, tmp_path: Path) -> None:
    """Nothing is kept of a camera that is not asked to."""
    before = len(api.get("clips"))
    api.add_camera("Entrance", demo.entrance)
    with server.subscriber(api.token) as hears:
        hears.subscribe("sightings")
        hears.event("sighting.unknown")
        hears.event("sighting.closed")
    assert len(api.get("clips")) == before
