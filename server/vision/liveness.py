"""Whether a face is a face or a picture of one, as far as a single picture can tell."""

from collections.abc import Sequence

import cv2
import numpy as np

from server.errors import PackRefused
from server.vision.detections import Floats, Pixels
from server.vision.image import check_picture, to_planes
from server.vision.packs import Liveness, Pack, check_file
from server.vision.session import Session

LARGEST_RUN = 32


class LivenessCheck:
    """A passive network: the surroundings of a face in, a share for each of its classes out."""

    def __init__(self, pack: Pack, settings: Liveness, session: Session) -> None:
        self.pack, self.settings, self.session = pack, settings, session
        self._live = settings.classes.index(settings.live)

    @property
    def provider(self) -> str:
        return self.session.provider

    def shares(self, image: Pixels, boxes: Floats) -> Floats:
        """(N, classes) that add up to 1 for each of the (N, 4) boxes in a BGR picture; N may be 0."""
        return self._shares(self.chips(image, boxes))

    def chips(self, image: Pixels, boxes: Floats) -> Pixels:
        """(N, S, S, 3) surroundings of the (N, 4) boxes in a BGR picture: what the network looks at."""
        check_picture(image)
        size = self.pack.size
        found = [surroundings(image, box, self.settings.crop, size) for box in boxes]
        return np.stack(found) if found else np.zeros((0, size, size, 3), np.uint8)

    def live_chips(self, chips: Pixels) -> Floats:
        """(N, 1) shares of the class of real faces, of what `chips` has made."""
        return self._shares(chips)[:, self._live, None]

    def _shares(self, chips: Pixels) -> Floats:
        found = np.zeros((len(chips), len(self.settings.classes)), np.float32)
        most = self.session.fixed(0) or (1 if self.session.on_cpu else LARGEST_RUN)
        spec = self.pack.manifest.input
        for start in range(0, len(chips), most):
            part = chips[start : start + most]
            planes = to_planes(part, rgb=spec.colour == "rgb", mean=spec.mean, scale=spec.scale)
            found[start : start + len(part)] = self._checked(self.session.run(planes)[0], len(part))
        return found

    def live(self, image: Pixels, boxes: Floats) -> Floats:
        """(N,) shares of the class of real faces; `settings.threshold` is the least that counts."""
        return self.shares(image, boxes)[:, self._live]

    def _checked(self, raw: Floats, count: int) -> Floats:
        expected = (count, len(self.settings.classes))
        if raw.shape != expected:
            raise PackRefused(f"{self.pack.name} returned {raw.shape}, not {expected}.")
        if not np.isfinite(raw).all():
            raise PackRefused(f"{self.pack.name} returned values that are not numbers.")
        powers = np.exp(raw - raw.max(axis=1, keepdims=True))
        return np.asarray(powers / powers.sum(axis=1, keepdims=True), np.float32)


def surroundings(image: Pixels, box: Floats, factor: float, size: int) -> Pixels:
    """The square of `factor` times the box's longer side around its middle, black beyond the picture's edge."""
    x1, y1, x2, y2 = (float(v) for v in box)
    side = max(1, round(max(x2 - x1, y2 - y1) * factor))
    left, top = round((x1 + x2 - side) / 2), round((y1 + y2 - side) / 2)
    height, width = image.shape[:2]
    canvas = np.zeros((side, side, 3), np.uint8)
    from_x, from_y = max(left, 0), max(top, 0)
    to_x, to_y = min(left + side, width), min(top + side, height)
    if from_x < to_x and from_y < to_y:
        canvas[from_y - top : to_y - top, from_x - left : to_x - left] = image[from_y:to_y, from_x:to_x]
    how = cv2.INTER_AREA if side > size else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(canvas, (size, size), interpolation=how), np.uint8)


def open_liveness(pack: Pack, *, providers: Sequence[str] | None = None, threads: int | None = None) -> LivenessCheck:
    """Check the pack's file, load it, and see that it answers with its classes."""
    settings = pack.manifest.liveness
    if settings is None:
        raise PackRefused(f"{pack.name} does not check liveness.")
    check_file(pack)
    session = Session(pack.model, providers, threads)
    if len(session.inputs) != 1 or len(session.outputs) != 1:
        raise PackRefused(f"{pack.name} does not have a liveness check's one input and one output.")
    check = LivenessCheck(pack, settings, session)
    check.shares(np.full((96, 96, 3), 127, np.uint8), np.array([[16, 16, 80, 80]], np.float32))
    return check
