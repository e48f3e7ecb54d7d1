"""server/media/status.py: how well a stream runs."""

import pytest

from server.media.status import Meter


def test_rate_over_a_window() -> None:
    """The rate is that of the last seconds: it follows a change, and is nothing when nothing comes."""
    meter = Meter(window_s=5.0)
    assert meter.fps(0.0) == 0.0
    for index in range(250):
        meter.arrived(index / 25)
    assert meter.fps(10.0) == pytest.approx(25, abs=0.3)
    for index in range(50):
        meter.arrived(10 + index / 10)
    assert meter.fps(15.0) == pytest.approx(10, abs=0.3)
    assert meter.fps(19.0) < 5
    assert meter.fps(30.0) == 0.0


def test_bits_a_second() -> None:
    """Over the same window; none known where nothing comes."""
    meter = Meter(window_s=5.0)
    assert meter.bitrate_kbps(0.0) is None
    for index in range(250):
        meter.arrived(index / 25, 10_000)
    assert meter.bitrate_kbps(10.0) == pytest.approx(2000, rel=0.02)
    assert meter.bitrate_kbps(30.0) is None


def test_latency_is_smoothed() -> None:
    """One late frame moves the latency a little; a reset forgets it."""
    meter = Meter()
    assert meter.latency_ms is None
    meter.decoded(0.010)
    meter.decoded(0.110)
    assert meter.latency_ms == pytest.approx(20.0)
    meter.reset()
    assert meter.latency_ms is None
