"""What a row of votes says, and what it takes to say anything."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.identity.votes import Cast, IdentityState, Verdict, Vote, VotingRules, contradicting, count, worth
from server.vision.quality import FaceQuality
from tests.identity.scenes import at, vote

RULES = VotingRules()


def casts(*votes: Vote, threshold: float = 0.5) -> list[Cast]:
    return [Cast(one, at(number), threshold) for number, one in enumerate(votes)]


def verdict(*votes: Vote, voted_for_s: float = 10.0, refused: frozenset[str] = frozenset()) -> Verdict:
    return count(casts(*votes), voted_for_s, RULES, refused)


def test_nothing_yet() -> None:
    """Without votes a track is pending."""
    assert verdict() == Verdict(IdentityState.PENDING, why="few_votes")


def test_agreeing_votes_make_an_identity_with_its_evidence() -> None:
    """Three frames of one person above the threshold; similarity and margin are their means."""
    found = verdict(vote("ada", 0.6, margin=0.2), vote("ada", 0.7, margin=0.3), vote("ada", 0.8, margin=0.4))
    assert (found.state, found.person_id, found.votes, found.why) == ("recognized", "ada", 3, None)
    assert found.similarity == pytest.approx(0.7)
    assert found.best_similarity == pytest.approx(0.8)
    assert found.margin == pytest.approx(0.3)
    assert found.threshold == 0.5


@pytest.mark.parametrize(
    ("votes", "why"),
    [
        ([vote("ada")] * 2, "few_votes"),
        ([vote("ada", 0.49)] * 12, "below_threshold"),
        ([vote(None)] * 12, "below_threshold"),
        ([vote("ada", 0.7, margin=0.04)] * 12, "margin_too_small"),
        ([vote("ada"), vote("bob")] * 6, "disagreement"),
        ([vote("ada"), vote("ada"), vote("bob", 0.3), vote("bob", 0.3)] * 3, "disagreement"),
        ([vote("ada", 0.55), vote("ada", 0.45), vote("ada", 0.45), vote("ada", 0.45)] * 3, "disagreement"),
    ],
)
def test_anything_else_is_no_identity_and_says_why(votes: list[Vote], why: str) -> None:
    """Too few, too unlike, too close to the next, or not of one mind."""
    found = verdict(*votes)
    assert found.person_id is None
    assert found.why == why


def test_poor_frames_weigh_less() -> None:
    """Blurred frames that name somebody else do not outweigh as many sharp ones."""
    sharp, poor = vote("ada", quality=0.9), vote("bob", quality=0.2)
    assert verdict(*[sharp, poor] * 3).person_id == "ada"
    assert verdict(*[vote("ada", quality=0.2), vote("bob", quality=0.25)] * 3).person_id is None


def test_only_the_latest_votes_count() -> None:
    """What was said longer ago than the window does not speak any more."""
    assert verdict(*[vote("ada")] * 8, *[vote("bob")] * 12).person_id == "bob"


@pytest.mark.parametrize(
    ("votes", "voted_for_s", "state"),
    [
        ([vote("ada", 0.3)] * 5, 2.0, "unknown"),
        ([vote("ada", 0.3)] * 4, 60.0, "pending"),
        ([vote("ada", 0.3)] * 12, 1.9, "pending"),
        ([vote("ada", 0.3, quality=0.1)] * 12, 60.0, "pending"),
    ],
)
def test_unknown_needs_enough_good_votes_and_some_time(votes: list[Vote], voted_for_s: float, state: str) -> None:
    """A stranger is not called one after a glimpse, nor on poor frames alone."""
    found = verdict(*votes, voted_for_s=voted_for_s)
    assert found.state == state
    assert found.similarity == 0.3


def test_a_refused_person_is_not_offered() -> None:
    """What an operator has ruled out stays out, however similar."""
    assert verdict(*[vote("ada")] * 6, refused=frozenset({"ada"})).state == "unknown"


def test_contradiction_is_counted_from_the_latest_vote() -> None:
    """Votes in a row that do not support the identity, whether for another or too weak."""
    row = casts(vote("bob"), vote("ada"), vote("ada", 0.4), vote("bob"), vote(None))
    assert contradicting(row, "ada", RULES.margin) == 3
    assert contradicting(row[:2], "ada", RULES.margin) == 0
    assert contradicting([], "ada", RULES.margin) == 0


def test_a_frame_is_worth_what_its_face_shows() -> None:
    """A large, sharp face from the front counts fully; each fault takes away, and something is left."""
    best = worth(FaceQuality(80, 0.03, 0, 0, 0, 0.5, 0.9))
    faults = [
        FaceQuality(32, 0.03, 0, 0, 0, 0.5, 0.9),
        FaceQuality(80, 0.006, 0, 0, 0, 0.5, 0.9),
        FaceQuality(80, 0.03, -35, 0, 0, 0.5, 0.9),
        FaceQuality(80, 0.03, 0, 30, 0, 0.5, 0.9),
    ]
    assert best == 1.0
    assert all(0.3 < worth(fault) < 0.7 for fault in faults)
    assert worth(FaceQuality(5, 0.0, 90, 90, 0, 0.0, 0.3)) == 0.1


any_vote = st.builds(
    vote,
    st.sampled_from([None, "ada", "bob", "cy"]),
    st.floats(-1, 1),
    margin=st.floats(0, 1),
    quality=st.floats(0, 1),
)


@given(st.lists(any_vote, max_size=20), st.floats(0.1, 0.9), st.floats(0, 60))
def test_a_name_always_rests_on_enough_votes_that_hold(votes: list[Vote], threshold: float, seconds: float) -> None:
    """Whatever is voted, a named person has the needed votes above threshold and margin among the latest."""
    row = casts(*votes, threshold=threshold)
    found = count(row, seconds, RULES)
    if found.person_id is None:
        assert found.state is not IdentityState.RECOGNIZED
        return
    agreeing = [one for one in row[-RULES.window :] if one.supports(found.person_id, RULES.margin)]
    assert found.votes == len(agreeing) >= RULES.votes_needed
    assert found.similarity is not None
    assert found.similarity >= threshold - 1e-9
