"""Frames: converted once, by whichever thread comes first."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from fractions import Fraction

import av
import numpy as np
import pytest

from server.media.frame import Frame


def frame(pts: int = 45000) -> Frame:
    pixels = np.full((720, 1280, 3), (40, 120, 200), np.uint8)
    picture = av.VideoFrame.from_ndarray(pixels, format="bgr24").reformat(format="yuv420p")
    return Frame("camera", picture, pts, Fraction(1, 90000), datetime(2026, 1, 5, tzinfo=UTC), 1.0)


def test_size_and_place_on_the_time_line() -> None:
    """Width and height are the picture's; seconds are pts in the stream's base."""
    one = frame()
    assert (one.width, one.height, one.seconds) == (1280, 720, 0.5)


def test_pixels_are_bgr_and_cannot_be_changed_for_others() -> None:
    """The colours come back; drawing on the shared array fails instead of showing up in the evidence."""
    pixels = frame().to_bgr()
    assert pixels.shape == (720, 1280, 3)
    assert np.abs(pixels[0, 0].astype(int) - (40, 120, 200)).max() <= 4
    with pytest.raises(ValueError, match="read-only"):
        pixels[0, 0] = 0


def test_many_threads_may_ask_at_once() -> None:
    """A snapshot and the analysis ask for the same frame: one conversion, and no crash of FFmpeg's converter."""
    with ThreadPoolExecutor(8) as pool:
        for _ in range(30):
            one = frame()
            results = list(pool.map(lambda _, asked=one: asked.to_bgr(), range(8)))
            assert all(result is results[0] for result in results)


def test_for_encoders() -> None:
    """A picture that encoders take is handed on as it is; another is converted once, its full range narrowed."""
    one = frame()
    assert one.to_yuv420p() is one.picture
    wide = av.VideoFrame.from_ndarray(np.full((96, 160, 3), 255, np.uint8), format="bgr24").reformat(format="yuvj444p")
    assert np.frombuffer(memoryview(wide.planes[0]), np.uint8)[0] == 255
    other = Frame("camera", wide, 0, Fraction(1, 90000), datetime(2026, 1, 5, tzinfo=UTC), 1.0)
    narrow = other.to_yuv420p()
    assert narrow.format.name == "yuv420p"
    assert narrow is other.to_yuv420p()
    assert abs(int(np.frombuffer(memoryview(narrow.planes[0]), np.uint8)[0]) - 235) <= 1


def test_analysis_and_encoder_may_ask_at_once() -> None:
    """Both conversions of one frame from several threads: the converter in the picture is used by one at a time."""
    with ThreadPoolExecutor(8) as pool:
        for _ in range(20):
            picture = frame().picture.reformat(format="yuvj422p")
            one = Frame("camera", picture, 0, Fraction(1, 90000), datetime(2026, 1, 5, tzinfo=UTC), 1.0)
            asked = [pool.submit(one.to_bgr if at % 2 else one.to_yuv420p) for at in range(8)]
            assert len({id(each.result()) for each in asked}) == 2
