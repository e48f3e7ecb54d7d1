"""What a histogram says of the time between two looks at it."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Counter, Histogram

from server.pipeline.tally import Tally, counted, tallies

BOUNDS = (0.01, 0.1, 1.0)


def histogram(*labels: str) -> Histogram:
    return Histogram("took", "Seconds", labels, registry=CollectorRegistry(), buckets=BOUNDS)


def test_only_what_came_since() -> None:
    """Of each label by itself."""
    took = histogram("kind")
    took.labels("detect").observe(0.5)
    before = tallies(took, "kind")
    took.labels("detect").observe(0.05)
    took.labels("detect").observe(0.05)
    took.labels("embed").observe(2.0)
    now = tallies(took, "kind")
    detect = now["detect"].since(before["detect"])
    assert detect.count == 2
    assert detect.mean == pytest.approx(0.05)
    assert detect.quantile(0.5) == pytest.approx(0.055)
    assert now["embed"].since(Tally()).quantile(0.5) == 1.0  # beyond what the buckets tell apart
    assert (now["embed"].since(now["embed"]).mean, now["embed"].since(now["embed"]).quantile(0.5)) == (None, None)


def test_all_together() -> None:
    """Without a label, of all of them; of a counter too."""
    took = histogram("kind")
    took.labels("detect").observe(0.5)
    took.labels("embed").observe(0.25)
    assert (tallies(took)[""].count, tallies(took)[""].total) == (2, 0.75)
    assert tallies(histogram())[""].count == 0
    frames = Counter("frames", "Frames", ("camera",), registry=CollectorRegistry())
    frames.labels("a").inc(2)
    frames.labels("b").inc(3)
    assert counted(frames) == 5


@settings(max_examples=40, deadline=None)
@given(st.lists(st.floats(0, 0.999), min_size=1, max_size=30), st.floats(0.01, 1))
def test_a_quantile_is_in_the_bucket_of_the_value(values: list[float], share: float) -> None:
    """Which is as exact as a histogram can be."""
    took = histogram()
    for value in values:
        took.observe(value)
    found = tallies(took)[""].quantile(share)
    exact = sorted(values)[max(0, -(-round(share * len(values) * 1e9) // 10**9) - 1)]
    bounds = [0.0, *BOUNDS]
    assert found is not None
    at = next(index for index, bound in enumerate(bounds) if exact <= bound) or 1
    assert bounds[at - 1] - 1e-9 <= found <= bounds[at] + 1e-9
