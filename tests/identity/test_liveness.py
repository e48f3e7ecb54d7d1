"""What a track shows counts only between two frames of the same person, and a pack only speaks against a face."""

import numpy as np
import pytest

from server.identity.liveness import UNSURE, Liveness, LivenessJudge, LivenessRules, Shown
from server.vision.detections import Floats

FRONT = np.array([[600, 300], [664, 300], [632, 340], [606, 374], [658, 374]], np.float32)


def view(nose: float = 0.0, shift: float = 0.0) -> Floats:
    """A face whose nose is off its place by so many eye distances, and which is moved as a whole."""
    points = FRONT.copy()
    points[2, 0] += nose * 64
    points[:, 0] += shift * 64
    return points


def show(
    judge: LivenessJudge, person: str | None, seconds: float, start_s: float, *, turns: bool, track: int = 1
) -> None:
    """So many seconds of a face, five frames a second, a vote on every other frame."""
    for number in range(round(seconds * 5)):
        at_s = start_s + number / 5
        swing = float(np.sin(number * 0.4))
        judge.saw(track, view(0.3 * swing) if turns else view(shift=3 * swing), at_s)
        if number % 2 == 0:
            judge.voted(track, person, at_s)


def liveness(judge: LivenessJudge, track: int = 1) -> Liveness:
    return judge.shown_by(track)[1].liveness


def test_a_head_that_turns_lives_and_a_photo_that_moves_is_flat() -> None:
    """Both as the person that they were recognised as, after a moment in which neither is known."""
    judge = LivenessJudge()
    show(judge, "ada", 0.6, 0, turns=True)
    assert judge.shown_by(1) == ("ada", UNSURE)
    show(judge, "ada", 5, 0.6, turns=True)
    show(judge, "bob", 8, 0, turns=False, track=2)
    assert judge.shown_by(1) == ("ada", Shown(Liveness.LIVE))
    assert judge.shown_by(2) == ("bob", Shown(Liveness.FLAT))


def test_a_head_that_comes_to_rest_lives_on() -> None:
    """Long after its turn has left the window."""
    judge = LivenessJudge()
    show(judge, "ada", 5, 0, turns=True)
    show(judge, "ada", 30, 5, turns=False)
    assert liveness(judge) is Liveness.LIVE


def test_a_photo_that_becomes_a_head_lives() -> None:
    """Who held up a picture by mistake, or was taken for one, may still turn."""
    judge = LivenessJudge()
    show(judge, "ada", 8, 0, turns=False)
    assert liveness(judge) is Liveness.FLAT
    show(judge, "ada", 12, 8, turns=True)
    assert liveness(judge) is Liveness.LIVE


@pytest.mark.parametrize("before", [None, "mallory"], ids=["a stranger", "somebody enrolled"])
def test_a_turn_before_the_photo_counts_for_nobody_else(before: str | None) -> None:
    """A real head turns, then holds a photo of somebody else before itself in the same track: no turn of that one."""
    judge = LivenessJudge()
    show(judge, before, 5, 0, turns=True)
    show(judge, "ada", 3, 5, turns=False)
    assert judge.shown_by(1)[0] == "ada"
    assert liveness(judge) is Liveness.UNSURE
    show(judge, "ada", 6, 8, turns=False)
    assert liveness(judge) is Liveness.FLAT


def test_a_turn_between_two_photos_counts_for_nobody() -> None:
    """The photo, the holder's own face, the photo again: the holder's turn is between two frames of nobody."""
    judge = LivenessJudge()
    for start_s in (0, 6, 12):
        show(judge, "ada", 2, start_s, turns=False)
        show(judge, None, 4, start_s + 2, turns=True)
    show(judge, "ada", 1, 18, turns=False)
    assert liveness(judge) is not Liveness.LIVE


def test_one_frame_without_a_name_is_forgiven() -> None:
    """A head that is turned far is not always recognised."""
    judge = LivenessJudge()
    for number in range(40):
        at_s = number / 5
        judge.saw(1, view(0.3 * float(np.sin(number * 0.4))), at_s)
        judge.voted(1, None if number % 3 == 1 else "ada", at_s)
    assert liveness(judge) is Liveness.LIVE


def test_it_asks_for_votes_until_it_knows() -> None:
    """More often than a track that is sure would be embedded; never for who has no name."""
    judge = LivenessJudge()
    assert not judge.wants_vote(1, 0)
    judge.saw(1, view(), 0)
    judge.voted(1, None, 0)
    assert not judge.wants_vote(1, 5)
    judge.voted(1, "ada", 5)
    assert [judge.wants_vote(1, 5 + s) for s in (0.2, 0.39, 0.41)] == [False, False, True]
    show(judge, "ada", 5, 6, turns=True)
    assert not judge.wants_vote(1, 20)


def test_a_pack_may_only_speak_against() -> None:
    """Below its threshold a head that turns is a spoof; above it a photo is none the less flat; without its word,
    nothing is known."""
    judge = LivenessJudge(LivenessRules(least_share=0.5))
    show(judge, "ada", 5, 0, turns=True)
    assert liveness(judge) is Liveness.UNSURE
    for share in (0.2, 0.4, 0.3, 0.1):
        judge.share(1, share)
    found = judge.shown_by(1)[1]
    assert found.liveness is Liveness.SPOOF
    assert found.score == pytest.approx(0.25)
    for _ in range(20):
        judge.share(1, 0.9)
    found = judge.shown_by(1)[1]
    assert found.liveness is Liveness.LIVE
    assert found.score is not None
    assert 0.7 < found.score < 0.9
    show(judge, "bob", 8, 0, turns=False, track=2)
    for _ in range(5):
        judge.share(2, 1.0)
    assert judge.shown_by(2)[1] == Shown(Liveness.FLAT, 1.0)
    assert judge.shown_by(2)[1].score == 0.0


def test_before_a_kiosk_what_is_flat_is_not_told_yet() -> None:
    """A challenge is to tell; only once it has failed it is a picture."""
    judge = LivenessJudge()
    judge.needs_challenge = True
    show(judge, "ada", 8, 0, turns=False)
    assert judge.shown_by(1) == ("ada", Shown(Liveness.UNSURE, flat=True))
    judge.failed(1, "ada")
    assert judge.shown_by(1) == ("ada", Shown(Liveness.FLAT))


def test_a_track_that_ended_is_forgotten() -> None:
    """Its number is not used again, but if it were, it would begin anew."""
    judge = LivenessJudge()
    show(judge, "ada", 5, 0, turns=True)
    judge.ended(1)
    assert judge.shown_by(1) == (None, UNSURE)
    judge.ended(1)
