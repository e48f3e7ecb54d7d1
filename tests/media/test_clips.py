"""server/media/clips.py: films of packets, as they came or painted over."""

import io
from dataclasses import replace
from pathlib import Path
from threading import Event

import av
import numpy as np
import pytest

from server.clock import ManualClock
from server.errors import SourceFailed
from server.media.clips import Film, Stopped, make_film
from server.media.frame import Pixels
from server.media.packet import TICKS, Packet
from server.media.source import Source, SourceSpec, VideoFacts
from server.media.timeline import Timeline
from tests.media.films import write_film


class Hasty(ManualClock):
    """Time passes by itself, so that a file is read at once."""

    def monotonic(self) -> float:
        self.advance(1)
        return super().monotonic()


def read(path: Path, count: int = 75) -> tuple[list[Packet], VideoFacts]:
    """As a camera's packets come."""
    clock = Hasty()
    source = Source(SourceSpec("door", "file", str(path)), clock=clock, timeline=Timeline(0.0))
    facts = source.open()
    packets = []
    for packet in source.packets():
        packets.append(packet)
        if len(packets) == count:
            break
    source.close()
    return packets, facts


def shown(film: Film) -> list[Pixels]:
    with av.open(io.BytesIO(film.content), "r") as container:
        return [np.asarray(one.to_ndarray(format="bgr24"), np.uint8) for one in container.decode(video=0)]


def times(film: Film) -> list[float]:
    with av.open(io.BytesIO(film.content), "r") as container:
        return [one.time for one in container.decode(video=0) if one.time is not None]


@pytest.mark.parametrize(
    ("codec", "name", "tag", "b_frames"),
    [("libx264", "h264", b"avc1", 0), ("libx264", "h264", b"avc1", 2), ("libx265", "hevc", b"hvc1", 0)],
)
def test_packets_stay_as_they_came(tmp_path: Path, codec: str, name: str, tag: bytes, b_frames: int) -> None:
    """From 0, evenly, each picture there; the table of contents is ahead of the pictures."""
    packets, facts = read(write_film(tmp_path / "film.mp4", frames=75, codec=codec, b_frames=b_frames, gop=25))
    before = [(one.encoded.pts, one.encoded.dts, bytes(one.encoded)) for one in packets]
    film = make_film(packets, facts, stop=Event())
    assert (film.codec, film.width, film.height, film.started_at) == (name, 160, 96, packets[0].captured_at)
    assert film.duration_s == pytest.approx(3, abs=0.1)
    assert film.content.find(b"moov") < film.content.find(b"mdat")
    assert tag in film.content
    seen = times(film)
    assert seen == pytest.approx([index / 25 for index in range(75)], abs=0.001)
    with av.open(io.BytesIO(film.content), "r") as container:
        copied = [bytes(one)[-8:] for one in container.demux(video=0) if one.size]
    assert copied == [bytes(one.encoded)[-8:] for one in packets]
    assert [(one.encoded.pts, one.encoded.dts, bytes(one.encoded)) for one in packets] == before


def test_it_begins_with_a_keyframe(tmp_path: Path) -> None:
    """What comes before the first cannot be decoded."""
    packets, facts = read(write_film(tmp_path / "film.mp4", frames=75, gop=25))
    film = make_film(packets[10:], facts, stop=Event())
    assert len(shown(film)) == 50
    assert times(film)[0] == 0
    assert film.started_at == packets[25].captured_at


def test_a_hole_stays_a_hole(tmp_path: Path) -> None:
    """Lost packets, up to a keyframe, do not make the rest come early."""
    packets, facts = read(write_film(tmp_path / "film.mp4", frames=75, gop=25))
    film = make_film([*packets[:10], *packets[50:]], facts, stop=Event())
    assert times(film)[9:12] == pytest.approx([9 / 25, 2.0, 2.04], abs=0.001)
    assert film.duration_s == pytest.approx(3, abs=0.1)


def test_a_clock_that_shows_pictures_before_they_are_decoded(tmp_path: Path) -> None:
    """As of a camera that tells only when a picture is shown, and not in which order."""
    packets, facts = read(write_film(tmp_path / "film.mp4", frames=75, b_frames=2, gop=25))
    last, told = -1, []
    for one in packets:
        last = max(one.pts, last + 1)
        told.append(replace(one, dts=last))
    film = make_film(told, facts, stop=Event())
    assert times(film) == pytest.approx([index / 25 for index in range(75)], abs=0.001)


@pytest.mark.parametrize(("codec", "ending"), [("mjpeg", "avi"), ("libvpx", "webm")])
def test_other_codecs_are_encoded(tmp_path: Path, codec: str, ending: str) -> None:
    """To H.264, which every browser plays."""
    packets, facts = read(write_film(tmp_path / f"film.{ending}", frames=75, codec=codec, gop=25))
    film = make_film(packets, facts, stop=Event())
    assert (film.codec, film.width, film.height) == ("h264", 160, 96)
    pictures = shown(film)
    assert len(pictures) == 75
    assert abs(int(pictures[0][50, 8, 2]) - 240) < 40


def test_what_is_painted_over_is_nowhere(tmp_path: Path) -> None:
    """In no picture, and the rest is as it was."""
    packets, facts = read(write_film(tmp_path / "film.mp4", frames=75, gop=25))

    def paint(image: Pixels) -> None:
        image[:48] = 0

    film = make_film(packets, facts, paint=paint, stop=Event())
    pictures = shown(film)
    assert (film.codec, len(pictures)) == ("h264", 75)
    assert max(int(one[:44].max()) for one in pictures) < 40
    assert min(int(one[60:].max()) for one in pictures) > 180
    plain = shown(make_film(packets, facts, stop=Event()))
    assert max(int(one[:44].max()) for one in plain) > 180


def test_a_long_encode_can_be_stopped(tmp_path: Path) -> None:
    """Between two pictures."""
    packets, facts = read(write_film(tmp_path / "film.avi", frames=75, codec="mjpeg"))
    stop = Event()
    painted = []

    def paint(image: Pixels) -> None:
        painted.append(image.shape)
        stop.set()

    with pytest.raises(Stopped):
        make_film(packets, facts, paint=paint, stop=stop)
    assert len(painted) == 1


def test_without_a_keyframe_there_is_no_film(tmp_path: Path) -> None:
    packets, facts = read(write_film(tmp_path / "film.mp4", frames=75, gop=25))
    for none in ([], packets[1:20]):
        with pytest.raises(SourceFailed):
            make_film(none, facts, stop=Event())


def test_the_time_line_of_a_day_does_not_show(tmp_path: Path) -> None:
    """A camera that has run for long has large timestamps."""
    packets, facts = read(write_film(tmp_path / "film.mp4", frames=75, gop=25))
    day = 86_400 * TICKS
    late = [replace(one, pts=one.pts + day, dts=one.dts + day) for one in packets]
    assert times(make_film(late, facts, stop=Event()))[:2] == pytest.approx([0, 0.04], abs=0.001)
