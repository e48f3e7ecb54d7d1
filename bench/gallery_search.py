"""Searches in galleries of 1,000, 100,000 and (with --large) 1,000,000 templates, against plain numpy in the same run.

    python bench/gallery_search.py [--probes 200] [--large]

The templates are made up: people are random directions with three photos each around them, and probes are further
photos. plain numpy is one product with the matrix and its greatest value; ours also tells the margin to the next
person. In turns, one probe at a time. Recall is the part of the probes with an exact match above the threshold of whom
the index names the same person. One line a figure: medians of the probes in milliseconds.
"""

import argparse
from dataclasses import dataclass
from time import perf_counter

import numpy as np

from bench.parts.report import figure, median, note
from server.identity.gallery import Gallery
from server.identity.index import Index
from server.vision.detections import Floats

DIMENSION = 192
PHOTOS = 3
SPREAD = 0.6  # of photos around their person: similarities of about 0.75
THRESHOLD = 0.6
SIZES = (1_000, 100_000)
LARGE = 1_000_000
AT_ONCE = 2_000
LEAST_RECALL = 0.995


@dataclass(frozen=True, slots=True)
class Timed:
    """Milliseconds of each probe, and who was named."""

    ms: list[float]
    people: list[str]
    similarities: list[float]


def unit(vectors: Floats) -> Floats:
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors


def photos_of(centres: Floats, random: np.random.Generator) -> Floats:
    spread = random.standard_normal(centres.shape, np.float32) * np.float32(SPREAD / DIMENSION**0.5)
    return unit(centres + spread)


def made_up(size: int, probes: int) -> tuple[Floats, Floats]:
    """Templates, and probes of people among them."""
    random = np.random.default_rng(size)
    centres = unit(random.standard_normal((-(-size // PHOTOS), DIMENSION), np.float32))
    templates = photos_of(np.repeat(centres, PHOTOS, axis=0)[:size], random)
    return templates, photos_of(centres[random.integers(0, len(centres), probes)], random)


def plain(templates: Floats, probes: Floats) -> list[float]:
    """What numpy takes for the likeliest template alone."""
    ms = []
    for probe in probes:
        started = perf_counter()
        int(np.argmax(templates @ probe))
        ms.append((perf_counter() - started) * 1e3)
    return ms


def searched(gallery: Gallery, probes: Floats) -> Timed:
    ms, people, similarities = [], [], []
    for probe in probes:
        started = perf_counter()
        [match] = gallery.search(probe[None])
        ms.append((perf_counter() - started) * 1e3)
        if match is None:
            raise SystemExit("The gallery is empty: this figure means nothing.")
        people.append(match.person_id)
        similarities.append(match.similarity)
    return Timed(ms, people, similarities)


def indexed(gallery: Gallery) -> float:
    """Seconds that the index took, in the parts in which the server makes it."""
    index, started = Index(DIMENSION), perf_counter()
    while len((part := gallery.indexed_next(index, AT_ONCE))[0]):
        index.add(*part)
    gallery.attach(index)
    return perf_counter() - started


def measure(size: int, count: int) -> float:
    """Prints the figures of a gallery of this size; the recall."""
    templates, probes = made_up(size, count)
    gallery = Gallery(DIMENSION)
    started = perf_counter()
    gallery.add_many([(f"t{n}", f"p{n // PHOTOS}") for n in range(size)], templates)
    note(f"{size:,} templates: filled in {perf_counter() - started:.1f} s")
    exact, numpy_ms = searched(gallery, probes), median(plain(templates, probes))
    note(f"{size:,} templates: indexed in {indexed(gallery):.1f} s")
    near, numpy_later_ms = searched(gallery, probes), median(plain(templates, probes))
    figure(f"gallery_search_ms exact {size:,}", median(exact.ms), ("numpy", numpy_ms))
    figure(f"gallery_search_ms indexed {size:,}", median(near.ms), ("numpy", numpy_later_ms))
    sure = [n for n, similarity in enumerate(exact.similarities) if similarity >= THRESHOLD]
    recall = sum(exact.people[n] == near.people[n] for n in sure) / max(len(sure), 1)
    bar = f"at least {LEAST_RECALL}, of {len(sure)} of {count} probes"
    figure(f"gallery_search recall_at_1 {size:,}", recall, ("exact", 1.0), bar=bar)
    return recall if sure else 0.0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--probes", type=int, default=200)
    parser.add_argument("--large", action="store_true", help="a million too: minutes, and 3 GB of memory")
    asked = parser.parse_args()
    sizes = (*SIZES, LARGE) if asked.large else SIZES
    return int(min(measure(size, asked.probes) for size in sizes) < LEAST_RECALL)


if __name__ == "__main__":
    raise SystemExit(main())
