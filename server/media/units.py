"""Reads the beginning of encoded pictures: whether one is a keyframe, and which headers it brings along."""

from collections.abc import Iterator
from typing import Literal

PushedCodec = Literal["h264", "vp8"]

_IDR, _SPS, _PPS = 5, 7, 8
_START = b"\x00\x00\x01"
_LONG_START = b"\x00\x00\x00\x01"


def is_keyframe(codec: PushedCodec, encoded: bytes) -> bool:
    """Whether this picture can be decoded alone."""
    if codec == "vp8":
        return len(encoded) >= 10 and not encoded[0] & 1 and encoded[3:6] == b"\x9d\x01\x2a"
    return any(unit[0] & 31 == _IDR for unit in units(encoded))


def headers(codec: PushedCodec, encoded: bytes) -> bytes:
    """What a keyframe says about those that follow: its parameter sets, or its size. Equal bytes mean no change."""
    if codec == "vp8":
        return encoded[6:10]
    return b"".join(_LONG_START + unit for unit in units(encoded) if unit[0] & 31 in (_SPS, _PPS))


def units(encoded: bytes) -> Iterator[bytes]:
    """The NAL units of an H.264 access unit in Annex B form. The slices of a picture come last, as one."""
    at = encoded.find(_START)
    while at >= 0:
        begin = at + len(_START)
        if begin >= len(encoded):
            return
        if encoded[begin] & 31 in (1, _IDR):
            # Nothing but slices follows: a large picture is not searched through.
            yield encoded[begin:]
            return
        at = encoded.find(_START, begin)
        unit = encoded[begin:] if at < 0 else encoded[begin:at].rstrip(b"\x00")
        if unit:
            yield unit
