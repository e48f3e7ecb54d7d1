"""server/media/pushed_source.py: a publication read on the camera's thread."""

from itertools import islice

import pytest

from server.clock import ManualClock
from server.errors import SourceFailed
from server.media.outlets import Outlets
from server.media.packet import Packet
from server.media.publication import Publication
from server.media.pushed_source import PushedSource
from server.media.status import Meter
from server.media.timeline import Timeline
from server.media.units import PushedCodec, headers, units
from tests.media.films import published


class Desk:
    """A publication, its source and what was asked of its publisher."""

    def __init__(self, codec: PushedCodec = "h264") -> None:
        self.clock = ManualClock()
        self.asked = 0
        self.publication = Publication(codec, lambda: None, self.clock)
        self.outlets = Outlets("c1", self.clock, Meter())
        self.source = PushedSource(
            "c1",
            self.publication,
            timeline=Timeline(self.clock.monotonic()),
            outlets=self.outlets,
            ask=self.ask,
            silent_after_s=0.05,
        )

    def ask(self) -> None:
        self.asked += 1

    def put(self, sent: list[bytes], first: int = 0) -> None:
        for at, data in enumerate(sent):
            self.publication.put(data, (first + at * 3600) % 2**32)
            self.clock.advance(0.04)

    def read(self, count: int) -> list[Packet]:
        self.outlets.opened(self.source.open())
        return list(islice(self.source.packets(), count))


@pytest.mark.parametrize(("codec", "profile"), [("h264", "Constrained Baseline"), ("vp8", None)])
def test_facts(codec: PushedCodec, profile: str | None) -> None:
    """What is published is looked at: codec, size and profile are those of the picture."""
    desk = Desk(codec)
    desk.put(published(codec, 2))
    facts = desk.source.open()
    assert (facts.codec, facts.width, facts.height, facts.has_b_frames) == (codec, 160, 96, False)
    assert facts.pixel_format == "yuv420p"
    if profile:
        assert facts.profile == profile


def test_time_line() -> None:
    """32 bits run over in the middle: the line goes on, each picture with its own arrival."""
    desk = Desk()
    desk.put(published("h264", 12), first=2**32 - 5 * 3600)
    packets = desk.read(12)
    assert [packet.pts for packet in packets] == [at * 3600 for at in range(12)]
    assert [round(packet.captured_monotonic - 1000, 2) for packet in packets] == [
        round(at * 0.04, 2) for at in range(12)
    ]
    assert [packet.keyframe for packet in packets] == [at in (0, 10) for at in range(12)]
    assert all(packet.encoded.is_keyframe == packet.keyframe for packet in packets)


def test_parameter_sets_that_came_once() -> None:
    """Every keyframe gets them, whether the publisher repeats them or not."""
    desk, sent = Desk(), published("h264", 11)
    (bare,) = [unit for unit in units(sent[10]) if unit[0] & 31 == 5]
    sent[10] = b"\x00\x00\x00\x01" + bare
    assert headers("h264", sent[10]) == b""
    desk.put(sent)
    packets = desk.read(11)
    assert headers("h264", bytes(packets[10].encoded)) == headers("h264", sent[0])


def test_the_size_changes() -> None:
    """Browsers adapt: the facts follow the picture, and the reading goes on."""
    desk = Desk()
    desk.put(published("h264", 3) + published("h264", 3, size=(320, 180)))
    desk.read(6)
    assert desk.outlets.facts is not None
    assert (desk.outlets.facts.width, desk.outlets.facts.height) == (320, 180)


def test_rubbish_first() -> None:
    """A keyframe that cannot be decoded is not the first: another is asked for, and the camera begins there."""
    desk, sent = Desk(), published("h264", 2)
    (bare,) = [unit for unit in units(sent[0]) if unit[0] & 31 == 5]
    desk.put([b"\x00\x00\x00\x01" + bare, *sent])
    packets = desk.read(2)
    assert desk.asked == 1
    assert [packet.pts for packet in packets] == [3600, 7200]


async def test_damage_is_noticed() -> None:
    """A picture that cannot be decoded whole is shown patched up, and a keyframe is asked for, once."""
    desk, sent = Desk(), published("h264", 9, size=(320, 180))
    sent[5] = sent[5][:8] + b"\xff" * 50
    desk.put(sent)
    with desk.outlets.frames():
        desk.outlets.opened(desk.source.open())
        for packet in islice(desk.source.packets(), 9):
            desk.outlets.publish(packet)
            assert desk.asked == (packet.pts > 5 * 3600)


def test_ends() -> None:
    """Nothing for a while is a time-out; a stop and the publisher's leaving are ends."""
    for step, code in ((None, "timed_out"), ("stop", "ended"), ("close", "ended")):
        desk = Desk()
        if step == "stop":
            desk.source.stop()
        elif step == "close":
            desk.publication.close()
        with pytest.raises(SourceFailed) as failure:
            desk.source.open()
        assert failure.value.code == code
        desk.source.close()
