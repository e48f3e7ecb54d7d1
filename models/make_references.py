"""Makes each built pack's `reference.npz`: faces of two public-domain pictures and what its network says of them.

Run it in an environment with the extras `cpu` and `demo` after a pack's network has changed for a good reason.
"""

import importlib.util
from pathlib import Path

import cv2
import numpy as np

from server.vision.detector import open_detector
from server.vision.embedder import open_embedder
from server.vision.image import to_planes
from server.vision.packs import find_packs
from server.vision.session import CPU, Session

PICTURES = (("skimage", "data/astronaut.png"), ("matplotlib", "mpl-data/sample_data/grace_hopper.jpg"))
MODELS = Path(__file__).parent


def picture(package: str, path: str) -> np.ndarray:
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        raise SystemExit(f"{package} is not installed: it comes with the extra `demo`.")
    return np.asarray(cv2.imread(str(Path(spec.origin).parent / path)), np.uint8)


def main() -> None:
    packs = {pack.name: pack for pack in find_packs(MODELS) if pack.built}
    pictures = [picture(*place) for place in PICTURES]
    detector = open_detector(packs["centerface"], providers=[CPU])
    faces = detector.detect(pictures)
    for pack in packs.values():
        if pack.task == "detection":
            # Half the size and cut to the face: small, and still found.
            half = cv2.resize(pictures[0], None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
            planes = to_planes([half[16:112, 64:160]], rgb=pack.colour == "rgb")
        else:
            embedder = open_embedder(pack, providers=[CPU])
            chips = [embedder.align(image, found.landmarks[0]) for image, found in zip(pictures, faces, strict=True)]
            planes = to_planes(chips, rgb=pack.colour == "rgb")
        session = Session(pack.model, [CPU])
        outputs = dict(zip(session.outputs, session.run(planes), strict=True))
        np.savez_compressed(pack.reference, input=planes.astype(np.uint8), **outputs)


if __name__ == "__main__":
    main()
