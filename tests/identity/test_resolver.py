"""From votes to sightings: a name only on agreement, one open sighting a person, nothing left open."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from server.identity.resolver import Identity, Resolver, ResolverLimits
from server.identity.sightings import SightingChange
from server.identity.votes import IdentityState
from tests.identity.scenes import Scene, at, vote

ADA, BOB = [vote("ada", axis=1)], [vote("bob", axis=2)]
NOBODY = [vote("ada", 0.2, axis=3)]


def test_a_person_is_recognised_on_the_third_agreeing_vote(scene: Scene) -> None:
    """Pending before, then one sighting that began when the track did."""
    scene.resolver.seen(1, at(0))
    last = scene.votes(1, 1.0, ADA * 2)
    assert scene.changes == []
    assert scene.resolver.identity(1).state is IdentityState.PENDING
    last = scene.votes(1, last + 0.2, ADA)
    [change] = scene.changes
    assert (change.kind, change.opened, change.sighting.person_id) == ("recognized", True, "ada")
    assert change.sighting.started_at == at(0)
    assert change.sighting.votes == 3
    identity = scene.resolver.identity(1)
    assert identity == Identity(IdentityState.RECOGNIZED, "ada", pytest.approx(0.7), pytest.approx(0.3), 3)  # type: ignore[arg-type] # approx
    assert scene.resolver.sighting_of(1) == change.sighting


def test_a_stranger_becomes_unknown_only_after_a_while(scene: Scene) -> None:
    """Five votes and two seconds; then one sighting without a person."""
    last = scene.votes(1, 0.0, NOBODY * 10)
    assert last < 2.0
    assert scene.changes == []
    scene.votes(1, 2.0, NOBODY)
    [change] = scene.changes
    assert (change.kind, change.opened, change.sighting.person_id) == ("unknown", True, None)
    assert scene.resolver.identity(1).why == "below_threshold"


def test_a_track_says_why_it_is_not_embedded(scene: Scene) -> None:
    """The reason of the latest frame shows while there is no name, and not after."""
    scene.resolver.refused(1, at(0), "face_too_small")
    assert scene.resolver.identity(1) == Identity(IdentityState.PENDING, why="face_too_small")
    scene.votes(1, 0.2, ADA * 2)
    assert scene.resolver.identity(1).why == "few_votes"
    scene.resolver.refused(1, at(0.5), "turned_away")
    assert scene.resolver.identity(1).why == "turned_away"
    scene.votes(1, 0.6, ADA)
    scene.resolver.refused(1, at(0.9), "too_blurred")
    assert scene.resolver.identity(1).why is None
    assert scene.resolver.identity(99) == Identity(IdentityState.PENDING)


def test_a_sure_track_is_embedded_rarely_and_a_contradicted_one_again_soon(scene: Scene) -> None:
    """Every frame while pending, every two seconds once sure, every fifth of a second in doubt."""
    resolver = scene.resolver
    assert resolver.wants_embedding(1, at(0))
    scene.votes(1, 0.0, ADA * 2)
    assert resolver.wants_embedding(1, at(0.2))
    scene.votes(1, 0.4, ADA)
    assert not resolver.wants_embedding(1, at(2.3))
    assert resolver.wants_embedding(1, at(2.4))
    scene.votes(1, 2.4, BOB)
    assert not resolver.wants_embedding(1, at(2.5))
    assert resolver.wants_embedding(1, at(2.6))
    scene.votes(2, 0.0, NOBODY * 12)
    assert not resolver.wants_embedding(2, at(3.0))
    assert resolver.wants_embedding(2, at(3.3))
    for number in range(12):
        resolver.vote(3, at(number / 10), vote("ada", 0.2, quality=0.05), 0.5)
    assert resolver.identity(3).state is IdentityState.PENDING
    assert not resolver.wants_embedding(3, at(1.2))
    assert resolver.wants_embedding(3, at(1.4))


def test_a_steady_scene_costs_a_vote_every_two_seconds(scene: Scene) -> None:
    """A person who stays for a minute at ten frames a second is embedded about thirty times, not six hundred."""
    embedded = 0
    for frame in range(600):
        now = at(frame / 10)
        scene.resolver.seen(1, now)
        if scene.resolver.wants_embedding(1, now):
            embedded += 1
            scene.note(scene.resolver.vote(1, now, ADA[0], 0.5))
        scene.note(scene.resolver.tick(now))
    assert embedded <= 33
    assert scene.kinds == ["recognized"] + ["extended"] * 11


def test_a_returning_track_of_the_person_extends_the_sighting(scene: Scene) -> None:
    """Lost and back within the gap: one sighting. Back after the gap: another."""
    last = scene.votes(1, 0.0, ADA * 3)
    scene.resolver.ended(1, at(last))
    scene.votes(2, last + 8, ADA * 3)
    assert scene.kinds == ["recognized", "extended"]
    assert {change.sighting.id for change in scene.changes} == {"s1"}
    scene.resolver.ended(2, at(9))
    scene.votes(3, 30, ADA * 3)
    assert scene.kinds == ["recognized", "extended", "closed", "recognized"]
    assert scene.changes[2].sighting.ended_at == at(last + 8.4)
    assert scene.changes[3].sighting.id == "s2"
    assert scene.changes[3].sighting.started_at == at(30)


def test_two_tracks_of_one_person_at_once_are_one_sighting(scene: Scene) -> None:
    """A face and its reflection do not check in twice; it closes when neither is seen."""
    scene.votes(1, 0.0, ADA * 3)
    last = scene.votes(2, 0.1, ADA * 3)
    assert scene.kinds == ["recognized", "extended"]
    scene.resolver.ended(1, at(1))
    scene.resolver.seen(2, at(9))
    assert scene.tick(last + 10.1)[0].kind == "extended"
    assert [change.kind for change in scene.tick(20)] == ["closed"]


def test_an_identity_that_stops_agreeing_is_taken_back(scene: Scene) -> None:
    """The track went over to somebody else: the first sighting ends before, a second one begins there."""
    last = scene.votes(1, 0.0, ADA * 5)
    last = scene.votes(1, last + 0.2, BOB * 4)
    assert scene.resolver.identity(1).person_id == "ada"
    last = scene.votes(1, last + 0.2, BOB)
    assert scene.resolver.identity(1).person_id == "bob"
    assert scene.kinds == ["recognized", "recognized"]
    ada, bob = scene.changes[0].sighting, scene.changes[1].sighting
    assert bob.id != ada.id
    assert bob.started_at == at(1.0)
    [closed] = [change for change in scene.tick(11.5) if change.kind == "closed"]
    assert (closed.sighting.person_id, closed.sighting.ended_at) == ("ada", at(1.0))


def test_an_identity_lost_to_a_bad_patch_comes_back_to_its_sighting(scene: Scene) -> None:
    """Contradicted for a second, then agreeing again: pending between, the same sighting after."""
    last = scene.votes(1, 0.0, ADA * 3)
    last = scene.votes(1, last + 0.2, NOBODY * 5)
    assert scene.resolver.identity(1).state is IdentityState.PENDING
    scene.votes(1, last + 0.2, ADA * 9)
    assert scene.resolver.identity(1).person_id == "ada"
    assert scene.kinds == ["recognized", "extended"]


def test_votes_that_turn_without_a_run_of_contradiction_still_take_back(scene: Scene) -> None:
    """Once another person holds the majority of the window, the old name does not stand any longer."""
    scene.votes(1, 0.0, ADA * 3)
    scene.votes(1, 1.0, [*BOB * 4, *ADA, *BOB * 4])
    assert scene.resolver.identity(1).person_id == "bob"


def test_an_unknown_that_returns_extends_its_sighting(scene: Scene) -> None:
    """The same face in a new track within the gap is the same unknown; another face is another one."""
    last = scene.votes(1, 0.0, NOBODY * 12)
    scene.resolver.ended(1, at(last))
    last = scene.votes(2, last + 5, NOBODY * 12)
    assert scene.kinds == ["unknown", "extended"]
    scene.resolver.ended(2, at(last))
    scene.votes(3, last + 1, [vote("ada", 0.2, axis=4)] * 12)
    assert scene.kinds == ["unknown", "extended", "unknown"]
    assert [change.opened for change in scene.changes] == [True, False, True]


def test_two_like_strangers_at_once_are_two_sightings(scene: Scene) -> None:
    """Faces that are seen side by side are two people, however alike."""
    for frame in range(12):
        scene.votes(1, frame * 0.2, NOBODY)
        scene.votes(2, frame * 0.2, NOBODY)
    assert scene.kinds == ["unknown", "unknown"]
    assert {change.sighting.id for change in scene.changes} == {"s1", "s2"}


def test_an_unknown_that_is_enrolled_is_recognised_at_once_in_its_sighting(scene: Scene) -> None:
    """After an enrolment the track votes on every frame again; three agreeing votes name the same sighting."""
    last = scene.votes(1, 0.0, NOBODY * 12)
    assert not scene.resolver.wants_embedding(1, at(last + 0.1))
    scene.resolver.gallery_changed()
    assert scene.resolver.identity(1).state is IdentityState.UNKNOWN
    for number in range(3):
        assert scene.resolver.wants_embedding(1, at(last + 0.2 + number * 0.2))
        scene.votes(1, last + 0.2 + number * 0.2, [vote("eve", 0.8, axis=3)])
    assert scene.kinds == ["unknown", "recognized"]
    unknown, known = scene.changes
    assert (known.sighting.id, known.opened, known.sighting.person_id) == (unknown.sighting.id, False, "eve")
    assert known.sighting.similarity == pytest.approx(0.8)


def test_an_enrolment_leaves_a_sure_track_alone(scene: Scene) -> None:
    """Who is recognised goes on without new votes."""
    scene.votes(1, 0.0, ADA * 3)
    scene.resolver.gallery_changed()
    assert scene.resolver.identity(1).person_id == "ada"
    assert not scene.resolver.wants_embedding(1, at(0.5))


def test_an_unknown_that_left_is_named_by_the_track_that_returns(scene: Scene) -> None:
    """Unknown while walking by, recognised on coming back within the gap: one visit, one sighting."""
    last = scene.votes(1, 0.0, [vote("ada", 0.2, axis=1)] * 12)
    scene.resolver.ended(1, at(last))
    scene.votes(2, last + 3, ADA * 3)
    assert scene.kinds == ["unknown", "recognized"]
    assert {change.sighting.id for change in scene.changes} == {"s1"}


def test_an_unknown_that_turns_out_to_be_here_already_joins(scene: Scene) -> None:
    """Its own sighting closes with the name, and the person's one goes on."""
    scene.votes(1, 0.0, ADA * 3)
    scene.votes(2, 0.0, NOBODY * 12)
    scene.votes(2, 2.4, ADA * 12)
    assert scene.kinds == ["recognized", "unknown", "closed", "extended"]
    closed, extended = scene.changes[2].sighting, scene.changes[3].sighting
    assert (closed.id, closed.person_id, closed.state) == ("s2", "ada", "closed")
    assert (extended.id, extended.person_id) == ("s1", "ada")


def test_a_sighting_closes_although_its_track_never_ended(scene: Scene) -> None:
    """A camera that stops delivering leaves nothing open; the track that shows again opens another one."""
    last = scene.votes(1, 0.0, ADA * 3)
    assert scene.tick(last + 10) == []
    assert [change.kind for change in scene.tick(last + 10.1)] == ["closed"]
    scene.resolver.seen(1, at(30))
    assert scene.resolver.wants_embedding(1, at(30))
    scene.votes(1, 30, ADA)
    assert scene.changes[-1].kind == "recognized"
    assert scene.changes[-1].sighting.started_at == at(30)
    scene.tick(200)
    assert scene.resolver.identity(1).state is IdentityState.PENDING


def test_stopping_closes_everything(scene: Scene) -> None:
    """All sightings end when they were last seen, and all tracks are forgotten."""
    last = scene.votes(1, 0.0, ADA * 3)
    scene.votes(2, 0.0, NOBODY * 12)
    closed = scene.note(scene.resolver.close_all(at(60)))
    assert [change.sighting.ended_at for change in closed] == [at(last), at(2.2)]
    assert scene.resolver.open_sightings() == []
    assert scene.resolver.sighting_of(1) is None


def test_an_operator_names_an_unknown(scene: Scene) -> None:
    """The sighting keeps its id, and the votes of its track say nothing any more."""
    last = scene.votes(1, 0.0, NOBODY * 12)
    [change] = scene.note(scene.resolver.correct("s1", "eve"))
    assert (change.kind, change.sighting.id, change.sighting.person_id) == ("recognized", "s1", "eve")
    scene.votes(1, last + 0.2, BOB * 12)
    identity = scene.resolver.identity(1)
    assert (identity.state, identity.person_id, identity.why) == ("recognized", "eve", "corrected")
    assert scene.kinds == ["unknown", "recognized"]
    scene.votes(1, 60, BOB)
    assert scene.changes[-1].sighting.person_id == "eve"
    assert scene.changes[-1].opened


def test_an_operator_refuses_a_name(scene: Scene) -> None:
    """It becomes unknown at once, and that person is not offered again for it, nor for the face that returns."""
    last = scene.votes(1, 0.0, ADA * 3)
    [change] = scene.note(scene.resolver.correct("s1", None))
    assert (change.kind, change.sighting.person_id, change.opened) == ("unknown", None, False)
    last = scene.votes(1, last + 0.2, ADA * 20)
    assert scene.resolver.identity(1).state is IdentityState.UNKNOWN
    scene.resolver.ended(1, at(last))
    scene.votes(2, last + 1.2, ADA * 12)
    assert scene.resolver.identity(2).person_id is None
    assert scene.kinds == ["recognized", "unknown", "extended"]
    assert scene.resolver.correct("s1", None) == []


def test_an_operator_may_name_whom_the_votes_name_elsewhere(scene: Scene) -> None:
    """Still one open sighting: the other one closes, and its track goes on in the corrected one."""
    scene.votes(1, 0.0, ADA * 3)
    scene.votes(2, 0.0, NOBODY * 12)
    changes = scene.resolver.correct("s2", "ada")
    assert [(change.kind, change.sighting.id) for change in changes] == [("closed", "s1"), ("recognized", "s2")]
    assert [state.id for state in scene.resolver.open_sightings()] == ["s2"]
    sighting = scene.resolver.sighting_of(1)
    assert sighting is not None
    assert sighting.id == "s2"
    assert scene.resolver.correct("s1", "bob") == []


def test_an_erased_person_is_gone_at_once(scene: Scene) -> None:
    """The sighting closes without a name, the track starts over, and votes for others stay."""
    last = scene.votes(1, 0.0, ADA * 3)
    scene.votes(2, 0.0, BOB * 3)
    scene.votes(3, 0.0, [*ADA, *BOB])
    [change] = scene.resolver.forget_person("ada")
    assert (change.kind, change.sighting.person_id, change.sighting.ended_at) == ("closed", None, at(last))
    assert scene.resolver.identity(1).state is IdentityState.PENDING
    assert scene.resolver.wants_embedding(1, at(last))
    assert scene.resolver.identity(2).person_id == "bob"
    assert scene.resolver.forget_person("ada") == []


def test_of_an_erased_person_no_face_is_left(scene: Scene) -> None:
    """Also not what an unknown looked like who then got this name."""
    last = scene.votes(1, 0.0, NOBODY * 12)
    scene.votes(1, last + 0.2, ADA * 12)
    assert scene.kinds[:2] == ["unknown", "recognized"]
    [change] = scene.resolver.forget_person("ada")
    assert (change.kind, change.face) == ("closed", None)


# Laws, for whatever happens.

steps = st.lists(
    st.one_of(
        st.tuples(
            st.just("vote"),
            st.integers(1, 4),
            st.sampled_from([None, "ada", "bob"]),
            st.sampled_from([0.2, 0.45, 0.6, 0.9]),
        ),
        st.tuples(
            st.just("burst"), st.integers(1, 4), st.sampled_from([None, "ada", "bob"]), st.sampled_from([0.2, 0.7])
        ),
        st.tuples(st.sampled_from(["seen", "refused", "ended"]), st.integers(1, 4), st.none(), st.just(0.0)),
        st.tuples(st.just("wait"), st.sampled_from([0, 3, 11, 70]), st.none(), st.just(0.0)),
        st.tuples(st.just("correct"), st.integers(1, 9), st.sampled_from([None, "ada", "eve"]), st.just(0.0)),
        st.tuples(st.sampled_from(["gallery", "stop"]), st.just(0), st.none(), st.just(0.0)),
        st.tuples(st.just("forget"), st.just(0), st.sampled_from(["ada", "bob"]), st.just(0.0)),
    ),
    max_size=60,
)
Step = tuple[str, int, str | None, float]


def play(resolver: Resolver, step: Step, now: float) -> tuple[float, list[SightingChange]]:
    what, number, person, similarity = step
    changes: list[SightingChange] = []
    if what in ("vote", "burst"):
        for _ in range(1 if what == "vote" else 12):
            now += 0.25
            changes += resolver.vote(number, at(now), vote(person, similarity, axis=number % 3), 0.5)
    elif what == "correct":
        changes = resolver.correct(f"s{number}", person)
    elif what == "forget" and person is not None:
        changes = resolver.forget_person(person)
    elif what == "gallery":
        resolver.gallery_changed()
    elif what == "stop":
        changes = resolver.close_all(at(now))
    elif what == "wait":
        now += number
        changes = resolver.tick(at(now))
    elif what == "seen":
        resolver.seen(number, at(now))
    elif what == "refused":
        resolver.refused(number, at(now), "too_blurred")
    else:
        resolver.ended(number, at(now))
    return now, changes


@settings(max_examples=150, deadline=None)
@given(steps)
def test_whatever_happens_the_sightings_make_sense(happens: list[Step]) -> None:
    """Never two open ones of a person; each opens once and closes once; times are in order."""
    names = iter(range(1, 10_000))
    resolver = Resolver("camera", "pack", ResolverLimits(), new_id=lambda: f"s{next(names)}")
    now, opened, closed, told = 0.0, set[str](), set[str](), list[SightingChange]()
    for step in happens:
        now, changes = play(resolver, step, now)
        told += changes
        open_people = [state.person_id for state in resolver.open_sightings() if state.person_id]
        assert len(open_people) == len(set(open_people))
        for change in changes:
            state = change.sighting
            assert change.opened == (state.id not in opened)
            opened.add(state.id)
            assert state.id not in closed
            assert state.started_at <= state.last_seen_at <= at(now)
            if change.kind == "closed":
                closed.add(state.id)
                assert state.ended_at == state.last_seen_at
            else:
                assert state.state == "open"
                assert state.ended_at is None
        assert {state.id for state in resolver.open_sightings()} == opened - closed
    resolver.close_all(at(now))
    assert resolver.open_sightings() == []


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 3), st.sampled_from(["ada", "bob", None]), st.floats(-1, 0.499)), max_size=80))
def test_below_the_threshold_nobody_is_ever_recognised(votes: list[tuple[int, str | None, float]]) -> None:
    """However many votes and whomever they are most like."""
    resolver = Resolver("camera", "pack")
    for number, (track, person, similarity) in enumerate(votes):
        changes = resolver.vote(track, at(number * 0.3), vote(person, similarity), 0.5)
        assert all(change.kind != "recognized" and change.sighting.person_id is None for change in changes)
        assert resolver.identity(track).state is not IdentityState.RECOGNIZED
