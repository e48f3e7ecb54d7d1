"""Loading: the networks of the packs that are chosen, for a server, a command or a worker."""

from collections.abc import Callable
from dataclasses import dataclass

from server.chosen import chosen_pack, liveness_pack, pack_folders, refuse_research
from server.errors import PackRefused
from server.settings import Settings
from server.store.embedders import Build
from server.vision.detector import FaceDetector, open_detector
from server.vision.embedder import FaceEmbedder, open_embedder
from server.vision.liveness import LivenessCheck, open_liveness
from server.vision.packs import Pack, find_pack
from server.vision.swapped import SwappedEmbedder


@dataclass(frozen=True, slots=True)
class Models:
    """The loaded networks."""

    detector: FaceDetector
    embedder: FaceEmbedder
    liveness: LivenessCheck | None = None

    def packs(self, embedder: SwappedEmbedder) -> dict[str, tuple[Pack, str]]:
        """By what they are for, with what runs them; the embedder is the one that is in use now."""
        found = {
            "detector": (self.detector.pack, self.detector.provider),
            "embedder": (embedder.pack, embedder.now.provider),
        }
        return found | ({"liveness": (self.liveness.pack, self.liveness.provider)} if self.liveness else {})

    @classmethod
    def load(cls, settings: Settings) -> "Models":
        """Reads and checks the packs; takes a second. Raises PackRefused."""
        chosen = settings.inference
        providers, threads = list(chosen.providers) or None, chosen.threads or None
        found, told_apart = chosen_pack(settings, "detector"), chosen_pack(settings, "embedder")
        passive = liveness_pack(settings)
        return cls(
            open_detector(found, providers=providers, threads=threads, input_width=chosen.input_width_px),
            open_embedder(told_apart, providers=providers, threads=threads),
            open_liveness(passive, providers=providers, threads=threads) if passive else None,
        )


def opener(settings: Settings) -> Callable[[Build], FaceEmbedder]:
    """Loads a build of an embedder that is on this machine; raises PackRefused."""

    def open_build(build: Build) -> FaceEmbedder:
        pack = find_pack(build.pack, *pack_folders(settings))
        if pack.sha256 != build.sha256:
            raise PackRefused(f"{build.pack} is here in another build.", code="pack_changed")
        refuse_research(settings, pack)
        chosen = settings.inference
        return open_embedder(pack, providers=list(chosen.providers) or None, threads=chosen.threads or None)

    return open_build


def chosen_build(settings: Settings) -> Build:
    """Of the embedder that is chosen at this moment; raises PackRefused."""
    pack = chosen_pack(settings, "embedder")
    return Build(pack.name, pack.sha256)
