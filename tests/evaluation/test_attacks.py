"""Rates of attacks are counted as the standard says."""

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest

from server.errors import Invalid
from server.evaluation.attacks import attack_rates, judge
from server.vision.detections import Detections, Floats, Pixels


class Everywhere:
    """A face is the whole of every picture that is not dark."""

    def detect(self, images: Sequence[Pixels]) -> list[Detections]:
        whole = Detections(
            np.array([[0, 0, 10, 10]], np.float32), np.zeros((1, 5, 2), np.float32), np.ones(1, np.float32)
        )
        return [whole if image.mean() > 10 else Detections.none() for image in images]


class Brightness:
    """The brighter, the more alive."""

    def live(self, image: Pixels, boxes: Floats) -> Floats:
        return np.full(len(boxes), image.mean() / 255, np.float32)


def test_each_kind_of_attack_has_its_own_rate() -> None:
    """The threshold itself counts as live."""
    apcer, bpcer = attack_rates({"live": [0.9, 0.4, 0.8, 0.5], "print": [0.1, 0.5], "replay": [0.1, 0.2]}, 0.5)
    assert apcer == {"print": 0.5, "replay": 0}
    assert bpcer == 0.25


def picture(path: Path, brightness: int) -> None:
    path.parent.mkdir(exist_ok=True)
    cv2.imwrite(str(path), np.full((12, 12, 3), brightness, np.uint8))


def test_folders_are_judged(tmp_path: Path) -> None:
    """The worst kind counts for the mean; pictures without a face are told apart."""
    for name, values in (("live", (250, 240, 60)), ("print", (250, 20)), ("replay", (20, 30)), ("mask", (20, 0))):
        for number, value in enumerate(values):
            picture(tmp_path / name / f"{number}.png", value)
    found = judge(tmp_path, Everywhere(), Brightness(), 0.5)
    assert found.apcer == {"mask": 0, "print": 0.5, "replay": 0}
    assert found.bpcer == pytest.approx(1 / 3)
    assert found.acer == pytest.approx((1 / 3 + 0.5) / 2)
    assert found.judged["mask"] == 1
    assert found.without_face["mask"] == 1


def test_folders_that_cannot_be_judged(tmp_path: Path) -> None:
    """Without real faces, without attacks, or with a kind that shows no face."""
    with pytest.raises(Invalid, match="needs the folder live/"):
        judge(tmp_path, Everywhere(), Brightness(), 0.5)
    picture(tmp_path / "live/1.png", 200)
    with pytest.raises(Invalid, match="needs the folder live/"):
        judge(tmp_path, Everywhere(), Brightness(), 0.5)
    picture(tmp_path / "print/1.png", 0)
    with pytest.raises(Invalid, match="no picture with a face"):
        judge(tmp_path, Everywhere(), Brightness(), 0.5)
