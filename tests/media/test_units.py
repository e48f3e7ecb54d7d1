"""server/media/units.py: what the beginning of an encoded picture tells."""

import pytest

from server.media.units import PushedCodec, headers, is_keyframe, units
from tests.media.films import published

START = b"\x00\x00\x00\x01"


@pytest.mark.parametrize("codec", ["h264", "vp8"])
def test_keyframes(codec: PushedCodec) -> None:
    """Real pictures: every tenth is a keyframe, all of them with the same headers; another size tells others."""
    sent = published(codec, 21)
    assert [at for at, each in enumerate(sent) if is_keyframe(codec, each)] == [0, 10, 20]
    assert len({headers(codec, sent[at]) for at in (0, 10, 20)}) == 1
    assert headers(codec, published(codec, 1, size=(320, 180))[0]) != headers(codec, sent[0])


def test_units() -> None:
    """Start codes of three and four bytes; slices are not searched through; nothing breaks on what is cut short."""
    sets = START + b"\x67abc" + b"\x00\x00\x01\x68de" + START + b"\x06sei"
    assert list(units(sets + START + b"\x65slice\x00\x00\x01\x65more")) == [
        b"\x67abc",
        b"\x68de",
        b"\x06sei",
        b"\x65slice\x00\x00\x01\x65more",
    ]
    assert headers("h264", sets) == START + b"\x67abc" + START + b"\x68de"
    for cut in (b"", b"\x00\x00", START, START + START, b"rubbish"):
        assert list(units(cut)) == []
        assert not is_keyframe("h264", cut)
        assert not is_keyframe("vp8", cut)
