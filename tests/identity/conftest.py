"""A scene to vote in, the default models, and two people."""

from collections.abc import Callable
from importlib.util import find_spec
from itertools import count
from pathlib import Path

import pytest

from server.assets import asset
from server.identity.enrolment import Enroller
from server.identity.pictures import decode
from server.identity.resolver import Resolver, ResolverLimits
from server.vision.detections import Pixels
from server.vision.detector import FaceDetector, open_detector
from server.vision.embedder import FaceEmbedder, open_embedder
from server.vision.packs import default_pack
from tests.identity.scenes import Scene

MakeScene = Callable[..., Scene]


@pytest.fixture
def make_scene() -> MakeScene:
    """A scene with ids s1, s2 and so on."""

    def make(limits: ResolverLimits | None = None) -> Scene:
        numbers = count(1)
        return Scene(Resolver("camera", "pack@1", limits, new_id=lambda: f"s{next(numbers)}"))

    return make


@pytest.fixture
def scene(make_scene: MakeScene) -> Scene:
    return make_scene()


@pytest.fixture(scope="session")
def detector() -> FaceDetector:
    """The default pack, on one thread."""
    return open_detector(default_pack("detection", asset("models")), threads=1)


@pytest.fixture(scope="session")
def embedder() -> FaceEmbedder:
    """The default pack, on one thread."""
    return open_embedder(default_pack("embedding", asset("models")), threads=1)


@pytest.fixture(scope="session")
def enroller(detector: FaceDetector, embedder: FaceEmbedder) -> Enroller:
    return Enroller(detector, embedder)


@pytest.fixture(scope="session")
def eileen() -> Pixels:
    """Eileen Collins, 512 x 512, the face about 88 pixels wide."""
    return portrait("skimage", "data/astronaut.png")


@pytest.fixture(scope="session")
def grace() -> Pixels:
    """Grace Hopper, 512 x 600, the face about 180 pixels wide."""
    return portrait("matplotlib", "mpl-data/sample_data/grace_hopper.jpg")


def portrait(package: str, name: str) -> Pixels:
    """A picture that comes inside a package; the package itself is not imported."""
    found = find_spec(package)
    assert found is not None
    assert found.origin is not None
    return decode((Path(found.origin).parent / name).read_bytes())
