"""The bar that a match has to pass, by its parts, and what it takes to keep a confirmed view. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from server.identity.gallery import Gallery, Thresholds
from server.vision.detections import Floats
from server.vision.quality import FaceQuality, QualityLimits, refusal

Raise = Literal["one_photo", "one_poor_photo"]

# Somebody with one photo is taken for somebody else more rarely, but recognised in fewer views: what passes there by
# a hair is more often wrong. Both are chosen, not fitted; bench/false_identification.py shows the first at work.
ONE_PHOTO = 0.01
ONE_POOR_PHOTO = 0.04
REFUSED_LEAD = 0.03  # a face has to be so much more like the person's own photos than like a view they are not
MOST_REFUSED = 20  # views of one person; the oldest goes
POOR_SIZE_PX = 90.0
POOR_SHARPNESS = 0.015
POOR_TURN = 25.0

MOST_VIEWS = 5  # confirmed views of one person
VIEW_LIMITS = QualityLimits(min_size_px=70.0, min_sharpness=0.012, max_yaw=35.0, max_pitch=25.0, min_brightness=0.12)
VIEW_CLEAR_OF_OTHERS = 0.08  # under the threshold, at the most, to anybody else
VIEW_TOO_ALIKE = 0.92  # a template that is nearly another one tells nothing new


@dataclass(frozen=True, slots=True)
class Bar:
    """The least similarity that counts for one match, and what it is made of."""

    base: float  # by the size of the gallery
    people: int
    raised: float = 0.0  # for a person with little to compare with
    why: Raise | None = None
    refused: float | None = None  # similarity to the nearest view that an operator has said is not this person

    @property
    def threshold(self) -> float:
        """All of it together."""
        least = self.base + self.raised
        return least if self.refused is None else max(least, self.refused + REFUSED_LEAD)

    def as_json(self) -> dict[str, Any]:
        """As it is stored and shown, rounded to what means something."""
        return {
            "base": round(self.base, 4),
            "people": self.people,
            "raised": round(self.raised, 4),
            "raisedFor": self.why,
            "refusedSimilarity": None if self.refused is None else round(self.refused, 4),
            "threshold": round(self.threshold, 4),
        }


def is_poor(quality: Mapping[str, Any]) -> bool:
    """Whether a photo, by the numbers stored with it, is only just good enough to be enrolled."""

    def of(name: str, otherwise: float) -> float:
        value = quality.get(name)
        return float(value) if isinstance(value, int | float) else otherwise

    small = of("sizePx", POOR_SIZE_PX) < POOR_SIZE_PX
    blurred = of("sharpness", POOR_SHARPNESS) < POOR_SHARPNESS
    return small or blurred or max(abs(of("yaw", 0.0)), abs(of("pitch", 0.0))) > POOR_TURN


def raise_for(templates: int, poor: bool) -> tuple[float, Raise | None]:
    """How much higher the bar is for somebody with so many templates; `poor`: the only one is of a poor photo."""
    if templates != 1:
        return 0.0, None
    return (ONE_POOR_PHOTO, "one_poor_photo") if poor else (ONE_PHOTO, "one_photo")


class RefusedViews:
    """Views that people are not, in memory. One thread at a time."""

    def __init__(self) -> None:
        self._of: dict[str, Floats] = {}

    def replace(self, views: Mapping[str, Sequence[Floats]]) -> None:
        """All of them anew, by person; the newest last."""
        self._of = {key: np.stack(many[-MOST_REFUSED:]).astype(np.float32) for key, many in views.items() if many}

    def nearest(self, person_id: str, face: Floats) -> float | None:
        """How like a face is to the nearest of them; None where the person has none."""
        views = self._of.get(person_id)
        return None if views is None else float(np.max(views @ np.asarray(face, np.float32)))


@dataclass(frozen=True, slots=True)
class ViewVerdict:
    """Whether a confirmed view may become a template: `code` says why not."""

    code: str | None
    similarity: float | None = None
    others: float | None = None


def judge_view(
    gallery: Gallery, thresholds: Thresholds, person_id: str, face: Floats, why_poor: str | None, views: int
) -> ViewVerdict:
    """A view that an operator has confirmed, by its looks (`why_poor`) and by what it is like."""
    similarity = gallery.similarity_to(face, person_id)
    other = gallery.similarity_to_others(face, person_id)
    others = None if other is None else other.similarity
    threshold = thresholds.at(gallery.people)
    code = why_poor
    if code is None and views >= MOST_VIEWS:
        code = "enough_views"
    if code is None and similarity is None:
        code = "no_photo"
    if code is None and similarity is not None and similarity < threshold:
        code = "unlike_photos"
    if code is None and similarity is not None and similarity > VIEW_TOO_ALIKE:
        code = "nothing_new"
    if code is None and others is not None and others > threshold - VIEW_CLEAR_OF_OTHERS:
        code = "resembles_other_person"
    return ViewVerdict(code, similarity, others)


def view_quality_refusal(quality: FaceQuality) -> str | None:
    """Why a view is not good enough to be kept; None if it is."""
    return refusal(quality, VIEW_LIMITS)
