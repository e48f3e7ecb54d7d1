"""The demo's two films, composed once from public-domain portraits: people who come, move, leave and return."""

import hashlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np

from server.demo.pictures import Pixels, astronaut, grace_hopper, read_picture
from server.demo.scenery import COUNTER_Y, HEIGHT, WIDTH, Person, Place, collins, counter, hopper, room
from server.errors import Unavailable

FPS = 25
SECONDS = 22
_BIT_RATE = 1_800_000
# Goes up whenever what is composed changes, so that files made before are not taken for it.
_VERSION = 2


@dataclass(frozen=True, slots=True)
class DemoClip:
    """A camera of the demo: what it is called and the film it plays."""

    name: str
    path: Path


@dataclass(frozen=True, slots=True)
class Step:
    """Where a person is at a time: the middle of the face in the frame, and the scale of the portrait."""

    at_s: float
    x: float
    y: float
    scale: float


@dataclass(frozen=True, slots=True)
class Walk:
    """One person's way through a clip; before the first and after the last step nobody is there."""

    who: str
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Scene:
    name: str
    place: Place
    walks: tuple[Walk, ...]


SCENES = (
    Scene(
        "Entrance",
        "entrance",
        (
            Walk(
                "collins",
                (
                    Step(1.0, -320, 300, 0.95),
                    Step(3.4, 430, 290, 1.0),
                    Step(5.6, 640, 265, 1.35),
                    Step(8.4, 700, 262, 1.45),
                    Step(11.4, 1640, 285, 1.15),
                ),
            ),
            Walk(
                "collins",
                (
                    Step(14.0, 1600, 310, 0.85),
                    Step(16.2, 900, 300, 0.95),
                    Step(18.4, 560, 285, 1.1),
                    Step(21.0, -400, 290, 1.1),
                ),
            ),
        ),
    ),
    Scene(
        "Workshop",
        "workshop",
        (
            Walk(
                "hopper",
                (
                    Step(0.8, 1620, 340, 0.76),
                    Step(3.2, 900, 332, 0.78),
                    Step(5.6, 650, 300, 0.95),
                    Step(8.4, 560, 305, 0.88),
                    Step(11.0, -330, 335, 0.78),
                ),
            ),
            Walk(
                "collins",
                (
                    Step(12.4, -320, 300, 0.95),
                    Step(14.8, 420, 285, 1.1),
                    Step(17.4, 720, 270, 1.3),
                    Step(20.8, 1640, 290, 1.1),
                ),
            ),
        ),
    ),
)


def make_clips(folder: Path, *, seconds: int = SECONDS) -> list[DemoClip]:
    """Writes the clips that are not there yet: ten seconds of work, so on a thread. The names carry a stamp."""
    folder.mkdir(parents=True, exist_ok=True)
    stamp = _stamp(seconds)
    clips = [DemoClip(scene.name, folder / f"{scene.place}-{stamp}.mp4") for scene in SCENES]
    missing = [(scene, clip.path) for scene, clip in zip(SCENES, clips, strict=True) if not clip.path.is_file()]
    if missing:
        with ThreadPoolExecutor(len(missing)) as threads:
            list(threads.map(lambda pair: _write(pair[0], pair[1], seconds), missing))
    return clips


def enrolment_photo() -> bytes:
    """A JPEG of Eileen Collins in another crop, size and light than any frame of the clips."""
    crop = read_picture(astronaut())[0:330, 70:400]
    larger = cv2.resize(crop, None, fx=1.9, fy=1.9, interpolation=cv2.INTER_CUBIC)
    darker = cv2.convertScaleAbs(larger, alpha=0.88, beta=4)
    done, encoded = cv2.imencode(".jpg", darker, [cv2.IMWRITE_JPEG_QUALITY, 92])
    if not done:
        raise Unavailable("The enrolment photo cannot be written.", code="demo_picture_unreadable")
    return bytes(encoded.tobytes())


def _stamp(seconds: int) -> str:
    parts = hashlib.sha256(repr((_VERSION, FPS, seconds, _BIT_RATE, SCENES)).encode())
    for picture in (astronaut(), grace_hopper()):
        parts.update(picture.read_bytes())
    return parts.hexdigest()[:12]


def _write(scene: Scene, path: Path, seconds: int) -> None:
    unfinished = path.with_suffix(".part")
    with av.open(str(unfinished), "w", format="mp4", options={"movflags": "+faststart"}) as container:
        options = {"preset": "ultrafast", "profile": "baseline"}
        stream = container.add_stream("libx264", rate=FPS, options=options)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        stream.bit_rate = _BIT_RATE
        stream.codec_context.gop_size = FPS
        stream.codec_context.max_b_frames = 0
        stream.codec_context.thread_count = 1
        for index, pixels in enumerate(compose(scene, seconds)):
            picture = av.VideoFrame.from_ndarray(pixels, format="bgr24")
            picture.pts, picture.time_base = index, Fraction(1, FPS)
            container.mux(stream.encode(picture))
        container.mux(stream.encode(None))
    unfinished.replace(path)


def compose(scene: Scene, seconds: int = SECONDS) -> Iterator[Pixels]:
    """Every frame of a scene, (720, 1280, 3) BGR; the same ones each time."""
    empty, front = room(scene.place), counter(scene.place)
    people = {"collins": collins(), "hopper": hopper()}
    chance = np.random.default_rng(7)
    grains = [chance.integers(0, 4, (HEIGHT, WIDTH, 3), np.uint8) for _ in range(6)]
    for index in range(FPS * seconds):
        at_s = index / FPS
        frame = empty.copy()
        for walk in scene.walks:
            where = position(walk, at_s)
            if where is not None:
                _place(frame, people[walk.who], where, 1.6 * np.sin(at_s * 2.1))
        frame[COUNTER_Y:] = front
        light = 1.0 + 0.05 * np.sin(2 * np.pi * at_s / SECONDS) + 0.015 * np.sin(at_s * 3.3)
        frame = np.asarray(cv2.convertScaleAbs(frame, alpha=light, beta=-1), np.uint8)
        yield np.asarray(cv2.add(frame, grains[index % len(grains)]), np.uint8)


def position(walk: Walk, at_s: float) -> Step | None:
    """Where the person is, on a smooth way from step to step, with the rise and fall of walking."""
    for before, after in zip(walk.steps, walk.steps[1:], strict=False):
        if before.at_s <= at_s < after.at_s:
            part = (at_s - before.at_s) / (after.at_s - before.at_s)
            part = 0.35 * part + 0.65 * part * part * (3 - 2 * part)
            x, y, scale = (
                start + (end - start) * part
                for start, end in ((before.x, after.x), (before.y, after.y), (before.scale, after.scale))
            )
            return Step(at_s, x, y + 5 * scale * np.sin(at_s * 6.0), scale)
    return None


def _place(frame: Pixels, person: Person, where: Step, tilt: float) -> None:
    """Draws the person into the frame, in place, turned by `tilt` degrees round the face."""
    aside = 30 * where.scale  # room for the tilt
    left = max(0, int(where.x - person.head[0] * where.scale - aside))
    right = min(WIDTH, int(where.x + (person.mask.shape[1] - person.head[0]) * where.scale + aside))
    top, bottom = max(0, int(where.y - person.head[1] * where.scale)), COUNTER_Y
    if right - left < 2:
        return
    turn = cv2.getRotationMatrix2D(person.head, tilt, where.scale)
    turn[:, 2] += np.array([where.x - left, where.y - top]) - np.array(person.head)
    size = (right - left, bottom - top)
    method = cv2.INTER_AREA if where.scale < 0.6 else cv2.INTER_LINEAR
    picture = cv2.warpAffine(person.picture, turn, size, flags=method, borderMode=cv2.BORDER_REPLICATE)
    mask = cv2.warpAffine(person.mask, turn, size, flags=cv2.INTER_LINEAR)
    part = frame[top:bottom, left:right]
    part[:] = cv2.blendLinear(picture, np.ascontiguousarray(part), mask, 1 - mask)
