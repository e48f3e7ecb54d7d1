"""Where the faces are in a frame that has not been analysed: the last boxes, carried on as they moved."""

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from server.media.packet import TICKS

Box = tuple[float, float, float, float]

_SAMPLES = 3
_SPAN = 1 * TICKS  # an older box says nothing about how it moves now
_AHEAD = round(0.4 * TICKS)
_LASTS = round(1.5 * TICKS)


@dataclass(frozen=True, slots=True)
class Placed:
    """A track as last told, with its box (x y w h in 0...1) for the frame that was asked about."""

    track: Mapping[str, object]
    box: Box


class Motion:
    """The last boxes of each track of one camera, by pts. Pure; one writer, and readers on other threads."""

    def __init__(self) -> None:
        # Replaced as a whole, so that a thread that draws sees one moment.
        self._seen: tuple[int, dict[int, tuple[Mapping[str, object], tuple[tuple[int, Box], ...]]]] = (0, {})

    def saw(self, pts: int, tracks: Sequence[Mapping[str, object]]) -> None:
        """What an analysed frame showed: the `tracks` of `tracks.updated`."""
        _, before = self._seen
        now = {}
        for track in tracks:
            track_id, box = track["trackId"], track["box"]
            assert isinstance(track_id, int)
            assert isinstance(box, list)
            _, earlier = before.get(track_id, (track, ()))
            samples = deque((sample for sample in earlier if 0 < pts - sample[0] <= _SPAN), maxlen=_SAMPLES)
            samples.append((pts, (box[0], box[1], box[2], box[3])))
            now[track_id] = (track, tuple(samples))
        self._seen = (pts, now)

    def at(self, pts: int) -> list[Placed]:
        """The tracks of the last analysed frame at another frame's time; none once that is too long ago."""
        last, tracks = self._seen
        if abs(pts - last) > _LASTS:
            return []
        return [Placed(track, _carried(samples, pts)) for track, samples in tracks.values()]


def _carried(samples: Sequence[tuple[int, Box]], pts: int) -> Box:
    (first_pts, first), (last_pts, last) = samples[0], samples[-1]
    if last_pts == first_pts:
        return last
    steps = max(-_AHEAD, min(_AHEAD, pts - last_pts)) / (last_pts - first_pts)
    x, y, w, h = (b + (b - a) * steps for a, b in zip(first, last, strict=True))
    return x, y, max(0.0, w), max(0.0, h)
