"""What the tests of the media room share: films in the folder of the test, and rules that let them be read."""

from collections.abc import Callable
from ipaddress import IPv4Network
from pathlib import Path

import pytest

from server.address import AddressRules
from tests.media.films import write_film

MakeFilm = Callable[..., Path]


@pytest.fixture
def make_film(tmp_path: Path) -> MakeFilm:
    """make_film(name, frames=…, b_frames=…) -> path, in this test's folder."""

    def make(name: str = "film.mp4", **options: object) -> Path:
        return write_film(tmp_path / name, **options)  # type: ignore[arg-type]

    return make


@pytest.fixture
def rules(tmp_path: Path) -> AddressRules:
    """Files of this test, and loopback."""
    return AddressRules(roots=(tmp_path,), allowed_networks=(IPv4Network("127.0.0.0/8"),))
