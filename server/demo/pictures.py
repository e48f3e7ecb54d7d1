"""The two portraits that the demo shows, found inside installed packages without importing them."""

from importlib.util import find_spec
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from server.errors import Unavailable

Pixels = NDArray[np.uint8]


def astronaut() -> Path:
    """Eileen Collins, 512 x 512 (NASA, public domain), from scikit-image."""
    return _inside("skimage", "data/astronaut.png")


def grace_hopper() -> Path:
    """Grace Hopper, 512 x 600 (US Navy, public domain), from matplotlib."""
    return _inside("matplotlib", "mpl-data/sample_data/grace_hopper.jpg")


def read_picture(path: Path) -> Pixels:
    """(height, width, 3) uint8, BGR."""
    picture = cv2.imdecode(np.frombuffer(path.read_bytes(), np.uint8), cv2.IMREAD_COLOR)
    if picture is None:
        raise Unavailable(f"The picture {path.name} cannot be read.", code="demo_picture_unreadable")
    return np.asarray(picture, np.uint8)


def _inside(package: str, relative: str) -> Path:
    spec = find_spec(package)
    for folder in (spec.submodule_search_locations or []) if spec else []:
        path = Path(folder, relative)
        if path.is_file():
            return path
    raise Unavailable(
        f"The demo needs a picture that comes with {package}. Add the extra: pip install '.[demo]' in the checkout.",
        code="demo_extra_missing",
    )
