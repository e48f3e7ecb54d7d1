"""Boxes drawn into pixels: at their place, in their colour, with a name in any script."""

from datetime import UTC, datetime

import av
import numpy as np
from numpy.typing import NDArray

from server.media.areas import PAINT, Areas
from server.media.frame import Frame
from server.media.packet import TIME_BASE
from server.pipeline.annotate import GREEN, GREY, Annotator
from server.pipeline.motion import Motion
from server.pipeline.zoning import Zoning

WIDTH, HEIGHT = 640, 360


def grey_frame(pts: int = 0) -> Frame:
    picture = av.VideoFrame.from_ndarray(np.full((HEIGHT, WIDTH, 3), 90, np.uint8), format="bgr24")
    return Frame("camera", picture, pts, TIME_BASE, datetime.now(UTC), 0.0)


def track(state: str, name: str | None = None, x: float = 0.25) -> dict[str, object]:
    return {"trackId": 1, "box": [x, 0.5, 0.25, 0.25], "state": state, "name": name, "similarity": 0.82}


def drawn(*tracks: dict[str, object]) -> NDArray[np.uint8]:
    motion = Motion()
    motion.saw(0, tracks)
    return np.asarray(Annotator(motion, Zoning()).draw(grey_frame()).to_ndarray(format="bgr24"), np.uint8)


def near(pixels: NDArray[np.uint8], colour: tuple[int, int, int]) -> NDArray[np.bool_]:
    return np.asarray(np.abs(pixels.astype(int) - colour).max(axis=-1) < 12)


def test_a_known_face_gets_a_green_box_at_its_place() -> None:
    """All four edges, and nothing in the middle of the face."""
    picture = drawn(track("recognized", "Ada"))
    green = near(picture, GREEN)
    left, top, right, bottom = 160, 180, 320, 270
    assert green[top, left:right].mean() > 0.9
    assert green[bottom, left:right].mean() > 0.9
    assert green[top:bottom, left].mean() > 0.9
    assert green[top:bottom, right].mean() > 0.9
    assert not green[top + 20 : bottom - 20, left + 20 : right - 20].any()


def test_an_unknown_face_is_quieter() -> None:
    """Grey, not green; and the word for it."""
    picture = drawn(track("unknown"))
    assert near(picture, GREY)[180, 160:320].mean() > 0.9
    assert not near(picture, GREEN).any()


def test_names_of_any_script_are_written() -> None:
    """Another name gives another label; one that does not fit stays in the picture."""
    labels = [drawn(track("recognized", name)) for name in ("Ada", "Žluťoučký", "Иван", "李")]
    above = [picture[130:178] for picture in labels]
    for index, one in enumerate(above):
        for other in above[index + 1 :]:
            assert not np.array_equal(one, other)
    wide = drawn(track("recognized", "A very long name that has hardly any room", x=0.9))
    assert near(wide, GREEN)[:170].any()


def test_the_frame_stays_as_it_is() -> None:
    """Others read it at the same time."""
    motion = Motion()
    motion.saw(0, [track("recognized", "Ada")])
    frame = grey_frame()
    Annotator(motion, Zoning()).draw(frame)
    assert (frame.to_bgr() == 90).all()


def test_masks_are_painted_under_the_boxes() -> None:
    """In the picture with the boxes and in the one without; what lies beside them is as it was."""
    zoning = Zoning(Areas(masks=(((0.0, 0.0), (0.5, 0.0), (0.5, 1.0), (0.0, 1.0)),)))
    motion = Motion()
    motion.saw(0, [track("recognized", "Ada", x=0.6)])
    one, frame = Annotator(motion, zoning), grey_frame()
    for picture in (one.draw(frame), one.hide(frame)):
        pixels = np.asarray(picture.to_ndarray(format="bgr24"), np.uint8)
        assert near(pixels, PAINT)[:, :318].all()
        assert near(pixels, (90, 90, 90))[:100, 330:].all()
    assert (frame.to_bgr() == 90).all()
