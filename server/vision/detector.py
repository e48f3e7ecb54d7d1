"""Finds faces and their landmarks in pictures of any size, several pictures in one run."""

from collections import defaultdict
from collections.abc import Sequence

import numpy as np

from server.errors import PackRefused
from server.vision.boxes import clip, suppress
from server.vision.detections import Detections, Floats, Pixels
from server.vision.image import letterbox, to_planes
from server.vision.packs import Detection, Pack, check_file
from server.vision.session import Session

STRIDE = 4
LARGEST_RUN = 16


class FaceDetector:
    """CenterFace: a heat map of face centres at a quarter of the size, with sizes and landmarks beside it."""

    def __init__(self, pack: Pack, settings: Detection, session: Session, input_width: int = 640) -> None:
        self.pack, self.settings, self.session, self.input_width = pack, settings, session, input_width

    @property
    def provider(self) -> str:
        return self.session.provider

    def detect(self, images: Sequence[Pixels]) -> list[Detections]:
        """The faces of each BGR picture, in its own pixels. Pictures that come to one size share a run.

        On a CPU each has its own run: a batch is no quicker there, and takes 55 MB more for every picture in it.
        """
        groups: dict[tuple[int, ...], list[int]] = defaultdict(list)
        canvases: list[tuple[Pixels, float]] = []
        for number, image in enumerate(images):
            canvas, factor = letterbox(image, self.input_width, self.pack.manifest.input.multiple_of)
            canvases.append((canvas, factor))
            groups[canvas.shape].append(number)
        found = [Detections.none()] * len(images)
        spec = self.pack.manifest.input
        most = 1 if self.session.on_cpu else LARGEST_RUN
        runs = [same[i : i + most] for same in groups.values() for i in range(0, len(same), most)]
        for numbers in runs:
            planes = to_planes(
                [canvases[n][0] for n in numbers], rgb=spec.colour == "rgb", mean=spec.mean, scale=spec.scale
            )
            heat, sizes, offsets, points = self.session.run(planes)
            for row, n in enumerate(numbers):
                faces = decode(heat[row, 0], sizes[row], offsets[row], points[row], self.settings)
                height, width = images[n].shape[:2]
                found[n] = scaled_back(faces, canvases[n][1], width, height)
        return found


def decode(heat: Floats, sizes: Floats, offsets: Floats, points: Floats, settings: Detection) -> Detections:
    """Faces in pixels of the network's input, from (H, W), (2, H, W), (2, H, W) and (10, H, W)."""
    if not np.isfinite(heat).all():
        raise PackRefused("The detector's heat map is not a number.")
    rows, columns = np.nonzero(heat > settings.confidence)
    if not rows.size:
        return Detections.none()
    confidence = heat[rows, columns]
    size = np.exp(sizes[:, rows, columns]) * STRIDE  # height, width
    offset = offsets[:, rows, columns]  # y, x
    top = (rows + offset[0] + 0.5) * STRIDE - size[0] / 2
    left = (columns + offset[1] + 0.5) * STRIDE - size[1] / 2
    boxes = np.stack([left, top, left + size[1], top + size[0]], axis=1).astype(np.float32)
    kept = suppress(boxes, confidence, settings.overlap)
    marks = points[:, rows[kept], columns[kept]]
    landmarks = np.stack(
        [marks[1::2] * size[1, kept] + left[kept], marks[0::2] * size[0, kept] + top[kept]], axis=-1
    ).transpose(1, 0, 2)
    return Detections(boxes[kept], np.asarray(landmarks, np.float32), np.asarray(confidence[kept], np.float32))


def scaled_back(faces: Detections, factor: float, width: int, height: int) -> Detections:
    """Detections of the letterboxed picture as detections of the picture; those of its black border go."""
    boxes = clip(faces.boxes / np.float32(factor), width, height)
    inside = (boxes[:, 2] - boxes[:, 0] >= 1) & (boxes[:, 3] - boxes[:, 1] >= 1)
    return Detections(boxes, faces.landmarks / np.float32(factor), faces.confidence)[inside]


def open_detector(
    pack: Pack, *, providers: Sequence[str] | None = None, threads: int | None = None, input_width: int = 640
) -> FaceDetector:
    """Check the pack's file, load it, and see that it has a detector's outputs."""
    settings = pack.manifest.detection
    if settings is None:
        raise PackRefused(f"{pack.name} does not detect faces.")
    check_file(pack)
    session = Session(pack.model, providers, threads)
    if len(session.inputs) != 1 or len(session.outputs) != 4:
        raise PackRefused(f"{pack.name} does not have a CenterFace's one input and four outputs.")
    return FaceDetector(pack, settings, session, input_width)
