"""Who passes a line or enters a zone: the sighting's direction, whenever it gets its name."""

from server.identity.sightings import SightingChange
from tests.identity.scenes import Scene, at, vote

ADA, BOB = [vote("ada", axis=1)], [vote("bob", axis=2)]
NOBODY = [vote("ada", 0.2, axis=3)]


def crossed(scene: Scene, track: int, direction: str, seconds: float) -> list[SightingChange]:
    assert direction in ("in", "out")
    return scene.note(scene.resolver.crossed(track, "in" if direction == "in" else "out", at(seconds)))


def test_who_is_known_and_then_passes(scene: Scene) -> None:
    """The crossing is a change of its own; the same again says nothing new, and the way back does."""
    last = scene.votes(1, 0.0, ADA * 4)
    assert [one.kind for one in crossed(scene, 1, "in", last)] == ["crossed"]
    assert crossed(scene, 1, "in", last + 1) == []
    [back] = crossed(scene, 1, "out", last + 2)
    assert (back.kind, back.sighting.direction, back.sighting.person_id) == ("crossed", "out", "ada")
    assert scene.kinds == ["recognized", "crossed", "crossed"]


def test_who_passes_and_is_known_then(scene: Scene) -> None:
    """The sighting opens with its direction."""
    scene.resolver.seen(1, at(0))
    assert crossed(scene, 1, "out", 0.1) == []
    scene.votes(1, 0.2, ADA * 3)
    [opened] = scene.changes
    assert (opened.kind, opened.opened, opened.sighting.direction) == ("recognized", True, "out")


def test_an_unknown_who_passes_and_is_named_later(scene: Scene) -> None:
    """The direction stays with the sighting, so that it counts for the one who is named."""
    last = scene.votes(1, 0.0, NOBODY * 14)
    assert [one.kind for one in crossed(scene, 1, "in", last + 0.1)] == ["crossed"]
    scene.resolver.gallery_changed()
    scene.votes(1, last + 0.4, ADA * 4)
    named = scene.changes[-1]
    assert (named.kind, named.sighting.person_id, named.sighting.direction) == ("recognized", "ada", "in")


def test_another_track_of_the_same_person(scene: Scene) -> None:
    """Lost and followed anew, it passes before it is known again: the open sighting passes with it."""
    last = scene.votes(1, 0.0, ADA * 4)
    scene.resolver.ended(1, at(last))
    scene.resolver.seen(2, at(last + 1))
    assert crossed(scene, 2, "in", last + 1.1) == []
    scene.votes(2, last + 1.2, ADA * 4)
    assert scene.kinds == ["recognized", "crossed"]
    assert scene.changes[-1].sighting.id == scene.changes[0].sighting.id
    assert scene.changes[-1].sighting.direction == "in"


def test_a_track_that_is_nobody_yet(scene: Scene) -> None:
    """A crossing of a track that nobody has seen is kept for it, and nobody else's sighting changes."""
    scene.votes(1, 0.0, BOB * 4)
    assert crossed(scene, 9, "in", 1.0) == []
    assert scene.changes[-1].sighting.direction is None
