"""Detections of one picture as a struct of arrays, so that nothing loops over faces in Python that need not."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Pixels = NDArray[np.uint8]


@dataclass(frozen=True, slots=True, eq=False)
class Detections:
    """The faces of one picture, in pixels of that picture, most confident first.

    boxes: (N, 4) float32, x1 y1 x2 y2. landmarks: (N, 5, 2) float32, x y of left eye, right eye, nose, left and right
    mouth corner as seen in the picture. confidence: (N,) float32 in 0...1.
    """

    boxes: Floats
    landmarks: Floats
    confidence: Floats

    def __post_init__(self) -> None:
        n = len(self.confidence)
        if self.boxes.shape != (n, 4) or self.landmarks.shape != (n, 5, 2) or self.confidence.shape != (n,):
            raise ValueError(
                f"Detections do not fit together: boxes {self.boxes.shape}, landmarks {self.landmarks.shape}, "
                f"confidence {self.confidence.shape}"
            )

    @classmethod
    def none(cls) -> "Detections":
        """No face at all."""
        return cls(np.zeros((0, 4), np.float32), np.zeros((0, 5, 2), np.float32), np.zeros((0,), np.float32))

    def __len__(self) -> int:
        return len(self.confidence)

    def __getitem__(self, index: NDArray[np.bool_] | NDArray[np.intp] | slice | list[int]) -> "Detections":
        return Detections(self.boxes[index], self.landmarks[index], self.confidence[index])

    def __iter__(self) -> Iterator[tuple[Floats, Floats, float]]:
        for box, points, confidence in zip(self.boxes, self.landmarks, self.confidence, strict=True):
            yield box, points, float(confidence)
