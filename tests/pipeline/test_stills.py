"""Single pictures of a running camera: the newest frame, encoded once a size, without what masks hide."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import av
import numpy as np
import pytest

from server.errors import Unavailable
from server.media.areas import PAINT, Areas
from server.media.frame import Frame, Pixels
from server.media.mailbox import Mailbox
from server.media.packet import TIME_BASE
from server.pipeline.evidence import jpeg
from server.pipeline.stills import Stills
from server.pipeline.zoning import Zoning
from tests.journeys.films import decoded

LEFT_HALF = Areas(masks=(((0.0, 0.0), (0.5, 0.0), (0.5, 1.0), (0.0, 1.0)),))


class Camera:
    """Shows light grey pictures, one after another."""

    def __init__(self) -> None:
        self.frame: Frame | None = None

    def show(self, pts: int) -> None:
        picture = av.VideoFrame.from_ndarray(np.full((96, 160, 3), 200, np.uint8), format="bgr24")
        self.frame = Frame("camera", picture, pts, TIME_BASE, datetime.now(UTC), 0.0)

    def latest(self) -> Frame | None:
        return self.frame

    @contextmanager
    def frames(self) -> Iterator[Mailbox[Frame]]:
        mailbox: Mailbox[Frame] = Mailbox()
        yield mailbox
        mailbox.close()


@pytest.fixture
def camera() -> Camera:
    return Camera()


async def test_the_same_picture_is_encoded_once_a_size(camera: Camera) -> None:
    """For everybody who asks; the next picture anew."""
    stills = Stills(camera, Zoning())
    camera.show(1)
    small, same, wide = await asyncio.gather(stills.encoded(80), stills.encoded(80), stills.encoded(3840))
    assert small is same
    assert (decoded(small.jpeg).shape, decoded(wide.jpeg).shape) == ((48, 80, 3), (96, 160, 3))
    camera.show(2)
    assert (await stills.encoded(80)).pts == 2


async def test_masks_are_painted_over(camera: Camera) -> None:
    """In what is asked for and in what is kept; from the moment on at which they are drawn, and no longer."""
    zoning = Zoning()
    stills = Stills(camera, zoning)
    camera.show(1)
    still = await stills.take()
    for areas, left in ((Areas(), 200), (LEFT_HALF, np.mean(PAINT)), (Areas(), 200)):
        zoning.now = areas
        stills.forget()
        for pixels in (decoded((await stills.encoded(160)).jpeg), still.pixels()):
            assert abs(pixels[:, :76].mean() - left) < 3
            assert abs(pixels[:, 84:].mean() - 200) < 3


async def test_a_picture_that_is_encoded_meanwhile_is_not_kept(camera: Camera, monkeypatch: pytest.MonkeyPatch) -> None:
    """A mask that is drawn while a picture is encoded is on the next one that anybody gets."""
    zoning = Zoning()
    stills = Stills(camera, zoning)
    camera.show(1)

    def while_drawn(image: Pixels, quality: int) -> bytes:
        zoning.now = LEFT_HALF
        stills.forget()
        return jpeg(image, quality)

    with monkeypatch.context() as patch:
        patch.setattr("server.pipeline.stills.jpeg", while_drawn)
        await stills.encoded(160)
    assert decoded((await stills.encoded(160)).jpeg)[:, :76].mean() < 50


async def test_nothing_shown_yet(camera: Camera, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("server.pipeline.stills._FIRST_PICTURE_S", 0.05)
    with pytest.raises(Unavailable):
        await Stills(camera, Zoning()).take()
