"""server/demo/scenery.py: rooms, counters and people cut out of portraits."""

import numpy as np
import pytest

from server.demo.scenery import COUNTER_Y, HEIGHT, WIDTH, Person, Place, collins, counter, hopper, room


@pytest.mark.parametrize("place", ["entrance", "workshop"])
def test_rooms(place: Place) -> None:
    """A room fills the frame and is the same each time; its counter fills the strip below."""
    picture = room(place)
    assert picture.shape == (HEIGHT, WIDTH, 3)
    assert picture.dtype == np.uint8
    assert np.array_equal(picture, room(place))
    assert counter(place).shape == (HEIGHT - COUNTER_Y, WIDTH, 3)


@pytest.mark.parametrize("person", [collins(), hopper()])
def test_people(person: Person) -> None:
    """The face is kept whole, the corners above are not, and the outline between them is soft."""
    assert person.mask.shape == person.picture.shape[:2]
    x, y = person.head
    assert person.mask[y - 30 : y + 30, x - 30 : x + 30].min() > 0.99
    assert person.mask[:20, :60].max() == 0
    assert person.mask[:20, -60:].max() == 0
    assert ((person.mask > 0.05) & (person.mask < 0.95)).sum() > 2000
