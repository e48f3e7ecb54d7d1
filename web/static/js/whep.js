/** A camera watched over WebRTC (WHEP): connects, minds that frames come, and comes back by itself. */

import { ApiError } from "./api.js";
import { Backoff } from "./backoff.js";
import { Signalling } from "./signalling.js";

const CONNECT_WITHIN_MS = 5000;
const FRAME_WITHIN_MS = 5000;
const LOOK_EVERY_MS = 1000;
const FAILURES_BLOCKED = 2; // without ever having been connected; so it takes at most 12 s
const FAILURES_LOST = 4; // where it has worked before, the network gets more tries
const NOT_TO_COME_BACK = new Set(["not_allowed", "forbidden", "not_authenticated", "camera_not_found", "not_found"]);
const NOT_FOR_THIS_BROWSER = new Set(["codec_not_supported", "unsupported_media_type", "bad_sdp"]);

/**
 * `asking` (the server), `connecting` (finding a way), `waiting` (for the next try), `live` (frames are decoded);
 * `blocked`: video cannot come here, pictures may; `refused`: the server said not to come back.
 * @typedef {"idle" | "asking" | "connecting" | "live" | "waiting" | "blocked" | "refused" | "stopped"} State
 */

/**
 * `reason` is a code of the server's, or `unsupported`, `unreachable`, `ice_failed`, `lost`, `no_frames`.
 * @callback OnState
 * @param {State} state
 * @param {string | null} reason
 */

/** @typedef {{mode: "video", state: State, codec: string | null, framesDecoded: number, latencyMs: number | null}} Stats */

export class Whep {
  #api;
  #path;
  #video;
  #onState;
  #onTracks;
  /** @type {State} */
  #state = "idle";
  /** @type {RTCPeerConnection | null} */
  #peer = null;
  /** @type {Signalling | null} */
  #signalling = null;
  #backoff = new Backoff();
  #everConnected = false;
  #failures = 0;
  #attempt = 0; // answers to an older one are not heard any more
  #timer = 0;
  #watch = 0;
  #decoded = 0;
  #decodedAt = 0;

  /** Whether this browser can do it at all. */
  static get isSupported() {
    return typeof globalThis.RTCPeerConnection === "function";
  }

  /**
   * @param {import("./api.js").Api} api
   * @param {string} cameraId
   * @param {{video: HTMLVideoElement, onState?: OnState, annotated?: boolean, onTracks?: (update: any) => void}} uses
   *   `onTracks`: the boxes come over a data channel as well, for a page without the event socket
   */
  constructor(api, cameraId, { video, onState = () => undefined, annotated = false, onTracks }) {
    this.#api = api;
    this.#path = `cameras/${cameraId}/whep${annotated ? "?annotated=true" : ""}`;
    this.#video = video;
    this.#onState = onState;
    this.#onTracks = onTracks;
  }

  get state() {
    return this.#state;
  }

  /** Begins, or tries again at once where it waits. */
  start() {
    if (this.#peer || this.#state === "asking") return;
    clearTimeout(this.#timer);
    addEventListener("pagehide", this.#leave);
    if (Whep.isSupported) this.#connect();
    else this.#say("blocked", "unsupported");
  }

  stop() {
    this.#end("stopped", null);
  }

  /** @returns {Promise<Stats>} */
  async stats() {
    const found = { mode: /** @type {const} */ ("video"), state: this.#state, codec: null, framesDecoded: 0, latencyMs: null };
    const report = await this.#peer?.getStats();
    for (const stat of report?.values() ?? []) {
      if (stat.type === "inbound-rtp" && stat.kind === "video") {
        found.framesDecoded = stat.framesDecoded ?? 0;
        found.codec = report.get(stat.codecId)?.mimeType?.split("/")[1] ?? null;
        if (stat.jitterBufferEmittedCount) found.latencyMs = (found.latencyMs ?? 0) + (1000 * stat.jitterBufferDelay) / stat.jitterBufferEmittedCount;
      } else if (stat.type === "candidate-pair" && stat.nominated && stat.currentRoundTripTime !== undefined) {
        found.latencyMs = (found.latencyMs ?? 0) + 500 * stat.currentRoundTripTime;
      }
    }
    return found;
  }

  async #connect() {
    const attempt = ++this.#attempt;
    const signalling = new Signalling(this.#api, this.#path);
    this.#signalling = signalling;
    this.#say("asking", null);
    try {
      const iceServers = await signalling.iceServers();
      if (attempt !== this.#attempt) return;
      const peer = this.#open(iceServers, attempt);
      await signalling.negotiate(peer);
      if (attempt !== this.#attempt) return;
      if (this.#state === "asking") this.#say("connecting", null);
    } catch (error) {
      if (attempt === this.#attempt) this.#refused(error);
    }
  }

  #open(iceServers, attempt) {
    const peer = new RTCPeerConnection({ iceServers, bundlePolicy: "max-bundle" });
    this.#peer = peer;
    const { receiver } = preferH264(peer.addTransceiver("video", { direction: "recvonly" }));
    // As soon as it can be shown: a wall is not a film.
    if ("jitterBufferTarget" in receiver) receiver.jitterBufferTarget = 0;
    if ("playoutDelayHint" in receiver) receiver.playoutDelayHint = 0;
    if (this.#onTracks) {
      const channel = peer.createDataChannel("tracks", { ordered: false, maxRetransmits: 0 });
      channel.addEventListener("message", ({ data }) => this.#tracks(data));
    }
    peer.addEventListener("track", ({ track, streams }) => {
      this.#video.srcObject = streams[0] ?? new MediaStream([track]);
      this.#video.play().catch(() => undefined); // stopped before it began
    });
    peer.addEventListener("connectionstatechange", () => attempt === this.#attempt && this.#changed(peer.connectionState));
    this.#decoded = 0;
    this.#decodedAt = performance.now();
    clearInterval(this.#watch);
    this.#watch = setInterval(() => this.#look(attempt), LOOK_EVERY_MS);
    this.#awaitFrame(attempt);
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#fail("ice_failed"), CONNECT_WITHIN_MS);
    return peer;
  }

  #changed(connection) {
    if (connection === "connected") {
      clearTimeout(this.#timer);
      this.#everConnected = true;
      this.#failures = 0;
      this.#decodedAt = performance.now();
    } else if (connection === "failed") this.#fail(this.#state === "live" ? "lost" : "ice_failed");
    else if (connection === "disconnected" || connection === "closed") this.#again("lost");
  }

  /** "Connected" proves nothing: live is what is decoded. */
  #awaitFrame(attempt) {
    if (!("requestVideoFrameCallback" in this.#video)) return; // the statistics tell, within a second
    const first = (_now, frame) => {
      if (attempt !== this.#attempt) return;
      // What was shown before can be presented once more.
      if (this.#peer?.connectionState === "connected" && frame.presentedFrames > 0) this.#live();
      else this.#video.requestVideoFrameCallback(first);
    };
    this.#video.requestVideoFrameCallback(first);
  }

  async #look(attempt) {
    const { framesDecoded } = await this.stats();
    if (attempt !== this.#attempt || this.#peer?.connectionState !== "connected") return;
    if (framesDecoded > this.#decoded) {
      this.#decoded = framesDecoded;
      this.#decodedAt = performance.now();
      this.#live();
    } else if (performance.now() - this.#decodedAt > FRAME_WITHIN_MS) this.#again("no_frames");
  }

  #live() {
    if (this.#state === "live") return;
    this.#backoff.reset();
    this.#say("live", null);
  }

  /** No way was found, or it broke: after a few times in a row it is not worth waiting for. */
  #fail(reason) {
    this.#failures += 1;
    if (this.#failures >= (this.#everConnected ? FAILURES_LOST : FAILURES_BLOCKED)) this.#end("blocked", reason);
    else this.#again(reason);
  }

  #refused(error) {
    if (!(error instanceof ApiError)) return this.#end("blocked", "unsupported"); // the browser's own refusal
    if (NOT_FOR_THIS_BROWSER.has(error.code)) return this.#end("blocked", error.code);
    if (NOT_TO_COME_BACK.has(error.code)) return this.#end("refused", error.code);
    return this.#again(error.code, (error.retryAfterS ?? 0) * 1000);
  }

  #again(reason, atLeastMs = 0) {
    this.#say("waiting", reason); // before it is closed: whoever keeps the last picture takes it now
    this.#close();
    this.#timer = setTimeout(() => this.#connect(), Math.max(atLeastMs, this.#backoff.next()));
  }

  /** @param {State} state @param {string | null} reason */
  #end(state, reason) {
    this.#say(state, reason);
    this.#close();
    this.#failures = 0;
    this.#backoff.reset();
    removeEventListener("pagehide", this.#leave);
  }

  #close() {
    this.#attempt += 1;
    clearTimeout(this.#timer);
    clearInterval(this.#watch);
    this.#signalling?.leave();
    this.#signalling = null;
    this.#peer?.close();
    this.#peer = null;
  }

  #leave = () => {
    this.#close();
    this.#say("idle", null);
  };

  /** As the event socket would tell it. */
  #tracks(data) {
    const { event } = JSON.parse(typeof data === "string" ? data : new TextDecoder().decode(data));
    if (event?.type === "tracks.updated") this.#onTracks?.(event.data);
  }

  /** @param {State} state @param {string | null} reason */
  #say(state, reason) {
    if (state === this.#state && state !== "waiting") return;
    this.#state = state;
    this.#onState(state, reason);
  }
}

/** H.264 first: it is what cameras send, so it need not be encoded again. @param {RTCRtpTransceiver} transceiver */
export function preferH264(transceiver) {
  const { codecs = [] } = RTCRtpReceiver.getCapabilities?.("video") ?? {};
  const rank = (codec) => (codec.mimeType === "video/H264" ? (codec.sdpFmtpLine?.includes("packetization-mode=1") ? 0 : 1) : 2);
  if (codecs.length) transceiver.setCodecPreferences?.([...codecs].sort((a, b) => rank(a) - rank(b)));
  return transceiver;
}
