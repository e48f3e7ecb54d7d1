"""What a test watches on the wall: the page's own WebRTC connections, and every box that it draws."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from playwright.sync_api import Page

# Before the page's modules run; they notice nothing of it.
SPY = """
  window.peers = [];
  window.drawn = [];
  const Peer = window.RTCPeerConnection;
  window.RTCPeerConnection = class extends Peer {
    constructor(...given) {
      super(...given);
      window.peers.push(this);
    }
  };
  document.addEventListener("overlay:drawn", ({ target, detail }) => {
    const camera = target.closest("[data-camera]").dataset.camera;
    window.drawn.push({ camera, at: performance.now(), ...detail });
    if (window.drawn.length > 20000) window.drawn.shift();
  }, true);
"""
NO_WEBRTC = "delete window.RTCPeerConnection; delete window.webkitRTCPeerConnection;"
RECEIVED = """async () => {
  const found = [];
  for (const peer of peers) {
    if (peer.connectionState !== "connected") continue;
    const report = await peer.getStats();
    for (const stat of report.values()) {
      if (stat.type !== "inbound-rtp" || stat.kind !== "video") continue;
      const codec = report.get(stat.codecId)?.mimeType ?? null;
      found.push({ frames: stat.framesDecoded, codec, width: stat.frameWidth, frozen: stat.freezeCount });
    }
  }
  return found;
}"""

Box = Sequence[float]


@dataclass(frozen=True)
class Pair:
    """The box on the canvas for a frame, and the server's detection of that very frame."""

    overlap: float
    moved: float
    """Since the detection before, in widths of the face."""


def received(page: Page) -> list[dict[str, Any]]:
    """What each connection of the page has decoded, as Chromium counts it."""
    found: list[dict[str, Any]] = page.evaluate(RECEIVED)
    return found


def overlap(one: Box, other: Box) -> float:
    """Intersection over union."""
    wide = min(one[0] + one[2], other[0] + other[2]) - max(one[0], other[0])
    tall = min(one[1] + one[3], other[1] + other[3]) - max(one[1], other[1])
    both = max(0.0, wide) * max(0.0, tall)
    return both / (one[2] * one[3] + other[2] * other[3] - both)


def pairs(detections: Sequence[dict[str, Any]], drawn: Sequence[dict[str, Any]]) -> list[Pair]:
    """Every face that the server had told of before, in every analysed frame that was shown. No box counts as 0."""
    shown = {each["rtpTimestamp"]: {track["trackId"]: track["box"] for track in each["tracks"]} for each in drawn}
    found = []
    for before, now in zip(detections, detections[1:], strict=False):
        boxes = shown.get(now["frame"]["rtpTimestamp"])
        if boxes is None:
            continue
        earlier = {track["trackId"]: track["box"] for track in before["tracks"]}
        for track in now["tracks"]:
            box, number = track["box"], track["trackId"]
            if number not in earlier:
                continue
            was = earlier[number]
            moved = abs(box[0] + box[2] / 2 - was[0] - was[2] / 2) / box[2]
            found.append(Pair(overlap(boxes[number], box) if number in boxes else 0.0, moved))
    return found


def wait_until(page: Page, expression: str, within_s: float = 60.0) -> None:
    """Until it is true in the page. Playwright's own way needs `eval`, which the pages' policy forbids."""
    for _ in range(int(within_s * 10)):
        if page.evaluate(expression):
            return
        page.wait_for_timeout(100)
    raise AssertionError(f"never true: {expression}")


def wait_for_frames(page: Page, count: int) -> None:
    """Until so many more frames have been shown."""
    page.evaluate("drawn.length = 0")
    wait_until(page, f"drawn.length > {count}")
