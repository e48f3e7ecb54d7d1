"""What the tests of this room share."""

from tests.buses import buses as buses
