/** This device's camera sent to the server over WebRTC (WHIP): connects, minds that frames leave, and comes back by itself. */

import { ApiError } from "./api.js";
import { Backoff } from "./backoff.js";
import { Signalling } from "./signalling.js";
import { preferH264 } from "./whep.js";

const CONNECT_WITHIN_MS = 10_000;
const FRAME_WITHIN_MS = 8000;
const LOOK_EVERY_MS = 1000;
const LARGEST_BITS_A_SECOND = 2_500_000;
const NOT_TO_COME_BACK = new Set(["not_allowed", "forbidden", "not_authenticated", "camera_not_found", "not_found", "not_a_push_camera", "codec_not_supported", "bad_sdp"]);

/** @typedef {"idle" | "asking" | "connecting" | "live" | "waiting" | "refused" | "stopped"} State */

export class Whip {
  #api;
  #path;
  #track;
  #onState;
  /** @type {State} */
  #state = "idle";
  /** @type {RTCPeerConnection | null} */
  #peer = null;
  /** @type {Signalling | null} */
  #signalling = null;
  #backoff = new Backoff();
  #attempt = 0; // answers to an older one are not heard any more
  #timer = 0;
  #watch = 0;
  #sent = 0;
  #sentAt = 0;

  /**
   * @param {import("./api.js").Api} api
   * @param {string} cameraId of the kind `push`
   * @param {{track: MediaStreamTrack, onState?: (state: State, reason: string | null) => void}} uses the track stays the caller's
   */
  constructor(api, cameraId, { track, onState = () => undefined }) {
    this.#api = api;
    this.#path = `cameras/${cameraId}/whip`;
    this.#track = track;
    this.#onState = onState;
  }

  get state() {
    return this.#state;
  }

  start() {
    if (this.#peer || this.#state === "asking") return;
    clearTimeout(this.#timer);
    addEventListener("pagehide", this.#leave);
    addEventListener("pageshow", this.#back);
    if (typeof globalThis.RTCPeerConnection === "function") this.#connect();
    else this.#say("refused", "unsupported");
  }

  stop() {
    this.#end("stopped", null);
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
      await sparingly(peer);
    } catch (error) {
      if (attempt === this.#attempt) this.#refused(error);
    }
  }

  #open(iceServers, attempt) {
    const peer = new RTCPeerConnection({ iceServers, bundlePolicy: "max-bundle" });
    this.#peer = peer;
    preferH264(peer.addTransceiver(this.#track, { direction: "sendonly" }));
    peer.addEventListener("connectionstatechange", () => attempt === this.#attempt && this.#changed(peer.connectionState));
    this.#sent = 0;
    this.#sentAt = performance.now();
    clearInterval(this.#watch);
    this.#watch = setInterval(() => this.#look(attempt), LOOK_EVERY_MS);
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#again("ice_failed"), CONNECT_WITHIN_MS);
    return peer;
  }

  #changed(connection) {
    if (connection === "connected") {
      clearTimeout(this.#timer);
      this.#sentAt = performance.now();
    } else if (connection === "failed") this.#again(this.#state === "live" ? "lost" : "ice_failed");
    else if (connection === "disconnected" || connection === "closed") this.#again("lost");
  }

  async #look(attempt) {
    const report = await this.#peer?.getStats();
    if (attempt !== this.#attempt || this.#peer?.connectionState !== "connected") return;
    let sent = 0;
    for (const stat of report.values()) if (stat.type === "outbound-rtp" && stat.kind === "video") sent = stat.framesSent ?? stat.framesEncoded ?? 0;
    if (sent > this.#sent) {
      this.#sent = sent;
      this.#sentAt = performance.now();
      if (this.#state !== "live") {
        this.#backoff.reset();
        this.#say("live", null);
      }
    } else if (document.hidden) this.#sentAt = performance.now(); // a browser may rest a hidden page's camera
    else if (performance.now() - this.#sentAt > FRAME_WITHIN_MS) this.#again("no_frames");
  }

  #refused(error) {
    if (!(error instanceof ApiError)) return this.#again("ice_failed");
    if (NOT_TO_COME_BACK.has(error.code)) return this.#end("refused", error.code);
    return this.#again(error.code, (error.retryAfterS ?? 0) * 1000);
  }

  #again(reason, atLeastMs = 0) {
    this.#close();
    this.#say("waiting", reason);
    this.#timer = setTimeout(() => this.#connect(), Math.max(atLeastMs, this.#backoff.next()));
  }

  #end(state, reason) {
    this.#close();
    this.#backoff.reset();
    removeEventListener("pagehide", this.#leave);
    removeEventListener("pageshow", this.#back);
    this.#say(state, reason);
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

  #back = (event) => {
    if (event.persisted && this.#state === "idle") this.start();
  };

  #say(state, reason) {
    if (state === this.#state && state !== "waiting") return;
    this.#state = state;
    this.#onState(state, reason);
  }
}

/** A face needs pixels more than frames; and a network has others on it. @param {RTCPeerConnection} peer */
async function sparingly(peer) {
  const [sender] = peer.getSenders();
  const wanted = sender.getParameters();
  wanted.degradationPreference = "maintain-resolution";
  for (const encoding of wanted.encodings ?? []) encoding.maxBitrate = LARGEST_BITS_A_SECOND;
  await sender.setParameters(wanted).catch(() => undefined); // not every browser takes all of it
}
