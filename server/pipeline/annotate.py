"""Boxes and names drawn into a frame, once for everybody who asked for an annotated picture."""

from collections.abc import Mapping

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from server.identity.votes import IdentityState
from server.media.frame import Frame
from server.pipeline.motion import Motion, Placed
from server.pipeline.zoning import Zoning

Pixels = NDArray[np.uint8]
Colour = tuple[int, int, int]

# BGR; the same four meanings as on the pages.
GREEN, GREY, RED, INK = (110, 200, 60), (190, 190, 190), (70, 70, 230), (28, 24, 20)
_COLOURS: Mapping[str, Colour] = {IdentityState.RECOGNIZED: GREEN, "spoof": RED}


class Annotator:
    """Draws the last known tracks of one camera, moved to where they are in the frame, and paints its masks over."""

    def __init__(self, motion: Motion, zoning: Zoning) -> None:
        self._motion = motion
        self._zoning = zoning
        self._font = cv2.FontFace("sans")

    def draw(self, frame: Frame) -> av.VideoFrame:
        """A picture of its own; the frame stays as it is. Takes some milliseconds: on a thread."""
        image = frame.to_bgr().copy()
        self._zoning.now.paint(image)
        for placed in self._motion.at(frame.pts):
            self._draw(image, placed)
        return av.VideoFrame.from_ndarray(image, format="bgr24")

    def hide(self, frame: Frame) -> av.VideoFrame:
        """The picture with the masks alone. On a thread, too."""
        return av.VideoFrame.from_ndarray(self._zoning.now.painted(frame.to_bgr()), format="bgr24")

    def _draw(self, image: Pixels, placed: Placed) -> None:
        height, width = image.shape[:2]
        x, y, w, h = placed.box
        corner, opposite = (round(x * width), round(y * height)), (round((x + w) * width), round((y + h) * height))
        colour = _COLOURS.get(str(placed.track["state"]), GREY)
        line = max(2, height // 360)
        cv2.rectangle(image, corner, opposite, INK, line + 2)
        cv2.rectangle(image, corner, opposite, colour, line)
        words = _words(placed.track)
        if words:
            self._label(image, words, corner, colour, max(12, height // 40))

    def _label(self, image: Pixels, words: str, corner: tuple[int, int], colour: Colour, size: int) -> None:
        _, _, wide, _ = cv2.getTextSize((0, 0), words, (0, 0), self._font, size, 600)
        left = max(0, min(corner[0], image.shape[1] - wide - size))
        bottom = corner[1] - size // 2 if corner[1] > 2 * size else corner[1] + 2 * size
        cv2.rectangle(image, (left, bottom - size - size // 4), (left + wide + size, bottom + size // 3), INK, -1)
        cv2.putText(image, words, (left + size // 2, bottom), colour, self._font, size, 600)


def _words(track: Mapping[str, object]) -> str:
    """As on the pages: a name with its similarity, or that it is nobody known."""
    state, name, similarity = track["state"], track["name"], track["similarity"]
    if state == IdentityState.RECOGNIZED and name:
        return f"{name} {similarity:.2f}" if isinstance(similarity, float) else str(name)
    return {IdentityState.UNKNOWN: "unknown", "spoof": "not a living face"}.get(str(state), "")
