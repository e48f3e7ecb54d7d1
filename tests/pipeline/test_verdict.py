"""The verdict on an accepted photo: its numbers, and doubts that name nobody."""

import asyncio
from typing import Any

import pytest

from server.demo.clips import enrolment_photo
from server.demo.pictures import grace_hopper
from server.identity.enrolment import Enroller, Likeness
from server.identity.gallery import Gallery
from server.parts import Parts
from server.pipeline import verdict
from server.pipeline.verdict import doubts, numbers
from server.store.tables import Person
from tests.opened import models


async def test_numbers_of_a_first_and_of_a_further_photo(parts: Parts, person: Person) -> None:
    """The first has nothing to be compared with; a further one says how like the others it is."""
    first = await parts.enrolment.add_photo(person.id, enrolment_photo())
    assert first.quality["faceCount"] == 1
    assert 0 <= first.quality["occlusion"] < 0.5
    assert "similarityToOwn" not in first.quality
    second = await parts.enrolment.add_photo(person.id, enrolment_photo())
    assert second.quality["similarityToOwn"] > 0.99
    assert "similarityToOthers" not in second.quality
    assert second.warnings == []
    async with parts.store.transaction() as session:
        session.add(other := Person(full_name="Somebody Else"))
    third = await parts.enrolment.add_photo(other.id, enrolment_photo())
    assert third.quality["similarityToOthers"] > 0.99
    assert [one["code"] for one in third.warnings] == ["resembles_other_person"]


async def test_somebody_elses_photo(parts: Parts, person: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    """Is taken, with a doubt; so is one on which something covers the face."""
    await parts.enrolment.add_photo(person.id, enrolment_photo())
    wrong = await parts.enrolment.add_photo(person.id, grace_hopper().read_bytes())
    assert [one["code"] for one in wrong.warnings] == ["unlike_other_photos"]
    assert wrong.quality["similarityToOwn"] < parts.roster.threshold
    enroller = Enroller(models().detector, models().embedder)
    accepted = await asyncio.to_thread(enroller.examine, enrolment_photo())
    monkeypatch.setattr(verdict, "COVERED", 0.0)
    likeness = Likeness.of(parts.roster.gallery, accepted.embedding, person.id)
    assert [one["code"] for one in doubts(accepted, likeness, parts.roster.threshold)] == ["perhaps_covered"]
    stranger = Likeness.of(parts.roster.gallery, accepted.embedding, "nobody")
    assert numbers(accepted, stranger).keys() >= {"sizePx", "faceCount", "similarityToOthers"}


async def test_a_face_is_compared_once(parts: Parts, person: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    """Numbers and warnings are of one comparison with the gallery, which may be large."""
    compared = []
    asked = Gallery.similarity_to_others, Gallery.similarity_to
    for method in asked:

        def noted(gallery: Gallery, *given: Any, method: Any = method) -> Any:
            compared.append(method.__name__)
            return method(gallery, *given)

        monkeypatch.setattr(Gallery, method.__name__, noted)
    await parts.enrolment.add_photo(person.id, enrolment_photo())
    assert sorted(compared) == ["similarity_to", "similarity_to_others"]
