"""The bar by its parts: the size of the gallery, little to compare with, and views that a person is not."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.identity.bars import (
    MOST_REFUSED,
    MOST_VIEWS,
    ONE_PHOTO,
    ONE_POOR_PHOTO,
    REFUSED_LEAD,
    VIEW_CLEAR_OF_OTHERS,
    Bar,
    RefusedViews,
    is_poor,
    judge_view,
    raise_for,
    view_quality_refusal,
)
from server.identity.gallery import Gallery, Thresholds
from server.vision.quality import FaceQuality
from tests.identity.test_visitors import DIMENSION, at_cosine, unit

GOOD = {"sizePx": 180.0, "sharpness": 0.04, "yaw": 3.0, "pitch": -4.0}
THRESHOLDS = Thresholds([(1, 0.5), (50, 0.545)])


@pytest.mark.parametrize("changed", [{"sizePx": 70.0}, {"sharpness": 0.01}, {"yaw": -31.0}, {"pitch": 28.0}])
def test_a_photo_is_poor_by_its_numbers(changed: dict[str, float]) -> None:
    """Small, blurred or turned; a good one is not, nor one of which nothing was measured."""
    assert not is_poor(GOOD)
    assert not is_poor({})
    assert is_poor({**GOOD, **changed})


def test_the_bar_is_raised_for_who_has_one_photo() -> None:
    """Most for one poor photo; with a second one, not at all."""
    assert raise_for(1, True) == (ONE_POOR_PHOTO, "one_poor_photo")
    assert raise_for(1, False) == (ONE_PHOTO, "one_photo")
    assert raise_for(2, True) == (0.0, None)


def test_a_face_like_a_refused_view_has_to_be_more_like_the_person() -> None:
    """The refused view competes as another person would."""
    assert Bar(0.5, 10).threshold == 0.5
    assert Bar(0.5, 10, 0.04, "one_poor_photo").threshold == pytest.approx(0.54)
    assert Bar(0.5, 10, refused=0.7).threshold == pytest.approx(0.7 + REFUSED_LEAD)
    assert Bar(0.5, 10, refused=0.2).threshold == 0.5


@given(st.floats(0, 0.95), st.floats(0, 0.2), st.none() | st.floats(-1, 1))
def test_no_part_ever_lowers_the_bar(base: float, raised: float, refused: float | None) -> None:
    """And what is shown adds up to what was decided by."""
    bar = Bar(base, 10, raised, None, refused)
    assert bar.threshold >= base
    assert bar.as_json()["threshold"] == pytest.approx(bar.threshold, abs=1e-4)


def test_refused_views_are_by_person_and_bounded() -> None:
    """The nearest of them counts; of many, the newest are kept; nobody else has any."""
    views = RefusedViews()
    assert views.nearest("a", unit(1.0)) is None
    views.replace({"a": [unit(1.0), *[unit(0.0, 1.0)] * MOST_REFUSED], "b": []})
    assert views.nearest("a", unit(1.0)) == pytest.approx(0.0)
    assert views.nearest("a", unit(0.0, 1.0)) == pytest.approx(1.0)
    assert views.nearest("b", unit(1.0)) is None


def gallery() -> Gallery:
    found = Gallery(DIMENSION)
    found.add("t1", "ada", unit(1.0))
    found.add("t2", "bea", unit(0.0, 0.0, 1.0))
    return found


def test_a_confirmed_view_is_kept_in_a_plausible_range_only() -> None:
    """Like the person's own photos, but not nearly the same; clear of everybody else; and not without end."""
    threshold = THRESHOLDS.at(2)

    def code(similarity: float, *, views: int = 0, poor: str | None = None, person: str = "ada") -> str | None:
        return judge_view(gallery(), THRESHOLDS, person, at_cosine(similarity), poor, views).code

    assert code(threshold + 0.05) is None
    assert code(threshold - 0.05) == "unlike_photos"
    assert code(0.99) == "nothing_new"
    assert code(threshold + 0.05, poor="too_blurred") == "too_blurred"
    assert code(threshold + 0.05, views=MOST_VIEWS) == "enough_views"
    assert code(0.7, person="carl") == "no_photo"
    near = unit(0.7, 0.0, threshold - VIEW_CLEAR_OF_OTHERS + 0.3)
    assert judge_view(gallery(), THRESHOLDS, "ada", near, None, 0).code == "resembles_other_person"


def test_a_view_has_to_be_better_than_a_camera_needs() -> None:
    """More than to be recognised by, about as much as a photo of an enrolment."""
    fine = FaceQuality(120, 0.03, 5, 5, 0, 0.5, 0.9)
    assert view_quality_refusal(fine) is None
    assert view_quality_refusal(FaceQuality(40, 0.03, 5, 5, 0, 0.5, 0.9)) == "face_too_small"
    assert view_quality_refusal(FaceQuality(120, 0.03, 38, 5, 0, 0.5, 0.9)) == "turned_away"


def test_ones_own_similarity_is_the_best_of_all_templates() -> None:
    """Whoever is nearer; None without a template."""
    found = gallery()
    found.add("t3", "ada", unit(0.0, 1.0))
    assert found.similarity_to(unit(0.0, 1.0), "ada") == pytest.approx(1.0)
    assert found.similarity_to(np.asarray(unit(1.0)), "nobody") is None
