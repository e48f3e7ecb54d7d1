"""The default packs, loaded once, and the two public-domain pictures of the demo extra."""

import importlib.util
from pathlib import Path

import cv2
import numpy as np
import pytest

from server.assets import asset
from server.vision.detections import Pixels
from server.vision.detector import FaceDetector, open_detector
from server.vision.embedder import FaceEmbedder, open_embedder
from server.vision.packs import find_pack

SHARED = Path(__file__).parents[2].parent / "shared"


def read(path: Path) -> Pixels:
    return np.asarray(cv2.imread(str(path)), np.uint8)


def inside(package: str, path: str) -> Path:
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        pytest.skip(f"{package} is not installed")
    return Path(spec.origin).parent / path


@pytest.fixture(scope="session")
def models() -> Path:
    return asset("models")


@pytest.fixture(scope="session")
def shared() -> Path:
    if not SHARED.is_dir():
        pytest.skip("the shared pictures are not here")
    return SHARED


@pytest.fixture(scope="session")
def collins() -> Pixels:
    """Eileen Collins, 512 x 512, her face 88 pixels wide."""
    return read(inside("skimage", "data/astronaut.png"))


@pytest.fixture(scope="session")
def hopper() -> Pixels:
    """Grace Hopper, 512 x 600, her face 182 pixels wide."""
    return read(inside("matplotlib", "mpl-data/sample_data/grace_hopper.jpg"))


@pytest.fixture(scope="session")
def detector(models: Path) -> FaceDetector:
    return open_detector(find_pack("centerface", models), threads=2)


@pytest.fixture(scope="session")
def embedder(models: Path) -> FaceEmbedder:
    return open_embedder(find_pack("mobilefacenet", models), threads=2)
