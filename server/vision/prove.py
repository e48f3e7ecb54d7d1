"""A network that nobody has a reference of: opened, tried, and its own outputs kept to compare with later."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from server.errors import PackRefused
from server.vision.detections import Floats
from server.vision.detector import open_detector
from server.vision.embedder import open_embedder
from server.vision.liveness import open_liveness
from server.vision.packs import Pack, check_file
from server.vision.session import CPU, Session

DETECTOR_SIZE = (96, 160)


def prove(pack: Pack, model: Path) -> dict[str, Floats]:
    """What `pack` computes with the network at `model`: the arrays of a `reference.npz`, made on the CPU.

    Raises PackRefused for another hash, shapes that do not fit the manifest, and outputs that are not numbers.
    """
    tried = replace(pack, model=model)
    check_file(tried)
    if pack.task == "detection":
        open_detector(tried, providers=[CPU])
    elif pack.task == "embedding":
        open_embedder(tried, providers=[CPU])
    else:
        open_liveness(tried, providers=[CPU])
    session = Session(model, [CPU])
    size = (pack.size, pack.size) if pack.size else DETECTOR_SIZE
    height, width = (session.fixed(axis) or side for axis, side in zip((2, 3), size, strict=True))
    spec = pack.manifest.input
    chance = np.random.default_rng(1).integers(0, 256, (1, 3, height, width)).astype(np.float32)
    planes = np.asarray((chance - spec.mean) * spec.scale, np.float32)
    outputs = dict(zip(session.outputs, session.run(planes), strict=True))
    for name, found in outputs.items():
        if not np.isfinite(found).all():
            raise PackRefused(f"{pack.name}: {name} has values that are not numbers.")
    return {"input": planes, **outputs}
