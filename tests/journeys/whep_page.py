"""A page with a WHEP player and a WHIP publisher written from RFC 9725 and the WHEP draft alone, in Chromium."""

import time
from collections.abc import Callable
from typing import Any

from playwright.sync_api import Browser, Page

Json = dict[str, Any]
PATIENCE_S = 60.0

# `through`, where the test gives one, is what stands between the peers: it sees the answer, and then the page tells the
# server no address of its own, so that it is found by its checks, which come that way.
_SCRIPT = """
window.begin = async ({ url, token, policy, publish, relayed }) => {
  const auth = { Authorization: `Bearer ${token}` };
  const asked = await fetch(url, { method: "OPTIONS", headers: auth });
  const iceServers = [];
  for (const link of (asked.headers.get("Link") ?? "").split(/,\\s*(?=<)/)) {
    const address = /^<([^>]+)>/.exec(link);
    if (!address || !/;\\s*rel="?ice-server"?/.test(link)) continue;
    const named = (name) => new RegExp(`;\\\\s*${name}="([^"]*)"`).exec(link)?.[1];
    const server = { urls: address[1] };
    if (named("username")) Object.assign(server, { username: named("username"), credential: named("credential") });
    iceServers.push(server);
  }
  const peer = (window.peer = new RTCPeerConnection({ iceServers, iceTransportPolicy: policy }));
  if (publish) {
    const media = await navigator.mediaDevices.getUserMedia({ video: { width: 320, height: 240 } });
    peer.addTransceiver(media.getVideoTracks()[0], { direction: "sendonly" });
  } else {
    peer.addTransceiver("video", { direction: "recvonly" });
    peer.addTransceiver("audio", { direction: "recvonly" });
    const video = document.createElement("video");
    Object.assign(video, { muted: true, autoplay: true });
    document.body.append(video);
    peer.addEventListener("track", ({ track }) => {
      if (track.kind === "video") video.srcObject = new MediaStream([track]);
    });
  }
  const late = [];
  let send = (candidate) => late.push(candidate);
  peer.addEventListener("icecandidate", ({ candidate }) => !relayed && send(candidate));
  await peer.setLocalDescription(await peer.createOffer());
  const offer = peer.localDescription.sdp.replace(/^a=candidate:.*\\r\\n/gm, "");
  const headers = { ...auth, "Content-Type": "application/sdp" };
  const answer = await fetch(url, { method: "POST", headers, body: offer });
  if (answer.status !== 201) throw new Error(`${answer.status} ${await answer.text()}`);
  const session = new URL(answer.headers.get("Location"), answer.url).href;
  const tag = answer.headers.get("ETag");
  const line = (name) => new RegExp(`^a=${name}:.*$`, "m").exec(offer)[0].trim();
  window.patch = async (lines, more = {}) => {
    const kind = { "Content-Type": "application/trickle-ice-sdpfrag", ...(tag && { "If-Match": tag }) };
    const body = [...lines, ""].join("\\r\\n");
    return (await fetch(session, { method: "PATCH", headers: { ...auth, ...kind, ...more }, body })).status;
  };
  window.leave = async () => {
    const { status } = await fetch(session, { method: "DELETE", headers: auth });
    peer.close();
    return status;
  };
  const patched = (window.patched = []);
  send = async (candidate) => {
    const told = candidate?.candidate ? `a=${candidate.candidate}` : "a=end-of-candidates";
    const media = /^m=(video|audio) .*$/m.exec(offer)[0].trim();
    patched.push(await window.patch([line("ice-ufrag"), line("ice-pwd"), media, "a=mid:0", told]));
  };
  let sdp = await answer.text();
  if (relayed) sdp = await window.through(sdp);
  await peer.setRemoteDescription({ type: "answer", sdp });
  for (const candidate of late.splice(0)) await send(candidate);
  return { iceServers, session, tag, accepts: asked.headers.get("Accept-Post"), link: answer.headers.get("Link") };
};
window.figures = async () => {
  const found = { state: window.peer.connectionState, decoded: 0, sent: 0, lost: 0, local: null };
  const report = await window.peer.getStats();
  for (const one of report.values()) {
    if (one.type === "inbound-rtp" && one.kind === "video")
      Object.assign(found, { decoded: one.framesDecoded ?? 0, lost: one.packetsLost, width: one.frameWidth });
    if (one.type === "outbound-rtp" && one.kind === "video") found.sent = one.framesSent ?? 0;
    if (one.type === "transport" && one.selectedCandidatePairId)
      found.local = report.get(report.get(one.selectedCandidatePairId)?.localCandidateId)?.candidateType ?? null;
  }
  return found;
};
null;
"""


class WhepPage:
    """A tab of somebody else's site, as far as the API is concerned: no cookie, a token, and the standard."""

    def __init__(self, browser: Browser, server: str, token: str | None) -> None:
        self._context = browser.new_context(permissions=["camera"])
        self._server = server
        self._token = token
        self.page: Page = self._context.new_page()
        # Of the same origin, so that this is about WHEP and not about CORS.
        self.page.goto(f"{server}/health/live")
        self.page.evaluate(_SCRIPT)

    def begin(
        self, path: str, *, policy: str = "all", publish: bool = False, through: Callable[[str], str] | None = None
    ) -> Json:
        """Opens the session; what it was told on the way."""
        if through is not None:
            self.page.expose_function("through", through)
        asked = {
            "url": f"{self._server}/api/v1/{path}", "token": self._token, "policy": policy, "publish": publish,
            "relayed": through is not None,
        }  # fmt: skip
        told: Json = self.page.evaluate("asked => window.begin(asked)", asked)
        return told

    def figures(self) -> Json:
        """Of the connection, as Chromium counts them."""
        found: Json = self.page.evaluate("() => window.figures()")
        return found

    def until(self, wanted: Callable[[Json], bool], within_s: float = PATIENCE_S) -> Json:
        """The figures, as soon as they are so."""
        end = time.monotonic() + within_s
        while not wanted(found := self.figures()):
            assert time.monotonic() < end, found
            self.page.wait_for_timeout(100)
        return found

    def patch(self, *lines: str, **headers: str) -> int:
        """The status of a PATCH with this fragment; `If_Match` and the like as headers."""
        more = {name.replace("_", "-"): value for name, value in headers.items()}
        status: int = self.page.evaluate("([lines, more]) => window.patch(lines, more)", [list(lines), more])
        return status

    def patched(self) -> list[int]:
        """How the candidates that were trickled were answered."""
        statuses: list[int] = self.page.evaluate("() => window.patched")
        return statuses

    def leave(self) -> int:
        """The status of the DELETE."""
        status: int = self.page.evaluate("() => window.leave()")
        return status

    def close(self) -> None:
        self._context.close()
