"""The parts of live video that need no camera: where a box is at a frame's time, and streams taken apart."""

import pytest
from playwright.sync_api import Page

from tests.browser.chromium import Visit

pytestmark = [pytest.mark.browser, pytest.mark.timeout(120)]

MOTION = """async ({ heard, asked }) => {
  const { Motion } = await import("/static/js/motion.js");
  const motion = new Motion();
  const track = (trackId, box) => ({ trackId, box, state: "unknown", name: null, similarity: null, personId: null });
  for (const { rtp, at, boxes, now } of heard) {
    const tracks = Object.entries(boxes).map(([id, box]) => track(Number(id), box));
    motion.hear({ frame: { rtpTimestamp: rtp, capturedAt: new Date(at).toISOString() }, tracks }, now ?? 0);
  }
  return asked.map(({ rtp = null, at = null, now = 0 }) => {
    const shown = motion.at({ rtpTimestamp: rtp, capturedAt: at }, now);
    const rounded = (value) => Math.round(value * 1000) / 1000;
    return Object.fromEntries(shown.map(({ trackId, box }) => [trackId, box.map(rounded)]));
  });
}"""
PARTS = """async (pieces) => {
  const { Parts } = await import("/static/js/mjpeg.js");
  const parts = new Parts("multipart/x-mixed-replace; boundary=frame");
  const found = [];
  for (const piece of pieces) {
    for (const { jpeg, capturedAt, rtpTimestamp } of parts.feed(new TextEncoder().encode(piece))) {
      found.push([new TextDecoder().decode(jpeg), capturedAt, rtpTimestamp]);
    }
  }
  return found;
}"""
LINKS = """async (header) => (await import("/static/js/signalling.js")).parseLinks(header)"""
PAUSES = """async () => {
  const { Backoff } = await import("/static/js/backoff.js");
  const backoff = new Backoff();
  const pauses = Array.from({ length: 8 }, () => backoff.next());
  backoff.reset();
  return [...pauses, backoff.next()];
}"""
STREAM = (
    "--frame\r\nContent-Type: image/jpeg\r\nContent-Length: 5\r\nX-Captured-At: 2026-01-05T08:00:00.000Z\r\n"
    "X-Rtp-Timestamp: 4294967295\r\n\r\none\r\n\r\n"
    "--frame\r\nContent-Type: image/jpeg\r\nContent-Length: 3\r\n\r\ntwo\r\n"
)

SECOND = 90_000
AT = 1_700_000_000_000


@pytest.fixture
def page(visitor: Visit) -> Page:
    return visitor.open("/login")


def heard(seconds: float, boxes: dict[int, list[float]], *, first: int = 0, now: float = 0) -> dict[str, object]:
    rtp = (first + round(seconds * SECOND)) % 2**32
    return {"rtp": rtp, "at": AT + round(seconds * 1000), "boxes": boxes, "now": now}


def asked(*seconds: float, first: int = 0) -> list[dict[str, object]]:
    return [{"rtp": (first + round(each * SECOND)) % 2**32} for each in seconds]


def box(x: float) -> list[float]:
    return [x, 0.2, 0.1, 0.2]


@pytest.mark.parametrize("first", [0, 2**32 - SECOND // 2], ids=["plain", "timestamps-begin-again"])
def test_boxes_are_those_of_the_frames_own_time(page: Page, first: int) -> None:
    """Exact where it was analysed, between two, and straight on ahead of the last; also where timestamps wrap."""
    told = [heard(at, {1: box(0.1 + at)}, first=first) for at in (0.0, 0.2, 0.4)]
    exact, between, ahead = page.evaluate(MOTION, {"heard": told, "asked": asked(0.2, 0.3, 0.5, first=first)})
    assert exact == {"1": box(0.3)}
    assert between == {"1": box(0.4)}
    assert ahead["1"][0] == pytest.approx(0.6, abs=0.005)


def test_no_guess_goes_further_than_400_ms(page: Page) -> None:
    """Then the box waits where it is, and without news it is gone."""
    told = [heard(at, {1: box(0.1 + at)}) for at in (0.0, 0.2)]
    guessed, later, gone = page.evaluate(MOTION, {"heard": told, "asked": asked(0.6, 1.5, 1.8)})
    assert guessed == later
    assert guessed["1"][0] == pytest.approx(0.7, abs=0.04)
    assert gone == {}


def test_a_silent_camera_has_no_boxes(page: Page) -> None:
    """By the page's own clock: nothing was heard for one and a half seconds."""
    told = [heard(0.0, {1: box(0.1)}, now=0)]
    question = [{**asked(0.0)[0], "now": now} for now in (1000, 1600)]
    assert page.evaluate(MOTION, {"heard": told, "asked": question}) == [{"1": box(0.1)}, {}]


def test_a_track_that_is_missing_is_gone_after_a_short_grace(page: Page) -> None:
    """One missed detection does not make it blink; the others stay."""
    told = [heard(0.0, {1: box(0.1), 2: box(0.5)}), heard(0.2, {2: box(0.5)})]
    shown = page.evaluate(MOTION, {"heard": told, "asked": asked(0.3, 0.5)})
    assert [sorted(each) for each in shown] == [["1", "2"], ["2"]]


def test_another_run_of_the_camera_starts_anew(page: Page) -> None:
    """Timestamps that jump back or far ahead have nothing to do with those before."""
    for jump in (-5.0, 60.0):
        told = [heard(10.0, {1: box(0.1)}), heard(10.2, {1: box(0.2)}), heard(10.2 + jump, {1: box(0.7)})]
        [shown] = page.evaluate(MOTION, {"heard": told, "asked": asked(10.3 + jump)})
        assert shown == {"1": box(0.7)}


def test_without_rtp_time_boxes_go_by_the_time_of_capture(page: Page) -> None:
    """A browser that does not say which frame it shows."""
    told = [{**heard(at, {1: box(0.1 + at)}), "rtp": None} for at in (0.0, 0.2)]
    [between] = page.evaluate(MOTION, {"heard": told, "asked": [{"at": AT + 100}]})
    assert between == {"1": box(0.2)}


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_parts_are_found_in_whatever_pieces_they_come(page: Page, size: int) -> None:
    """Byte by byte or all at once, with what the headers say; a picture may hold a blank line."""
    pieces = [STREAM[start : start + size] for start in range(0, len(STREAM), size)]
    first, second = page.evaluate(PARTS, pieces)
    assert first == ["one\r\n", 1767600000000, 4294967295]
    assert second == ["two", None, None]


def test_ice_servers_come_out_of_link_headers(page: Page) -> None:
    """With and without a login; other relations are left alone."""
    header = (
        '<stun:a.example>; rel="ice-server", <https://x.example/>; rel="next", '
        '<turn:b.example?transport=udp>; rel="ice-server"; '
        'username="u,1"; credential="p;\\"2"; credential-type="password"'
    )
    assert page.evaluate(LINKS, header) == [
        {"urls": "stun:a.example"},
        {"urls": "turn:b.example?transport=udp", "username": "u,1", "credential": 'p;"2'},
    ]
    assert page.evaluate(LINKS, "") == []


def test_pauses_grow_up_to_a_limit(page: Page) -> None:
    """From one second to fifteen, never all at the same time, and short again after a success."""
    *pauses, again = page.evaluate(PAUSES)
    assert all(1000 <= pause <= 15_000 for pause in pauses)
    assert min(pauses[-3:]) >= 7500
    assert len(set(pauses[-3:])) == 3
    assert again == 1000
