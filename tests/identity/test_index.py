"""The index against the exact search: who is found, by what margin, and after any row of changes."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from server.identity.gallery import Gallery
from server.identity.index import Index
from server.vision.detections import Floats

THRESHOLD = 0.55
DIMENSION = 64


def near(centres: Floats, spread: float, random: np.random.Generator) -> Floats:
    """Unit vectors around these, as photos of one person are around their face."""
    vectors = centres + random.normal(size=centres.shape) * spread / np.sqrt(centres.shape[1])
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), np.float32)


def crowd(people: int, photos: int, seed: int) -> tuple[Floats, Floats]:
    """A template for each photo of each person, and a probe of each person."""
    random = np.random.default_rng(seed)
    centres = near(np.zeros((people, DIMENSION), np.float32), 1.0, random)
    return near(np.repeat(centres, photos, axis=0), 0.6, random), near(centres, 0.6, random)


def indexed(gallery: Gallery, at_once: int = 512) -> Index:
    """As the roster makes one."""
    index = Index(gallery.dimension)
    while len((part := gallery.indexed_next(index, at_once))[0]):
        index.add(*part)
    gallery.attach(index)
    return index


def filled(templates: Floats, photos: int) -> Gallery:
    gallery = Gallery(templates.shape[1])
    gallery.add_many([(f"t{n}", f"p{n // photos}") for n in range(len(templates))], templates)
    return gallery


@settings(max_examples=12, deadline=None)
@given(st.integers(2, 1200), st.integers(1, 4), st.integers(0, 10**6))
def test_the_index_finds_whom_the_exact_search_finds(people: int, photos: int, seed: int) -> None:
    """At least 995 of 1000 whose true match is above the threshold, with the similarity and the margin to the next
    person that the exact search has."""
    templates, probes = crowd(people, photos, seed)
    gallery = filled(templates, photos)
    exact = gallery.search(probes)
    indexed(gallery)
    pairs = [(a, b) for a, b in zip(exact, gallery.search(probes), strict=True) if a and a.similarity >= THRESHOLD]
    same = [b is not None and (a.person_id, a.template_id) == (b.person_id, b.template_id) for a, b in pairs]
    assert sum(same) >= 0.995 * len(pairs)
    for (a, b), right in zip(pairs, same, strict=True):
        if right and b is not None:
            assert b.similarity == pytest.approx(a.similarity, abs=1e-5)
            assert b.margin >= a.margin - 1e-5


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(st.booleans(), st.integers(0, 25), st.integers(0, 5)), max_size=60), st.integers(0, 60))
def test_after_any_changes_the_index_says_what_is_there(changes: list[tuple[bool, int, int]], before: int) -> None:
    """Added and removed without being made anew: in a small gallery it answers as the exact search does."""
    gallery, plain = Gallery(DIMENSION), Gallery(DIMENSION)
    vectors = crowd(60, 1, 7)[0]
    for number, (is_added, template, person) in enumerate(changes):
        if number == before:
            indexed(gallery)
        for one in (gallery, plain):
            if is_added:
                one.add(f"t{template}", f"p{person}", vectors[number])
            else:
                one.remove_template(f"t{template}")
    if gallery.index is None:
        indexed(gallery)
    assert gallery.index is not None
    assert len(gallery.index) == len(gallery) == len(plain)
    for probe in vectors[:4]:
        [found], [expected] = gallery.search(probe[None]), plain.search(probe[None])
        assert (found is None) == (expected is None)
        if found is not None and expected is not None:
            assert (found.person_id, found.template_id) == (expected.person_id, expected.template_id)
            assert found.margin == pytest.approx(expected.margin, abs=1e-5)
        assert [m.person_id for m in gallery.search_top(probe, 3)] == [m.person_id for m in plain.search_top(probe, 3)]
        others = [one.similarity_to_others(probe, "p1") for one in (gallery, plain)]
        assert len({one and one.template_id for one in others}) == 1


def test_the_margin_is_to_another_person_however_many_photos_the_first_has() -> None:
    """Two hundred photos of one person stand before the first one of anybody else, and the margin is to that."""
    random = np.random.default_rng(3)
    ada = near(np.zeros((1, DIMENSION), np.float32), 1.0, random)
    templates = np.concatenate([near(np.repeat(ada, 200, axis=0), 0.2, random), crowd(300, 1, 4)[0]])
    gallery = Gallery(DIMENSION)
    owned = [(f"t{n}", "ada" if n < 200 else f"p{n}") for n in range(len(templates))]
    gallery.add_many(owned, templates)
    [exact] = gallery.search(ada)
    indexed(gallery)
    [found] = gallery.search(ada)
    assert exact is not None
    assert found is not None
    assert found.person_id == "ada"
    assert found.margin == pytest.approx(exact.margin, abs=1e-5)
    alone = Gallery(DIMENSION)
    alone.add_many(owned[:200], templates[:200])
    indexed(alone)
    [match] = alone.search(ada)
    assert match is not None
    assert match.margin == pytest.approx(match.similarity + 1)


def test_what_changes_while_the_index_is_made_is_in_it() -> None:
    """Added late, it is handed over too; removed early, it is taken out when the index is attached."""
    templates, _ = crowd(40, 1, 1)
    gallery, index = filled(templates[:30], 1), Index(DIMENSION)
    index.add(*gallery.indexed_next(index, 10))
    gallery.remove_template("t3")
    gallery.remove_template("t29")
    gallery.add("late", "late", templates[35])
    while len((part := gallery.indexed_next(index, 10))[0]):
        index.add(*part)
    assert len(index) == 30
    gallery.attach(index)
    assert len(index) == len(gallery) == 29
    [late, gone] = gallery.search(templates[[35, 3]])
    assert late is not None
    assert gone is not None
    assert late.person_id == "late"
    assert gone.person_id != "p3"


def test_it_is_worn_when_much_was_removed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Then one that is made anew is smaller, and remembers nobody who was erased."""
    monkeypatch.setattr("server.identity.index._FEW", 10)
    gallery = filled(crowd(200, 1, 2)[0], 1)
    index = indexed(gallery)
    for number in range(20):
        gallery.remove_template(f"t{number}")
    assert not index.is_worn
    gallery.remove_template("t20")
    assert index.is_worn
    assert not indexed(gallery).is_worn
