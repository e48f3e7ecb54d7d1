"""How often a stranger is named, at galleries of 50, 200 and 1,000 people with 1 and 3 photos, by the server's own bar.

    python bench/false_identification.py [--strangers 4000]

The faces are made up: directions on the sphere whose impostor and genuine similarities are fitted to what was measured
of the default embedder on real faces (impostors above 0.47: 1 in 1,000, above 0.55: 1 in 10,000; genuine above them:
99.2 and 97.4 percent); the first lines say how well they fit. One frame each, which is stricter than a decision: that
takes three agreeing frames. The bar is the pack's threshold at that size, with the raise for people with one photo,
and its margin. Two lines a gallery: strangers who are named (fpir), and enrolled people who are not (fnir).
"""

import argparse

import numpy as np

from bench.parts.report import figure, note
from server.chosen import chosen_pack
from server.identity.bars import raise_for
from server.identity.gallery import Gallery, Thresholds
from server.settings import Settings
from server.vision.detections import Floats

DIMENSION = 47  # of the sphere whose random directions are as alike as the embedder's strangers
COMMON = 0.077  # what all faces have in common
PLAIN, POOR, POOR_SHARE = (0.9, 0.05), (0.62, 0.08), 0.03  # how much of the person is in a photo
SIZES = (50, 200, 1_000)


def unit(vectors: Floats) -> Floats:
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), np.float32)


def with_common(vectors: Floats) -> Floats:
    """One more dimension, in which all are alike."""
    common = np.full((len(vectors), 1), np.sqrt(COMMON), np.float32)
    return unit(np.hstack([vectors * np.float32(np.sqrt(1 - COMMON)), common]))


def people(count: int, random: np.random.Generator) -> Floats:
    return unit(random.standard_normal((count, DIMENSION), np.float32))


def photos(of: Floats, random: np.random.Generator) -> Floats:
    """A photo of each: the person, and what is of this moment alone."""
    poor = random.random(len(of)) < POOR_SHARE
    share = np.where(poor, random.normal(*POOR, len(of)), random.normal(*PLAIN, len(of))).clip(0.3, 0.99)[:, None]
    moment = unit(random.standard_normal(of.shape, np.float32))
    return with_common(unit(np.asarray(share * of + np.sqrt(1 - share**2) * moment, np.float32)))


def fit(random: np.random.Generator) -> None:
    everybody = people(4_000, random)
    first, second = photos(everybody, random), photos(everybody, random)
    genuine = np.sum(first * second, axis=1)
    pairs = (first @ second.T)[~np.eye(len(everybody), dtype=np.bool_)]
    for least, far, tar in ((0.47, 1e-3, 0.992), (0.55, 1e-4, 0.974)):
        figure(f"fit impostors above {least}", float(np.mean(pairs >= least)), ("measured", far))
        figure(f"fit genuine above {least}", float(np.mean(genuine >= least)), ("measured", tar))


def measure(size: int, each: int, strangers: int, thresholds: Thresholds, margin: float) -> None:
    random = np.random.default_rng(size * 10 + each)
    enrolled = people(size, random)
    gallery = Gallery(DIMENSION + 1)
    for number in range(each):
        taken = photos(enrolled, random)
        gallery.add_many([(f"{person}/{number}", str(person)) for person in range(size)], taken)
    bar = thresholds.at(size) + raise_for(each, poor=False)[0]
    named = 0
    for match in gallery.search(photos(people(strangers, random), random)):
        named += match is not None and match.similarity >= bar and match.margin >= margin
    right = 0
    probes = photos(enrolled, random)
    for person, match in enumerate(gallery.search(probes)):
        good = match is not None and match.similarity >= bar and match.margin >= margin
        right += bool(good and match is not None and match.person_id == str(person))
    name = f"{size:,} people, {each} photo{'s' if each > 1 else ''} at {bar:.3f}"
    figure(f"fpir {name}", named / strangers)
    figure(f"fnir {name}", 1 - right / size)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--strangers", type=int, default=4_000)
    chosen = parser.parse_args()
    pack = chosen_pack(Settings(), "embedder")
    note(f"{pack.label}, made-up faces, one frame each")
    fit(np.random.default_rng(1))
    for size in SIZES:
        for each in (1, 3):
            measure(size, each, chosen.strangers, Thresholds(pack.thresholds), pack.margin)


if __name__ == "__main__":
    main()
