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
