"""server/webrtc/packetiser.py: pictures become RTP payloads that a receiver puts together again, once for everybody."""

from dataclasses import replace

import av
from aiortc.codecs.h264 import h264_depayload

from server.webrtc.packetiser import Packetiser
from tests.webrtc.pictures import packets


def test_payloads_make_the_picture_again(pictures: list[bytes]) -> None:
    """What the payloads hold decodes to as many frames as went in, and none is too large for a datagram."""
    packetiser = Packetiser()
    decoder = av.CodecContext.create("h264", "r")
    frames = 0
    for packet in packets(pictures):
        payloads = packetiser.payloads(packet)
        assert all(len(payload) <= 1300 for payload in payloads)
        frames += len(decoder.decode(av.Packet(b"".join(map(h264_depayload, payloads)))))
    frames += len(decoder.decode(None))
    assert frames == len(pictures)


def test_delimiters_and_empty_units_do_no_harm(pictures: list[bytes]) -> None:
    """Some cameras begin each picture with a delimiter; a unit without a byte is left out."""
    packetiser = Packetiser()
    decoder = av.CodecContext.create("h264", "r")
    frames = 0
    for packet in packets([b"\0\0\0\1\x09\xf0\0\0\1" + picture + b"\0\0\1" for picture in pictures]):
        frames += len(decoder.decode(av.Packet(b"".join(map(h264_depayload, packetiser.payloads(packet))))))
    frames += len(decoder.decode(None))
    assert frames == len(pictures)


def test_cut_once_for_everybody(pictures: list[bytes]) -> None:
    """The same list for every viewer, for who comes late too."""
    packetiser = Packetiser()
    packet = packets(pictures)[0]
    assert packetiser.payloads(packet) is packetiser.payloads(packet)
    assert packetiser.payloads(replace(packet, cached=True)) is packetiser.payloads(packet)


def test_remembers_a_bounded_number() -> None:
    """An old picture is cut again."""
    packetiser = Packetiser()
    line = packets([b"\0\0\0\1\x65" + bytes([index % 200 + 1]) * 50 for index in range(400)])
    first = packetiser.payloads(line[0])
    for packet in line:
        packetiser.payloads(packet)
    assert packetiser.payloads(line[0]) is not first
    assert packetiser.payloads(line[0]) == first


def test_a_picture_without_units() -> None:
    """Nothing to send."""
    assert Packetiser().payloads(packets([b"\1\2\3"])[0]) == []
