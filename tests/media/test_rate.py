"""The bit rate of an encode that many share."""

import pytest

from server.media.rate import slowest_third


@pytest.mark.parametrize(
    ("rates", "chosen"),
    [
        ([], None),
        ([None], None),
        ([500], 500),
        ([None, 500], 500),
        ([900, 500, None], 500),
        ([900, 500, None, 700], 700),  # of four, one may be slower
        ([100, None, None, None, None, None], None),
        ([100, 200, 300, 400, None, None], 200),
        ([100, 200, 300, None, None, None, None], 300),
    ],
)
def test_the_slowest_third_sets_it(rates: list[int | None], chosen: int | None) -> None:
    """One of three viewers, two of six: who is slower than they are gets fewer pictures instead."""
    assert slowest_third(rates) == chosen
