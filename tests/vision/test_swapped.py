"""An embedder that gives way to another one."""

import numpy as np

from server.vision.swapped import SwappedEmbedder
from tests.opened import models


def test_it_is_whichever_is_in_it() -> None:
    """Pack, chips and embeddings are those of the one that is in it now."""
    one = models().embedder
    held = SwappedEmbedder(one)
    assert held.pack is one.pack
    assert len(held.embed(np.zeros((0, 112, 112, 3), "uint8"))) == 0
    held.swap(one)
    assert held.now is one
