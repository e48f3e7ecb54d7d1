"""server/demo/pictures.py: the two portraits, found without importing the packages that bring them."""

import subprocess
import sys

import pytest

from server.demo import pictures
from server.errors import Unavailable


def test_both_are_found() -> None:
    """Both portraits are where the installed packages keep them, and can be read."""
    assert pictures.read_picture(pictures.astronaut()).shape == (512, 512, 3)
    assert pictures.read_picture(pictures.grace_hopper()).shape == (600, 512, 3)


def test_nothing_is_imported() -> None:
    """Neither package is loaded for it."""
    code = (
        "import sys; from server.demo.pictures import astronaut, grace_hopper; astronaut(); grace_hopper();"
        "sys.exit('skimage' in sys.modules or 'matplotlib' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_missing_package() -> None:
    """Without the extra, the error says what to install."""
    with pytest.raises(Unavailable, match="\\.\\[demo\\]"):
        pictures._inside("no_such_package", "picture.png")
    with pytest.raises(Unavailable, match="skimage"):
        pictures._inside("skimage", "no/such/picture.png")
