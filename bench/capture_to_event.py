"""From the capture of a frame to the event in a subscriber's hands, p50 and p95 over many sightings.

    python bench/capture_to_event.py [--sightings 15]

A whole server in a process of its own, with one `file` camera: a film of four seconds in which Eileen Collins comes in
and leaves again, so that each time round is a sighting of its own (the gap is set to a second). A WebSocket subscriber
notes when `sighting.recognized` arrives. Three lines: from the capture of the frame that decided (the event's `time`);
the server's own metric for the same way, up to the commit; and from the first frame of the sighting, which includes
gathering three agreeing votes at the configured frame budget. The ratio is to the bare time of one detection and one
embedding in this run.
"""

import argparse
import sys
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import monotonic, perf_counter

from bench.parts.films import write_film
from bench.parts.pictures import Pixels, frames_at
from bench.parts.report import figure, median, note, quantile
from server.demo.clips import Scene, Step, Walk, enrolment_photo
from server.loading import Models
from server.settings import Settings
from tests.journeys.client import Api, Subscriber
from tests.journeys.server import RollcallServer

FILM_S = 4.0
LONGEST_S = 90.0
WAY = (Step(0.0, 300, 300, 1.0), Step(0.8, 520, 285, 1.1), Step(1.8, 700, 275, 1.2), Step(2.4, 1500, 285, 1.1))
SCENE = Scene("Passage", "entrance", (Walk("collins", WAY),))
BARE = "detect_and_embed"


def bare_seconds(models: Models, picture: Pixels, times: int = 15) -> float:
    """One detection and one embedding of the face it finds, with nothing around."""
    took = []
    for _ in range(times):
        started = perf_counter()
        [faces] = models.detector.detect([picture])
        models.embedder.embed(models.embedder.align(picture, faces.landmarks[0])[None])
        took.append(perf_counter() - started)
    return median(took)


def delays(events: Subscriber, camera_id: str, wanted: int) -> tuple[list[float], list[float]]:
    """Seconds from the deciding frame, and from the first frame of the sighting, to the arrival of each event."""
    from_deciding: list[float] = []
    from_first: list[float] = []
    until, seen = monotonic() + LONGEST_S, set[str]()

    def another(data: dict[str, object]) -> bool:
        return data["cameraId"] == camera_id and data["id"] not in seen

    while len(from_deciding) < wanted and monotonic() < until:
        at, event = events.timed_event("sighting.recognized", another, within_s=30)
        seen.add(event["data"]["id"])
        arrived = datetime.now(UTC) - timedelta(seconds=monotonic() - at)
        from_deciding.append((arrived - datetime.fromisoformat(event["time"])).total_seconds())
        from_first.append((arrived - datetime.fromisoformat(event["data"]["startedAt"])).total_seconds())
    return from_deciding, from_first


def metric_mean(api: Api) -> float:
    """The mean of the server's own `capture_to_event_seconds`."""
    name = "rollcall_capture_to_event_seconds"
    lines = (line.split() for line in api.raw("GET", "/metrics").text.splitlines())
    values = {line[0]: float(line[1]) for line in lines if len(line) == 2 and line[0].startswith(name)}
    return values[f"{name}_sum"] / max(1.0, values[f"{name}_count"])


def show(name: str, seconds: list[float], bare: float) -> None:
    for label, part in (("p50", 0.5), ("p95", 0.95)):
        figure(f"{name}, {label}", 1000 * quantile(seconds, part), (BARE, 1000 * bare))


def measure(folder: Path, wanted: int, report: Callable[[list[float], list[float], float], None]) -> None:
    """Runs the server on the film until there are enough sightings, then reports."""
    film = write_film(folder / "passage.mp4", SCENE, 0.0, FILM_S)
    settings = {"ROLLCALL_SIGHTINGS__GAP_S": "1", "ROLLCALL_ATTENDANCE__COOLDOWN_S": "0"}
    with RollcallServer(folder, roots=[folder], settings=settings) as server, server.login() as api:
        api.enrol("Eileen Collins", enrolment_photo())
        with server.subscriber(api.token) as events:
            events.subscribe("sightings")
            camera_id = api.add_camera("Passage", film)
            deciding, first = delays(events, camera_id, wanted)
            report(deciding, first, metric_mean(api))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sightings", type=int, default=15)
    asked = parser.parse_args()
    bare = bare_seconds(Models.load(Settings()), frames_at(0, (4.6,))[0])

    def report(deciding: list[float], first: list[float], metric: float) -> None:
        note(f"{len(deciding)} sightings; milliseconds")
        show("capture_to_event_ms", deciding, bare)
        figure("capture_to_commit_ms, mean of the metric", 1000 * metric, (BARE, 1000 * bare))
        show("first_frame_to_event_ms", first, bare)

    with tempfile.TemporaryDirectory() as folder:
        measure(Path(folder), asked.sightings, report)
    return 0


if __name__ == "__main__":
    sys.exit(main())
