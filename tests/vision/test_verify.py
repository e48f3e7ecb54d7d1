"""A pack proves on this machine that it computes what it should."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from server.errors import PackRefused
from server.vision.packs import find_packs, load_pack
from server.vision.session import CPU, Session
from server.vision.verify import verify

REFERENCES = {
    "centerface": ("centerface_dynamic.onnx", (2, 3, 96, 160)),
    "mobilefacenet": ("mobilefacenet.onnx", (2, 3, 112, 112)),
    "dlib-resnet": ("dlib_resnet.onnx", (2, 3, 150, 150)),
}


@pytest.mark.parametrize("name", ["centerface", "mobilefacenet"])
def test_the_default_packs_are_what_they_were(models: Path, name: str) -> None:
    """Reference in, reference out."""
    report = verify(load_pack(models / name), [CPU])
    assert report.name == name
    assert report.difference <= report.tolerance


@pytest.fixture
def folder(models: Path, tmp_path: Path) -> Path:
    copy = tmp_path / "mobilefacenet"
    shutil.copytree(models / "mobilefacenet", copy)
    return copy


def change(folder: Path, name: str, values: np.ndarray) -> None:
    with np.load(folder / "reference.npz") as kept:
        arrays = dict(kept)
    np.savez_compressed(folder / "reference.npz", **{**arrays, name: values})


def test_another_outcome_is_refused(folder: Path) -> None:
    """A device that rounds more than is allowed is found out."""
    with np.load(folder / "reference.npz") as kept:
        expected = kept["embedding"]
    change(folder, "embedding", expected + 0.5)
    with pytest.raises(PackRefused, match="differs from its reference by 0.5"):
        verify(load_pack(folder), [CPU])
    change(folder, "embedding", expected[:, :64])
    with pytest.raises(PackRefused, match="shape"):
        verify(load_pack(folder), [CPU])


def test_a_missing_or_broken_reference_is_refused(folder: Path) -> None:
    """A pack that cannot be checked is not called good."""
    (folder / "reference.npz").write_bytes(b"nothing")
    with pytest.raises(PackRefused, match="does not hold the reference"):
        verify(load_pack(folder), [CPU])
    (folder / "reference.npz").unlink()
    with pytest.raises(PackRefused, match="does not hold the reference"):
        verify(load_pack(folder), [CPU])


@pytest.mark.parametrize("name", sorted(REFERENCES))
def test_networks_equal_an_independent_conversion(models: Path, shared: Path, name: str) -> None:
    """On noise, to 1e-4, whatever way the other program took from the same weights."""
    pack = next(pack for pack in find_packs(models) if pack.name == name)
    if not pack.built:
        pytest.skip(f"{name} is not built")
    file, shape = REFERENCES[name]
    noise = np.random.default_rng(7).integers(0, 256, shape).astype(np.float32)
    ours = Session(pack.model, [CPU]).run(noise)
    theirs = Session(shared / "models/reference" / file, [CPU]).run(noise)
    for mine, other in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(mine, other, atol=1e-4)
