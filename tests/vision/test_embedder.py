"""Aligned faces become unit vectors that tell people apart."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from server.errors import PackRefused
from server.vision.detections import Floats, Pixels
from server.vision.detector import FaceDetector
from server.vision.embedder import FaceEmbedder, open_embedder
from server.vision.packs import find_pack


def embedding(detector: FaceDetector, embedder: FaceEmbedder, image: Pixels) -> Floats:
    """Of the face nearest to the middle."""
    (found,) = detector.detect([image])
    middle = np.array(image.shape[1::-1]) / 2
    nearest = int(np.linalg.norm((found.boxes[:, :2] + found.boxes[:, 2:]) / 2 - middle, axis=1).argmin())
    vector: Floats = embedder.embed(embedder.align(image, found.landmarks[nearest])[None])[0]
    return vector


def test_one_person_is_near_and_two_are_far(
    detector: FaceDetector, embedder: FaceEmbedder, collins: Pixels, hopper: Pixels
) -> None:
    """Another size, light and sharpness changes little; another person changes nearly all."""
    first = embedding(detector, embedder, collins)
    changed = cv2.resize(collins, None, fx=0.6, fy=0.6, interpolation=cv2.INTER_AREA)
    changed = np.clip(changed.astype(np.float32) * 0.6 + 10, 0, 255).astype(np.uint8)
    assert first @ embedding(detector, embedder, changed) > 0.9
    assert abs(first @ embedding(detector, embedder, hopper)) < 0.3


def test_vectors_have_unit_length_and_a_batch_changes_nothing(
    detector: FaceDetector, embedder: FaceEmbedder, collins: Pixels, hopper: Pixels
) -> None:
    """Twenty faces at once, more than one run takes, are the same as one by one."""
    chips = np.stack([embedder.align(p, detector.detect([p])[0].landmarks[0]) for p in (collins, hopper)] * 10)
    vectors = embedder.embed(chips)
    assert vectors.shape == (20, embedder.dimension)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(vectors[18], embedder.embed(chips[:1])[0], atol=1e-4)


def test_no_chips_no_vectors(embedder: FaceEmbedder) -> None:
    """An empty batch is answered with an empty array of the right width."""
    assert embedder.embed(np.zeros((0, 112, 112, 3), np.uint8)).shape == (0, 192)


def test_chips_of_another_size_are_a_bug(embedder: FaceEmbedder) -> None:
    """They are refused before the network sees them."""
    with pytest.raises(ValueError, match="112 x 112"):
        embedder.embed(np.zeros((1, 96, 112, 3), np.uint8))


def test_a_detector_is_not_opened_as_an_embedder(models: Path) -> None:
    """The manifest says what a pack is for."""
    with pytest.raises(PackRefused, match="does not embed"):
        open_embedder(find_pack("centerface", models))


def test_agrees_with_an_independent_conversion(embedder: FaceEmbedder, shared: Path) -> None:
    """The same vectors as another program made with another file of the network."""
    with np.load(shared / "models/reference/mobilefacenet.npz") as kept:
        chips = np.ascontiguousarray(kept["chips"].transpose(0, 2, 3, 1)[..., ::-1])
        expected = kept["embeddings"]
    np.testing.assert_allclose(embedder.embed(chips), expected, atol=1e-4)


def test_ten_people_are_told_apart(detector: FaceDetector, embedder: FaceEmbedder, shared: Path) -> None:
    """Of three photos each of ten people every one is nearest to its own, with the pack's margin and threshold."""
    folders = sorted((shared / "data/people10").iterdir())
    photos = [(n, path) for n, folder in enumerate(folders) for path in sorted(folder.glob("*.jpg"))[:3]]
    people = np.array([n for n, _ in photos])
    vectors = np.stack([embedding(detector, embedder, np.asarray(cv2.imread(str(p)), np.uint8)) for _, p in photos])
    cosines = vectors @ vectors.T - 2 * np.eye(len(vectors), dtype=np.float32)
    same = people[:, None] == people[None, :]
    own = np.where(same, cosines, -1).max(1)
    other = np.where(same, -1, cosines).max(1)
    threshold = dict(embedder.pack.thresholds)[10]
    assert (own > threshold).all()
    assert (other < threshold).all()
    assert (own - other > embedder.pack.margin).all()
