"""One open sighting a person and camera: opened, extended, known again, closed."""

from itertools import count

import pytest

from server.identity.sightings import SightingRules, Sightings
from server.identity.votes import IdentityState, Verdict
from tests.identity.scenes import at, face

ADA = Verdict(IdentityState.RECOGNIZED, "ada", 0.7, 0.8, 0.2, 0.5, 3)
STRANGER = Verdict(IdentityState.UNKNOWN, None, 0.3, 0.3, 0.1, 0.5, 5, "below_threshold")


@pytest.fixture
def sightings() -> Sightings:
    numbers = count(1)
    return Sightings("camera", "pack@1", SightingRules(), lambda: f"s{next(numbers)}")


def test_it_opens_with_its_evidence(sightings: Sightings) -> None:
    """The state carries person, camera, times, evidence and pack."""
    change = sightings.open(ADA, 7, at(0), at(1))
    assert (change.kind, change.opened) == ("recognized", True)
    state = change.sighting
    assert (state.id, state.camera_id, state.person_id, state.state, state.track_id) == (
        "s1",
        "camera",
        "ada",
        "open",
        7,
    )
    assert (state.started_at, state.last_seen_at, state.ended_at) == (at(0), at(1), None)
    assert (state.similarity, state.margin, state.threshold, state.votes, state.pack) == (0.7, 0.2, 0.5, 3, "pack@1")
    assert sightings.states() == [state]
    assert sightings.open(STRANGER, 8, at(0), at(1)).kind == "unknown"


def test_it_closes_when_it_was_last_seen_once_the_gap_has_passed(sightings: Sightings) -> None:
    """Neither before the gap is over, nor at the time of noticing."""
    sightings.open(ADA, 1, at(0), at(1))
    assert sightings.close_overdue(at(11)) == []
    [change] = sightings.close_overdue(at(11.1))
    assert (change.kind, change.sighting.state, change.sighting.ended_at) == ("closed", "closed", at(1))
    assert sightings.states() == []


def test_a_gap_that_changes_counts_for_what_is_open() -> None:
    """It is asked for each time: an administrator may change it while somebody stands there."""
    gap = [10.0]
    sightings = Sightings("camera", "pack@1", SightingRules(gap_s=lambda: gap[0]), lambda: "s1")
    sightings.open(ADA, 1, at(0), at(1))
    gap[0] = 60.0
    assert sightings.close_overdue(at(50)) == []
    gap[0] = 5.0
    assert [change.kind for change in sightings.close_overdue(at(50))] == ["closed"]


def test_it_goes_on_while_seen_but_not_after_the_gap(sightings: Sightings) -> None:
    """Seen within the gap it goes on; seen later it is another one."""
    sightings.open(ADA, 1, at(0), at(1))
    ada = sightings.of_person("ada")
    assert ada is not None
    assert sightings.seen(ada, 2, at(9))
    assert (ada.state.last_seen_at, ada.state.track_id) == (at(9), 2)
    assert sightings.seen(ada, 2, at(8))
    assert ada.state.last_seen_at == at(9)
    assert not sightings.seen(ada, 2, at(20))
    assert ada.state.last_seen_at == at(9)


def test_it_is_told_of_rarely_and_only_when_it_went_on(sightings: Sightings) -> None:
    """At most every five seconds, and not while nobody was seen."""
    sightings.open(ADA, 1, at(0), at(0))
    ada = sightings.of_person("ada")
    assert ada is not None
    told = []
    for second in range(1, 13):
        sightings.seen(ada, 1, at(second))
        told += [second for _ in sightings.extend_due(at(second))]
    assert told == [5, 10]
    assert sightings.extend_due(at(16))[0].sighting.last_seen_at == at(12)
    assert sightings.extend_due(at(22)) == []


def test_an_unknown_is_known_again_by_face_but_never_beside_itself(sightings: Sightings) -> None:
    """A returning face extends; another face, a named person, or two at once do not."""
    sightings.open(STRANGER, 1, at(0), at(4))
    stranger = sightings.get("s1")
    assert stranger is not None
    assert sightings.like(face(0), at(5)) is None
    stranger.remember(face(0), 0.5)
    stranger.remember(face(0), 0.9)
    assert sightings.like(face(0), at(5)) is stranger
    assert sightings.like(0.8 * face(0) + 0.6 * face(1), at(5)) is stranger
    assert sightings.like(face(1), at(5)) is None
    assert sightings.like(face(0), at(2)) is None
    assert sightings.like(None, at(5)) is None
    assert sightings.name(stranger, "ada", at(5)).kind == "recognized"
    assert sightings.like(face(0), at(5)) is None
    assert sightings.name(stranger, None, at(6)).kind == "unknown"


def test_evidence_follows_the_latest_and_keeps_the_best(sightings: Sightings) -> None:
    """A verdict without a number, as an operator's, leaves the evidence alone."""
    sightings.open(ADA, 1, at(0), at(0))
    ada = sightings.of_person("ada")
    assert ada is not None
    sightings.weigh(ada, Verdict(IdentityState.RECOGNIZED, "ada", 0.6, 0.65, 0.3, 0.5, 9))
    sightings.weigh(ada, Verdict(IdentityState.RECOGNIZED, "ada", why="corrected"))
    assert (ada.state.similarity, ada.state.best_similarity, ada.state.margin, ada.state.votes) == (0.6, 0.8, 0.3, 9)


def test_what_was_somebody_else_is_taken_back(sightings: Sightings) -> None:
    """The last time seen moves back, but never before the start."""
    sightings.open(ADA, 1, at(1), at(9))
    ada = sightings.of_person("ada")
    assert ada is not None
    sightings.unseen_since(ada, at(5))
    assert ada.state.last_seen_at == at(5)
    sightings.unseen_since(ada, at(0))
    assert ada.state.last_seen_at == at(1)


def test_all_close_when_the_camera_stops(sightings: Sightings) -> None:
    """Each with its own end."""
    sightings.open(ADA, 1, at(0), at(1))
    sightings.open(STRANGER, 2, at(0), at(2))
    assert [change.sighting.ended_at for change in sightings.close_all()] == [at(1), at(2)]
    assert sightings.states() == []
