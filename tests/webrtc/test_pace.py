"""server/webrtc/pace.py: a viewer whose network takes less is sent less, at keyframes, and more again later."""

from server.webrtc.pace import Pace

SIZE = 10_000
GOP = 25


def played(pace: Pace, seconds: float, *, begin_s: float = 0.0, lost: float | None = None) -> list[bool]:
    """25 pictures a second of the same size, one report a second."""
    sent = []
    for index in range(round(seconds * 25)):
        now_s = begin_s + index / 25
        sent.append(pace.admits(SIZE, index % GOP == 0, now_s))
        if lost is not None and index % 25 == 24:
            pace.reported(lost, now_s)
    return sent


def test_all_of_it_while_nothing_is_lost() -> None:
    """Reports without loss change nothing."""
    pace = Pace()
    assert all(played(pace, 10, lost=0.0))
    assert (pace.dropped, pace.limited) == (0, False)


def test_one_bad_second_is_borne() -> None:
    """As when a viewer begins: only what goes on being lost is sent less of."""
    pace = Pace()
    for begin_s in range(0, 20, 2):
        assert all(played(pace, 1, begin_s=begin_s, lost=0.5))
        assert all(played(pace, 1, begin_s=begin_s + 1, lost=0.0))
    assert not pace.limited


def test_much_loss_sends_less() -> None:
    """A viewer that loses a third is soon sent less than half, and what it misses is counted."""
    pace = Pace()
    sent = played(pace, 20, lost=0.33)
    assert pace.limited
    assert sum(sent[-250:]) < 125
    assert pace.dropped == sent.count(False)


def test_what_is_sent_can_be_decoded() -> None:
    """After a gap the first picture that goes out is a keyframe."""
    pace = Pace()
    sent = played(pace, 20, lost=0.33)
    returns = [index for index in range(1, len(sent)) if sent[index] and not sent[index - 1]]
    assert returns
    assert all(index % GOP == 0 for index in returns)


def test_recovers() -> None:
    """Without loss it grows until everything goes out again."""
    pace = Pace()
    played(pace, 5, lost=0.5)
    assert pace.limited
    played(pace, 40, begin_s=5, lost=0.0)
    assert not pace.limited
    assert all(played(pace, 2, begin_s=45, lost=0.0))


def test_a_little_loss_is_borne() -> None:
    """Some loss is what retransmission is for."""
    pace = Pace()
    assert all(played(pace, 10, lost=0.05))


def test_a_keyframe_larger_than_the_allowance_still_goes() -> None:
    """Who has any room left may overdraw: otherwise a large keyframe would never go out."""
    pace = Pace()
    played(pace, 5, lost=0.9)
    sent = [pace.admits(500_000, True, 5.0 + index) for index in range(300)]
    assert any(sent)
    assert not all(sent)
