"""Turns aligned faces into embeddings of unit length."""

from collections.abc import Sequence

import numpy as np

from server.errors import PackRefused
from server.vision.detections import Floats, Pixels
from server.vision.image import align, to_planes
from server.vision.packs import Embedding, Pack, check_file
from server.vision.session import Session

LARGEST_RUN = 64
LARGEST_RUN_ON_CPU = 8


class FaceEmbedder:
    """Any network that takes an aligned face and returns a vector, as its manifest describes it."""

    def __init__(self, pack: Pack, settings: Embedding, session: Session) -> None:
        self.pack, self.settings, self.session = pack, settings, session
        self.dimension = settings.dimension
        self.chip_size = pack.size

    @property
    def provider(self) -> str:
        return self.session.provider

    def align(self, image: Pixels, landmarks: Floats) -> Pixels:
        """The chip (S, S, 3) of one face as this network wants it."""
        return align(image, landmarks, self.settings.template, self.chip_size)

    def embed(self, chips: Pixels) -> Floats:
        """(N, D) unit vectors of (N, S, S, 3) BGR chips; N may be 0."""
        side = self.chip_size
        if chips.ndim != 4 or chips.shape[1:] != (side, side, 3) or chips.dtype != np.uint8:
            raise ValueError(f"Not chips of {side} x {side} pixels: {chips.dtype} {chips.shape}.")
        spec = self.pack.manifest.input
        vectors = np.empty((len(chips), self.dimension), np.float32)
        most = self.session.fixed(0) or (LARGEST_RUN_ON_CPU if self.session.on_cpu else LARGEST_RUN)
        for start in range(0, len(chips), most):
            part = chips[start : start + most]
            planes = to_planes(part, rgb=spec.colour == "rgb", mean=spec.mean, scale=spec.scale)
            vectors[start : start + len(part)] = self._checked(self.session.run(planes)[0], len(part))
        return vectors

    def _checked(self, raw: Floats, count: int) -> Floats:
        if raw.shape != (count, self.dimension):
            raise PackRefused(f"{self.pack.name} returned {raw.shape} for {count} faces of {self.dimension} numbers.")
        lengths = np.linalg.norm(raw, axis=1, keepdims=True)
        if not np.isfinite(lengths).all() or (lengths < 1e-6).any():
            raise PackRefused(f"{self.pack.name} returned an embedding without a direction.")
        return np.asarray(raw / lengths, np.float32)


def open_embedder(pack: Pack, *, providers: Sequence[str] | None = None, threads: int | None = None) -> FaceEmbedder:
    """Check the pack's file, load it, and see that it has an embedder's edges."""
    settings = pack.manifest.embedding
    if settings is None:
        raise PackRefused(f"{pack.name} does not embed faces.")
    check_file(pack)
    session = Session(pack.model, providers, threads)
    if len(session.inputs) != 1 or len(session.outputs) != 1:
        raise PackRefused(f"{pack.name} does not have an embedder's one input and one output.")
    embedder = FaceEmbedder(pack, settings, session)
    # Another length, and nonsense for numbers, are found here and not at the first face.
    embedder.embed(np.full((1, pack.size, pack.size, 3), 127, np.uint8))
    return embedder
