"""Finds faces and their landmarks in pictures of any size, several pictures in one run."""

from collections import defaultdict
from collections.abc import Callable, Sequence

import numpy as np

from server.errors import PackRefused
from server.vision.boxes import clip
from server.vision.detections import Detections, Floats, Pixels
from server.vision.heads.centerface import centerface
from server.vision.heads.scrfd import scrfd
from server.vision.heads.yolo import yolo
from server.vision.heads.yunet import yunet
from server.vision.image import letterbox, letterbox_into, to_planes
from server.vision.packs import Detection, HeadName, Pack, check_file
from server.vision.session import Session

LARGEST_RUN = 16
# All outputs of a run, the height and width of its input, and the limits, to the faces of each picture of the run.
Head = Callable[[Sequence[Floats], tuple[int, int], Detection], list[Detections]]
HEADS: dict[HeadName, Head] = {"centerface": centerface, "yunet": yunet, "scrfd": scrfd, "yolo": yolo}
# Its outputs have no place for a second picture.
ONE_AT_A_TIME = {"scrfd"}


class FaceDetector:
    """Any network whose outputs one of the heads can read; the manifest names the head."""

    def __init__(self, pack: Pack, settings: Detection, session: Session, input_width: int = 640) -> None:
        self.pack, self.settings, self.session, self.input_width = pack, settings, session, input_width
        self._head = HEADS[settings.head]

    @property
    def provider(self) -> str:
        return self.session.provider

    def detect(self, images: Sequence[Pixels]) -> list[Detections]:
        """The faces of each BGR picture, in its own pixels. Pictures that come to one size share a run.

        On a CPU each has its own run: a batch is no quicker there, and takes 55 MB more for every picture in it.
        """
        groups: dict[tuple[int, ...], list[int]] = defaultdict(list)
        canvases = [self._canvas(image) for image in images]
        for number, (canvas, _) in enumerate(canvases):
            groups[canvas.shape].append(number)
        found = [Detections.none()] * len(images)
        spec = self.pack.manifest.input
        single = self.session.on_cpu or self.session.fixed(0) == 1 or self.settings.head in ONE_AT_A_TIME
        most = 1 if single else LARGEST_RUN
        runs = [same[i : i + most] for same in groups.values() for i in range(0, len(same), most)]
        for numbers in runs:
            planes = to_planes(
                [canvases[n][0] for n in numbers], rgb=spec.colour == "rgb", mean=spec.mean, scale=spec.scale
            )
            size = (planes.shape[2], planes.shape[3])
            for n, faces in zip(numbers, self._head(self.session.run(planes), size, self.settings), strict=True):
                height, width = images[n].shape[:2]
                found[n] = scaled_back(faces, canvases[n][1], width, height)
        return found

    def _canvas(self, image: Pixels) -> tuple[Pixels, float]:
        """The picture at the size that the network takes, which may be one only."""
        high, wide = self.session.fixed(2), self.session.fixed(3)
        if high and wide:
            return letterbox_into(image, high, wide)
        return letterbox(image, self.input_width, self.pack.manifest.input.multiple_of)


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
    if len(session.inputs) != 1:
        raise PackRefused(f"{pack.name} has {len(session.inputs)} inputs; a detector has one.")
    detector = FaceDetector(pack, settings, session, input_width)
    # Shapes that do not fit, and nonsense for numbers, are found here and not at the first camera.
    detector.detect([np.full((96, 160, 3), 127, np.uint8)])
    return detector
