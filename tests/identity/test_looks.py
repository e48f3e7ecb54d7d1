"""A stored picture looked at again."""

import numpy as np

from server.demo.pictures import astronaut
from server.identity.looks import Looker
from server.identity.pictures import decode, encode_jpeg
from tests.opened import models


def test_the_face_at_the_box_is_found(portraits: None) -> None:
    """With its quality and a picture with room around; nowhere else, and not in a picture without one."""
    looker = Looker(models().detector, models().embedder)
    picture = astronaut().read_bytes()
    whole = looker.look(picture, [])
    assert whole is not None
    image = decode(picture)
    [found] = models().detector.detect([image])
    x1, y1, x2, y2 = (float(v) for v in found.boxes[0])
    height, width = image.shape[:2]
    there = looker.look(picture, [x1 / width, y1 / height, (x2 - x1) / width, (y2 - y1) / height])
    assert there is not None
    assert float(whole.embedding @ there.embedding) > 0.999
    assert there.quality.size_px > 60
    again = looker.look(there.picture, [])
    assert again is not None
    assert float(again.embedding @ there.embedding) > 0.95
    assert looker.look(picture, [0.0, 0.9, 0.05, 0.05]) is None
    assert looker.look(encode_jpeg(np.full((200, 200, 3), 90, np.uint8)), []) is None
    assert looker.look(b"no picture", []) is None
