"""Uploaded pictures are measured before they are decoded, and come out upright."""

import struct
import zlib
from typing import Literal

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.errors import PhotoRefused
from server.identity.pictures import MOST_PIXELS, bounded, decode, encode_jpeg, header_size, square
from server.vision.detections import Pixels

# Lying on its side, as a phone stores a portrait: what is at the left here belongs at the top.
WIDE = np.zeros((40, 96, 3), np.uint8)
WIDE[:, :48] = 200
ROTATE_RIGHT = b"II*\0\x08\0\0\0\x01\0" + struct.pack("<HHII", 0x112, 3, 1, 6) + b"\0\0\0\0"


def encoded(image: Pixels, kind: Literal[".jpg", ".png", ".webp"], *options: int) -> bytes:
    done, written = cv2.imencode(kind, image, list(options))
    assert done
    return bytes(written.tobytes())


def sideways(kind: str) -> bytes:
    """The picture with the orientation of a camera that was held upright."""
    if kind == ".jpg":
        plain = encoded(WIDE, ".jpg")
        note = b"Exif\0\0" + ROTATE_RIGHT
        return plain[:2] + b"\xff\xe1" + struct.pack(">H", len(note) + 2) + note + plain[2:]
    if kind == ".png":
        plain = encoded(WIDE, ".png")
        check = struct.pack(">I", zlib.crc32(b"eXIf" + ROTATE_RIGHT))
        return plain[:33] + struct.pack(">I", len(ROTATE_RIGHT)) + b"eXIf" + ROTATE_RIGHT + check + plain[33:]
    plain = encoded(WIDE, ".webp")
    extended = bytes([8, 0, 0, 0]) + (95).to_bytes(3, "little") + (39).to_bytes(3, "little")
    body = b"WEBPVP8X" + struct.pack("<I", 10) + extended + plain[12:]
    body += b"EXIF" + struct.pack("<I", len(ROTATE_RIGHT)) + ROTATE_RIGHT
    return b"RIFF" + struct.pack("<I", len(body)) + body


@pytest.mark.parametrize("kind", [".jpg", ".png", ".webp"])
def test_a_picture_comes_out_upright(kind: Literal[".jpg", ".png", ".webp"]) -> None:
    """The orientation that a camera noted is followed, in every kind of file."""
    assert decode(encoded(WIDE, kind)).shape == (40, 96, 3)
    upright = decode(sideways(kind))
    assert upright.shape == (96, 40, 3)
    assert upright[:40].mean() > 190
    assert upright[56:].mean() < 10


@pytest.mark.parametrize("shape", [(1, 1), (40, 96), (337, 211), (3000, 17)])
def test_the_header_says_how_large_it_is(shape: tuple[int, int]) -> None:
    """For JPEG (also progressive and with notes), PNG, and all three kinds of WebP."""
    image = np.random.default_rng(0).integers(0, 255, (*shape, 3), np.uint8)
    size = (shape[1], shape[0])
    assert header_size(encoded(image, ".jpg")) == size
    assert header_size(encoded(image, ".jpg", cv2.IMWRITE_JPEG_PROGRESSIVE, 1)) == size
    assert header_size(encoded(image, ".png")) == size
    assert header_size(encoded(image, ".webp", cv2.IMWRITE_WEBP_QUALITY, 80)) == size
    assert header_size(encoded(image, ".webp", cv2.IMWRITE_WEBP_QUALITY, 101)) == size
    for kind in (".jpg", ".png", ".webp"):
        assert header_size(sideways(kind)) == (96, 40)


def test_a_bomb_is_refused_by_its_header() -> None:
    """A file of a few bytes that claims more pixels than allowed is never decoded."""
    header = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    bomb = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + header + struct.pack(">I", zlib.crc32(b"IHDR" + header))
    with pytest.raises(PhotoRefused, match="million pixels") as refused:
        decode(bomb)
    assert refused.value.code == "unreadable"
    assert MOST_PIXELS < 60_000 * 60_000


def test_a_very_large_picture_is_decoded_at_half_its_size() -> None:
    """A phone's picture does not take all the memory."""
    assert decode(encoded(np.zeros((4001, 4001, 3), np.uint8), ".jpg")).shape == (2001, 2001, 3)


@pytest.mark.parametrize(
    "wrong",
    [
        b"",
        b"GIF89a",
        b"<svg/>",
        b"\xff\xd8\xff",
        b"\x89PNG\r\n\x1a\n",
        encoded(WIDE, ".jpg")[:150],
        encoded(WIDE, ".png")[:40],
        encoded(WIDE, ".webp")[:30],
    ],
)
def test_what_cannot_be_read_is_refused(wrong: bytes) -> None:
    """Other files, and the beginnings of pictures."""
    with pytest.raises(PhotoRefused) as refused:
        decode(wrong)
    assert refused.value.code == "unreadable"


@given(
    st.sampled_from(
        [b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", b"RIFF\0\0\0\0WEBPVP8X", b"RIFF\0\0\0\0WEBPVP8 "]
    ),
    st.binary(max_size=60),
)
def test_any_bytes_have_a_size_or_none(start: bytes, rest: bytes) -> None:
    """The header is read from whoever uploads: no bytes make it fail or hang."""
    size = header_size(start + rest)
    assert size is None or len(size) == 2


def test_a_picture_is_bounded_but_never_grown() -> None:
    """The longer side is cut down to the bound; the other one follows."""
    assert bounded(np.zeros((300, 3000, 3), np.uint8), 1600).shape == (160, 1600, 3)
    assert bounded(WIDE, 1600) is WIDE
    assert bounded(np.zeros((1, 5000, 3), np.uint8), 1600).shape == (1, 1600, 3)


def test_a_square_shows_what_is_around_its_centre() -> None:
    """Also where it hangs over the edge of the picture, or lies outside of it."""
    part = square(WIDE, (48.0, 20.0), 10.0, 64)
    assert part.shape == (64, 64, 3)
    assert part[:, :20].mean() > 190
    assert part[:, 44:].mean() < 10
    assert square(WIDE, (0.0, 0.0), 500.0, 64).shape == (64, 64, 3)
    assert square(WIDE, (-900.0, 900.0), 5.0, 64).shape == (64, 64, 3)


def test_a_written_picture_carries_no_notes() -> None:
    """Where and with what it was taken does not stay in what is kept."""
    written = encode_jpeg(decode(sideways(".jpg")))
    assert b"Exif" not in written
    assert decode(written).shape == (96, 40, 3)
