"""An embedder that gives way to another one while others hold on to it."""

from server.vision.detections import Floats, Pixels
from server.vision.embedder import FaceEmbedder
from server.vision.packs import Pack


class SwappedEmbedder:
    """Aligns and embeds by the embedder that is in it now. `swap` is one step: no call sees half of it."""

    def __init__(self, embedder: FaceEmbedder) -> None:
        self.now = embedder

    @property
    def pack(self) -> Pack:
        return self.now.pack

    def swap(self, embedder: FaceEmbedder) -> None:
        self.now = embedder

    def align(self, image: Pixels, landmarks: Floats) -> Pixels:
        """As FaceEmbedder."""
        return self.now.align(image, landmarks)

    def embed(self, chips: Pixels) -> Floats:
        """As FaceEmbedder. Chips that another one has aligned are refused with ValueError where the sizes differ."""
        return self.now.embed(chips)
