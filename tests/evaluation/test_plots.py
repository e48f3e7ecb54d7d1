"""Curves are drawn as pictures that a person can open."""

import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from server.errors import Unavailable
from server.evaluation.plots import det_chart, draw
from server.evaluation.scores import Curve

CURVE = Curve(np.array([1e-3, 1e-2, 1.0]), np.array([0.2, 0.1, 0.0]))


def test_roc_and_det_are_drawn(tmp_path: Path) -> None:
    """Neither is blank, and they are not the same."""
    pytest.importorskip("matplotlib")
    paths = draw(CURVE, "a pack on a folder", tmp_path / "curves")
    assert [path.name for path in paths] == ["roc.png", "det.png"]
    first, second = (np.asarray(cv2.imread(str(path))) for path in paths)
    assert first.std() > 5
    assert (first != second).any()


def test_without_matplotlib_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In one sentence, and nothing is written."""
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(Unavailable, match=r"\[eval\]"):
        draw(CURVE, "nothing", tmp_path / "curves")
    assert not (tmp_path / "curves").exists()


def test_a_chart_for_a_page() -> None:
    """An SVG with both names and the page's colours that runs and loads nothing; its import hook does not stay."""
    drawn = det_chart([(1e-5, 0.9), (1e-3, 0.4), (0.1, 0.0)], "dark", "strangers", "refused").decode()
    assert "strangers" in drawn
    assert "refused" in drawn
    assert "#6cc6e4" in drawn
    assert "<script" not in drawn
    assert "href=" not in drawn
    assert not [hook for hook in sys.meta_path if type(hook).__module__ == "pygal"]
