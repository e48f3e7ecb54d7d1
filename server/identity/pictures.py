"""Uploaded pictures: how large one is before it is decoded, the pixels turned upright, and back to JPEG."""

import struct
from collections.abc import Callable

import cv2
import numpy as np

from server.errors import PhotoRefused
from server.vision.detections import Pixels

MOST_PIXELS = 50_000_000
# Above this a JPEG is decoded at half its size: a phone's 48 megapixels would take 144 MB for nothing.
HALVE_ABOVE = 16_000_000

_NOT_A_PICTURE = "This is not a picture that can be read. Send a JPEG, PNG or WebP file."
_DAMAGED = "This picture is damaged or incomplete. Save it again, or take another one."
_TOO_LARGE = f"This picture has more than {MOST_PIXELS // 1_000_000} million pixels. Send a smaller copy."


def header_size(picture: bytes) -> tuple[int, int] | None:
    """Width and height as the file's header states them; None where it is no JPEG, PNG or WebP."""
    reader: Callable[[bytes], tuple[int, int] | None] | None = None
    if picture.startswith(b"\xff\xd8\xff"):
        reader = _jpeg_size
    elif picture.startswith(b"\x89PNG\r\n\x1a\n") and picture[12:16] == b"IHDR":
        reader = _png_size
    elif picture.startswith(b"RIFF") and picture[8:12] == b"WEBP":
        reader = _webp_size
    try:
        return reader(picture) if reader else None
    except (IndexError, struct.error):
        return None


def decode(picture: bytes) -> Pixels:
    """(height, width, 3) BGR, upright as the camera's orientation says. Raises PhotoRefused `unreadable`.

    The header is looked at first: a small file may claim a picture that fills the memory.
    """
    size = header_size(picture)
    if size is None or min(size) < 1:
        raise PhotoRefused(_NOT_A_PICTURE, code="unreadable")
    pixels = size[0] * size[1]
    if pixels > MOST_PIXELS:
        raise PhotoRefused(_TOO_LARGE, code="unreadable")
    flags = cv2.IMREAD_REDUCED_COLOR_2 if pixels > HALVE_ABOVE else cv2.IMREAD_COLOR
    try:
        image = cv2.imdecode(np.frombuffer(picture, np.uint8), flags)
    except cv2.error:
        image = None
    if image is None:
        raise PhotoRefused(_DAMAGED, code="unreadable")
    return np.asarray(image, np.uint8)


def encode_jpeg(image: Pixels, quality: int = 90) -> bytes:
    """A BGR picture as JPEG, without any of the metadata that the upload had."""
    done, encoded = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])
    if not done:
        raise ValueError(f"a picture of {image.shape} cannot be written as JPEG")
    return bytes(encoded.tobytes())


def bounded(image: Pixels, longest: int) -> Pixels:
    """The picture with its longer side at most that long; it never grows."""
    height, width = image.shape[:2]
    factor = longest / max(height, width)
    if factor >= 1:
        return image
    size = max(1, round(width * factor)), max(1, round(height * factor))
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)


def square(image: Pixels, centre: tuple[float, float], reach: float, side: int) -> Pixels:
    """A square of `side` pixels that shows what lies within `reach` of the centre; the picture's edge is repeated."""
    height, width = image.shape[:2]
    radius = max(1, round(reach))
    x, y = min(max(round(centre[0]), 0), width - 1), min(max(round(centre[1]), 0), height - 1)
    left, top, right, bottom = x - radius, y - radius, x + radius, y + radius
    part = image[max(top, 0) : min(bottom, height), max(left, 0) : min(right, width)]
    part = cv2.copyMakeBorder(
        part, max(-top, 0), max(bottom - height, 0), max(-left, 0), max(right - width, 0), cv2.BORDER_REPLICATE
    )
    how = cv2.INTER_AREA if part.shape[0] > side else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(part, (side, side), interpolation=how), np.uint8)


def _jpeg_size(picture: bytes) -> tuple[int, int] | None:
    at = 2
    while at + 4 <= len(picture):
        if picture[at] != 0xFF:
            return None
        marker = picture[at + 1]
        if marker == 0xFF:  # fill bytes may stand before a marker
            at += 1
        elif marker == 0x01 or 0xD0 <= marker <= 0xD8:  # markers without a length
            at += 2
        elif 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            height, width = struct.unpack_from(">HH", picture, at + 5)
            return width, height
        elif marker in (0xD9, 0xDA):
            return None
        else:
            (length,) = struct.unpack_from(">H", picture, at + 2)
            at += 2 + max(length, 2)
    return None


def _png_size(picture: bytes) -> tuple[int, int]:
    width, height = struct.unpack_from(">II", picture, 16)
    return width, height


def _webp_size(picture: bytes) -> tuple[int, int] | None:
    kind = picture[12:16]
    if kind == b"VP8X":
        extent = struct.unpack_from("<HBHB", picture, 24)
        return (extent[0] | extent[1] << 16) + 1, (extent[2] | extent[3] << 16) + 1
    if kind == b"VP8L":
        (bits,) = struct.unpack_from("<I", picture, 21)
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if kind == b"VP8 ":
        width, height = struct.unpack_from("<HH", picture, 26)
        return width & 0x3FFF, height & 0x3FFF
    return None
