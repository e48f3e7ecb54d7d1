"""A liveness pack looks at the surroundings of a face and answers with shares of its classes."""

from pathlib import Path

import numpy as np
import pytest

from server.errors import PackRefused
from server.vision.detections import Pixels
from server.vision.detector import FaceDetector
from server.vision.liveness import open_liveness, surroundings
from server.vision.packs import Pack, find_pack, read_manifest
from tests.antispoof_pack import SHARED_FILE, make_antispoof


@pytest.fixture
def antispoof(tmp_path: Path) -> Pack:
    """A pack of one's own around the shared file."""
    if not SHARED_FILE.is_file():
        pytest.skip("the shared liveness network is not here")
    return read_manifest(make_antispoof(tmp_path))


def test_shares_of_the_classes(antispoof: Pack, detector: FaceDetector, collins: Pixels, hopper: Pixels) -> None:
    """They add up to one for each face; a face at the edge of the picture counts too; no face, no share."""
    check = open_liveness(antispoof, threads=1)
    [found] = detector.detect([collins])
    edge = np.array([[-30, -30, 40, 40]], np.float32)
    shares = check.shares(collins, np.concatenate([found.boxes, edge]))
    assert shares.shape == (2, 3)
    np.testing.assert_allclose(shares.sum(axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(check.live(collins, found.boxes), shares[:1, 0], atol=1e-5)
    assert check.shares(hopper, np.zeros((0, 4), np.float32)).shape == (0, 3)


def test_the_surroundings_are_a_square_around_the_middle() -> None:
    """1.5 times the longer side, the face in the middle; black beyond the edge."""
    image = np.full((100, 100, 3), 200, np.uint8)
    image[40:60, 45:55] = 50
    chip = surroundings(image, np.array([45, 40, 55, 60], np.float32), 1.5, 30)
    assert chip.shape == (30, 30, 3)
    assert chip[15, 15, 0] == 50
    assert chip[2, 2, 0] == 200
    assert chip[15, 4, 0] == 200
    corner = surroundings(image, np.array([-10, -10, 10, 10], np.float32), 1.5, 30)
    assert corner[0, 0].tolist() == [0, 0, 0]
    assert corner[29, 29].tolist() == [200, 200, 200]
    assert not surroundings(image, np.array([300, 300, 320, 320], np.float32), 1.5, 30).any()


def test_other_classes_than_the_network_has_are_refused(antispoof: Pack) -> None:
    """When it is opened; a live class that is none of them, when it is read."""
    manifest = antispoof.folder / "model.toml"
    text = manifest.read_text()
    manifest.write_text(text.replace('"print", "replay"', '"replay"'))
    with pytest.raises(PackRefused, match=r"\(1, 3\), not \(1, 2\)"):
        open_liveness(read_manifest(antispoof.folder))
    manifest.write_text(text.replace('live = "live"', 'live = "alive"'))
    with pytest.raises(PackRefused, match="alive is none of its classes"):
        read_manifest(antispoof.folder)


def test_an_embedder_is_not_opened_as_a_liveness_check(models: Path) -> None:
    """The manifest says what a pack is for."""
    with pytest.raises(PackRefused, match="does not check liveness"):
        open_liveness(find_pack("mobilefacenet", models))
