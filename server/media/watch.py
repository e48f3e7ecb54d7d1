"""Whether a camera's picture is alive: told from small luma pictures and their times, without I/O."""

import math
from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
from av.video.reformatter import ColorRange
from numpy.typing import NDArray

from server.media.frame import Frame

Luma = NDArray[np.uint8]
Trouble = Literal["frozen", "black"]

WIDTH, HEIGHT = 64, 36

_PLANAR = {"gray", "nv12", "nv21"} | {f"yuv{j}{s}p" for j in ("", "j") for s in ("420", "422", "440", "444")}
# Enough rows to meet a burnt-in clock of ten pixels; all of them would cost four times as much.
_ROWS = 360

# A longer silence, either way, begins everything anew.
_GAP_S = 10.0

# What an encoder makes of one picture wavers by up to five steps in a cell; a person or a digit moves it further.
_WAVER = 6
# A hung encoder whose rate control has settled draws one picture or a few in turn; a film that loops draws more.
_KNOWN = 4
_REPEATS = 3

# The mean over black of a covered lens stays below this with the noise of full gain; a lamp, a window or a face gives
# more contrast than the other. The outer rows are left out: cameras write their clock and name there.
_DARK = 16.0
_FLAT = 3.0
_MIDDLE = slice(4, HEIGHT - 4)
_LIT_S = 1.0


@dataclass(frozen=True, slots=True, eq=False)
class LumaThumb:
    """(36, 64) uint8, the mean luma of each cell in the frame's own range, where `black` is 0 or 16.

    `fingerprint` is that of the whole luma plane; None where the frame is no keyframe.
    """

    pixels: Luma
    black: int
    fingerprint: int | None

    def __post_init__(self) -> None:
        if self.pixels.shape != (HEIGHT, WIDTH) or self.pixels.dtype != np.uint8:
            raise ValueError(f"a thumbnail is ({HEIGHT}, {WIDTH}) uint8, not {self.pixels.shape} {self.pixels.dtype}")


def thumbnail(frame: Frame) -> LumaThumb:
    """From the luma plane where the frame has one; packed and deeper formats are converted, so ask on a thread."""
    picture = frame.picture if frame.picture.format.name in _PLANAR else frame.to_yuv420p()
    full = picture.format.name.startswith(("yuvj", "gray")) or picture.color_range == ColorRange.JPEG
    plane = picture.planes[0]
    rows: Luma = np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size)
    luma = rows[: picture.height, : picture.width]
    every = max(1, picture.height // _ROWS)
    pixels: Luma = cv2.resize(luma[::every], (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA)
    return LumaThumb(pixels, 0 if full else 16, _fingerprint(luma, pixels) if frame.picture.key_frame else None)


def _fingerprint(luma: Luma, pixels: Luma) -> int:
    """Sums of every column, eight pixels at a time: noise that the cells average away still shows."""
    words = luma[:, : luma.shape[1] // 8 * 8].view(np.uint64)
    return hash((pixels.tobytes(), np.add.reduce(words, axis=0).tobytes()))


class PictureWatch:
    """Black: for so long, all dark and flat. Frozen: for so long, no motion and no keyframe that is new.

    Between keyframes an encoder may repeat what it has, but a keyframe is drawn from the sensor anew: noise, dusk or a
    clock make each one differ in some pixel, while a hung encoder draws the same few, to the bit. So nothing is frozen
    before three keyframes came that were known, and motion of a cell, as in a film that loops, is life at once. A
    source without any noise that stands still (a shared screen) cannot be told from a hung one.

    Give it every keyframe; of the frames between, a few a second will do.
    """

    def __init__(self, *, frozen_after_s: float = 30.0, black_after_s: float = 10.0) -> None:
        self._frozen_after_s = frozen_after_s
        self._black_after_s = black_after_s
        self._at_s = -math.inf
        self._changed_s = 0.0
        self._repeats = 0
        self._known: list[int] = []
        self._low = np.zeros((HEIGHT, WIDTH), np.uint8)
        self._high = np.zeros((HEIGHT, WIDTH), np.uint8)
        self._black = False
        self._turned_s: float | None = None

    def saw(self, luma: LumaThumb, at_s: float) -> None:
        """The camera showed this at that time, on a clock that only rises; frames a little out of order do no harm."""
        if abs(at_s - self._at_s) > _GAP_S:
            self._begin(luma, at_s)
        self._at_s = max(self._at_s, at_s)
        if self._moved(luma):
            # In a film that loops, what follows the motion was drawn before, and yet is no sign of a hung encoder.
            self._known.clear()
            self._change(luma)
        if self._is_new(luma.fingerprint):
            self._change(luma)
        self._weigh(luma)

    def trouble(self, now_s: float) -> Trouble | None:
        """What is wrong with the picture; nothing is known while none comes."""
        if now_s - self._at_s > _GAP_S:
            return None
        if self._black:
            return "black"
        still_s = self._at_s - self._changed_s
        return "frozen" if still_s >= self._frozen_after_s and self._repeats >= _REPEATS else None

    def _begin(self, luma: LumaThumb, at_s: float) -> None:
        self._at_s = at_s
        self._known.clear()
        self._black, self._turned_s = False, None
        self._change(luma)

    def _change(self, luma: LumaThumb) -> None:
        self._changed_s, self._repeats = self._at_s, 0
        np.copyto(self._low, luma.pixels)
        np.copyto(self._high, luma.pixels)

    def _moved(self, luma: LumaThumb) -> bool:
        """Whether a cell has ranged further than an encoder wavers, since the last change."""
        np.minimum(self._low, luma.pixels, out=self._low)
        np.maximum(self._high, luma.pixels, out=self._high)
        return int((self._high - self._low).max()) > _WAVER

    def _is_new(self, fingerprint: int | None) -> bool:
        if fingerprint is None:
            return False
        known = fingerprint in self._known
        if known:
            self._known.remove(fingerprint)
            self._repeats += 1
        self._known.append(fingerprint)
        del self._known[:-_KNOWN]
        return not known

    def _weigh(self, luma: LumaThumb) -> None:
        """Turns to black after so long of nothing else, and back after a second of nothing black."""
        if _is_black(luma) == self._black:
            self._turned_s = None
            return
        if self._turned_s is None:
            self._turned_s = self._at_s
        if self._at_s - self._turned_s >= (_LIT_S if self._black else self._black_after_s):
            self._black, self._turned_s = not self._black, None


def _is_black(luma: LumaThumb) -> bool:
    middle = luma.pixels[_MIDDLE]
    return bool(middle.mean() - luma.black < _DARK and middle.std() < _FLAT)
