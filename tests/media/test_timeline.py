"""server/media/timeline.py: one continuous line over loops, reconnects and jumps."""

from fractions import Fraction

from server.media.timeline import Timeline

MS = Fraction(1, 1000)


def test_other_bases_are_converted() -> None:
    """Whatever a source counts in, the line counts in 1/90000; what is shown later than decoded stays so."""
    line = Timeline(0.0)
    line.reopened(25)
    assert line.place(80, 0, MS, 0.0, live=True) == (7200, 0)
    assert line.place(40, 40, MS, 0.04, live=True) == (3600, 3600)


def test_a_new_opening_is_placed_at_its_arrival() -> None:
    """After a pause of two seconds the line goes on two seconds later, whatever the camera counts from."""
    line = Timeline(100.0)
    line.reopened(25)
    line.place(5000, 5000, MS, 100.0, live=True)
    line.place(5040, 5040, MS, 100.04, live=True)
    line.reopened(25)
    assert line.place(7, 7, MS, 102.04, live=True) == (183_600, 183_600)


def test_a_loop_goes_on_one_frame_later() -> None:
    """The first packet of the next round follows the last one of this at the rate of the film."""
    line = Timeline(0.0)
    line.reopened(10)
    for at in (0, 100, 200):
        line.place(at, at, MS, 0.0, live=False)
    line.looped()
    assert line.place(0, 0, MS, 0.2, live=False)[1] == 27_000


def test_jumps_are_straightened() -> None:
    """A step back goes one frame ahead instead; a step far ahead goes as far as real time went."""
    line = Timeline(0.0)
    line.reopened(25)
    line.place(90_000, 90_000, MS, 0.0, live=True)
    line.place(90_040, 90_040, MS, 0.04, live=True)
    back = line.place(10, 10, MS, 0.08, live=True)[1]
    assert back == 7200
    ahead = line.place(900_000, 900_000, MS, 0.18, live=True)[1]
    assert ahead == 7200 + 9000
    assert line.place(900_040, 900_040, MS, 0.22, live=True)[1] == ahead + 3600


def test_a_real_pause_is_kept() -> None:
    """A camera that sent nothing for eight seconds, and says so in its timestamps, is believed."""
    line = Timeline(0.0)
    line.reopened(25)
    line.place(0, 0, MS, 0.0, live=True)
    assert line.place(8000, 8000, MS, 8.0, live=True)[1] == 720_000


def test_without_timestamps() -> None:
    """Packets that bring none get the time of their arrival; those of a file follow one another at its rate."""
    line = Timeline(10.0)
    line.reopened(25)
    assert [line.place(None, None, None, at, live=True)[0] for at in (10.0, 10.5, 10.5)] == [0, 45_000, 45_001]
    still = Timeline(10.0)
    still.reopened(50)
    assert [still.place(None, None, None, 10.0, live=False)[0] for _ in range(3)] == [0, 1800, 3600]


def test_reordered_without_decoding_times() -> None:
    """Where only presentation times are given, frames out of order keep them; decoding times still only rise."""
    line = Timeline(0.0)
    line.reopened(25)
    placed = [line.place(at, None, MS, 0.0, live=True) for at in (0, 120, 40, 80)]
    assert [pts for pts, _ in placed] == [0, 10_800, 3600, 7200]
    assert [dts for _, dts in placed] == sorted({dts for _, dts in placed})
