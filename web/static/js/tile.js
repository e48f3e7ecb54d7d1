/** One camera on the wall: its live picture, the boxes of the very frame that is shown, its state in words. */

import { el, icon } from "./dom.js";
import { Live } from "./live.js";
import { Motion } from "./motion.js";
import { Overlay } from "./overlay.js";
import { say, sayOr } from "./text.js";
import { clockSeconds, fullTime } from "./times.js";

const TICK_MS = 1000;
const FROZEN_AFTER_MS = 1500; // boxes do not stay on a picture that stands still
const STILL_AFTER_MS = 2500; // it is not said to be live either; a slow camera may take its time
const LEAST_TICKS = 450; // 5 ms: frames that were kept, to begin with or again, follow each other more closely
const SHOWN_AFTER_MS = 50; // from capture to screen, where a browser does not say which frame it shows
const STATES = ["connecting", "online", "stalled", "offline", "disabled"];
const WATCHABLE = ["online", "stalled"];

export class Tile {
  #camera;
  #visible = false;
  #asleep = false;
  #closed = false;
  #floating = false; // in a window of its own, over other programs
  #boxesOn = true;
  #motion = new Motion();
  #live;
  #overlay;
  #boxes;
  #video;
  #drawn = 0; // boxes on the canvas
  #frameAt = 0;
  #rtp = /** @type {number | null} */ (null);
  #latencyMs = /** @type {number | null} */ (null);
  #serverNow;
  #timer = 0;
  #parts;
  lastPictureAt = new Date();

  /**
   * @param {import("./api.js").Api} api
   * @param {any} camera
   * @param {{enlarge: (id: string) => void, fullScreen: (id: string) => void, serverNow?: () => number, width?: number}} uses
   */
  constructor(api, camera, { enlarge, fullScreen, serverNow = Date.now, width = 640 }) {
    this.#camera = camera;
    this.#serverNow = serverNow;
    this.#video = el("video", { class: "tile-video", playsinline: true, disableremoteplayback: true, "aria-hidden": "true", tabindex: -1 });
    this.#video.muted = true; // as an attribute it would come too late for what is made by a script
    const canvas = el("canvas", { class: "tile-canvas", width: 16, height: 9 });
    this.#boxes = el("canvas", { class: "tile-boxes" });
    this.#overlay = new Overlay(this.#boxes, { unknown: say("track.unknown"), spoof: say("track.spoof") });
    const button = (key, name, run) => el("button", { class: `icon-button tile-tool tool-${key}`, type: "button", on: { click: run } }, icon(name));
    const parts = {
      picture: el("div", { class: "tile-picture", role: "img" }, canvas, this.#video, this.#boxes),
      blank: el("div", { class: "tile-blank" }),
      state: el("span", { class: "tile-state" }),
      latency: el("span", { class: "tile-latency figures" }),
      note: el("p", { class: "tile-note", role: "status", hidden: true }),
      old: el("span", { class: "tile-old figures", hidden: true }),
      name: el("h2", { class: "tile-name" }),
      role: el("span", { class: "chip" }),
      view: el("span", { class: "tile-view" }),
      boxes: button("boxes", "boxes", () => this.toggleBoxes()),
      float: button("float", "float", () => this.float()),
      full: button("full", "full", () => fullScreen(camera.id)),
      enlarge: button("enlarge", "expand", () => enlarge(camera.id)),
    };
    this.#parts = parts;
    const badge = el("p", { class: "tile-badge" }, el("span", { class: "dot", "aria-hidden": "true" }), parts.state, parts.latency);
    const tools = el("div", { class: "tile-tools" }, parts.boxes, parts.float, parts.full);
    const clicked = (event) => event.target.closest("button") || enlarge(camera.id);
    const stage = el("div", { class: "tile-stage", on: { click: clicked } }, parts.picture, parts.blank, badge, parts.old, parts.note, tools);
    const foot = el("div", { class: "tile-foot" }, parts.name, parts.role, parts.view, parts.enlarge);
    this.element = el("article", { class: "tile", tabindex: -1, "aria-keyshortcuts": "Enter F B P", data: { camera: camera.id, shows: "nothing" } }, stage, foot);
    this.#live = new Live(api, camera.id, { video: this.#video, canvas, width, onFrame: (frame) => this.#frame(frame), onChange: (situation) => this.#situation(situation) });
    for (const type of ["enterpictureinpicture", "leavepictureinpicture"]) {
      this.#video.addEventListener(type, () => this.#floats(type === "enterpictureinpicture"));
    }
    this.#timer = setInterval(() => this.#tick(), TICK_MS);
    this.change(camera);
    this.large(false);
    this.full(false);
    this.#label("boxes", this.#boxesOn);
    this.#floats(false);
  }

  get id() {
    return this.#camera.id;
  }

  get state() {
    const state = this.#camera.status?.state;
    return STATES.includes(state) ? state : "connecting";
  }

  /** The camera as it is now, with its status. */
  change(camera) {
    this.#camera = { ...this.#camera, ...camera, status: camera.status ?? this.#camera.status };
    const { name, role, status } = this.#camera;
    const state = this.state;
    const parts = this.#parts;
    this.element.dataset.state = state;
    this.element.setAttribute("aria-label", name);
    parts.name.textContent = name;
    parts.role.textContent = sayOr(`tile.role.${role}`, role ?? "");
    parts.picture.setAttribute("aria-label", say("tile.picture", { name }));
    const reason = status?.reason ?? (state === "disabled" || state === "connecting" ? state : "other");
    parts.blank.replaceChildren(
      icon(state === "connecting" ? "camera" : "offline"),
      el("p", { class: "tile-blank-title", text: say(`state.${state}`) }),
      el("p", { text: sayOr(`reason.${reason}`, status?.explanation ?? say("reason.other")) }),
    );
    for (const tool of ["boxes", "float", "full", "enlarge"]) this.#name(tool);
    this.#mind();
    this.#words();
    if (state !== "online") this.#nobody();
  }

  /** Marks the tile as the large one, or not. */
  large(yes) {
    this.element.classList.toggle("tile-large", yes);
    this.#parts.enlarge.replaceChildren(icon(yes ? "shrink" : "expand"));
    this.#label("enlarge", yes);
  }

  /** Whether it fills the screen. */
  full(yes) {
    this.#parts.full.replaceChildren(icon(yes ? "unfull" : "full"));
    this.#label("full", yes);
  }

  /** Only one tile a wall is a stop of the Tab key; the arrows lead to the others. */
  reachable(yes) {
    this.element.tabIndex = yes ? 0 : -1;
    for (const button of this.element.querySelectorAll("button")) button.tabIndex = yes ? 0 : -1;
  }

  toggleBoxes() {
    this.#boxesOn = !this.#boxesOn;
    this.element.classList.toggle("has-no-boxes", !this.#boxesOn);
    this.#label("boxes", this.#boxesOn);
  }

  /** The picture in a window of its own, or back. */
  async float() {
    if (document.pictureInPictureElement === this.#video) await document.exitPictureInPicture();
    else if (!this.#parts.float.hidden && !this.#parts.float.disabled) await this.#video.requestPictureInPicture().catch(() => undefined); // the browser may say no
  }

  /** @param {any} update data of `tracks.updated` */
  track(update) {
    this.#motion.hear(update);
  }

  /** Whether the tile can be seen: only then it holds a connection. */
  see(visible) {
    this.#visible = visible;
    this.#mind();
  }

  /** Nobody has looked at the page for a while, or somebody looks again. */
  sleep(yes) {
    this.#asleep = yes;
    this.#mind();
  }

  hurry() {
    this.#live.hurry();
  }

  close() {
    this.#closed = true;
    clearInterval(this.#timer);
    this.#live.stop();
    this.element.remove();
  }

  /** @returns {Promise<{mode: string, codec: string | null, framesDecoded: number, latencyMs: number | null}>} */
  async stats() {
    const found = await this.#live.stats();
    return { ...found, latencyMs: this.#latencyMs ?? found.latencyMs };
  }

  #mind() {
    const watched = !this.#closed && WATCHABLE.includes(this.state) && (this.#floating || (this.#visible && !this.#asleep));
    if (watched) this.#live.start();
    else this.#live.stop();
  }

  #frame({ rtpTimestamp, capturedAt, width, height }) {
    const now = performance.now();
    const wasStill = now - this.#frameAt > STILL_AFTER_MS;
    // A camera that is silent is not alive because its last second is shown again.
    if (rtpTimestamp === null || this.#rtp === null || (rtpTimestamp - this.#rtp) >>> 0 >= LEAST_TICKS) this.#frameAt = now;
    this.#rtp = rtpTimestamp;
    this.lastPictureAt = new Date();
    const at = capturedAt ?? (rtpTimestamp === null ? null : this.#motion.capturedAt(rtpTimestamp));
    if (at !== null) {
      const latencyMs = Math.max(0, this.#serverNow() - at);
      this.#latencyMs = this.#latencyMs === null ? latencyMs : this.#latencyMs * 0.9 + latencyMs * 0.1;
    }
    const guess = this.#serverNow() - (this.#camera.status?.latencyMs ?? 0) - SHOWN_AFTER_MS;
    const tracks = this.#motion.at({ rtpTimestamp, capturedAt: capturedAt ?? guess }, now);
    const boxes = this.#boxesOn ? tracks : [];
    if (boxes.length || this.#drawn) this.#overlay.draw(boxes, { width, height });
    this.#drawn = boxes.length;
    this.#boxes.dispatchEvent(new CustomEvent("overlay:drawn", { detail: { rtpTimestamp, tracks: boxes } }));
    this.#showPeople(tracks);
    if (wasStill && this.#frameAt === now) this.#words();
  }

  #tick() {
    if (this.#frameAt && performance.now() - this.#frameAt > FROZEN_AFTER_MS) this.#nobody();
    this.#words();
  }

  #nobody() {
    if (this.#drawn) this.#overlay.clear();
    this.#drawn = 0;
    this.#latencyMs = null;
    this.#showPeople([]);
  }

  #situation({ shows, state, blocked }) {
    if (state === "live" && shows !== this.element.dataset.shows) this.#frameAt = performance.now();
    this.element.dataset.shows = shows;
    this.element.classList.toggle("has-picture", shows !== "nothing");
    const isOld = shows === "still" && state !== "idle";
    this.element.classList.toggle("is-old", isOld);
    this.#parts.old.hidden = !isOld;
    if (isOld) {
      this.#parts.old.textContent = say("tile.old", { time: clockSeconds(this.lastPictureAt) });
      this.#parts.old.title = fullTime(this.lastPictureAt);
    }
    if (shows === "still") this.#nobody();
    this.element.classList.toggle("is-pictures", blocked !== null);
    this.#floats(this.#floating);
    this.#words();
  }

  /** The state of the camera, or of the way to it where that is the trouble; and what to know about it. */
  #words() {
    const { shows, state, reason, blocked } = this.#live.situation;
    const away = WATCHABLE.includes(this.state) && (state === "waiting" || state === "refused");
    const isStill = state === "live" && performance.now() - this.#frameAt > STILL_AFTER_MS;
    const shown = isStill ? "stalled" : ({ pictures: "pictures", video: "live" }[shows] ?? "online");
    const key = away ? (state === "waiting" ? "again" : "refused") : this.state === "online" ? shown : this.state;
    this.element.dataset.link = away ? state : isStill ? "waiting" : shows;
    set(this.#parts.state, say(`state.${key}`));
    const ms = this.#latencyMs ?? this.#camera.status?.latencyMs;
    set(this.#parts.latency, this.state === "online" && state === "live" && !isStill && ms ? say("tile.latency", { ms: Math.round(ms) }) : "");
    const note = away ? sayOr(`link.${reason}`, say(state === "waiting" ? "link.lost" : "link.not_allowed")) : blocked && shows !== "video" ? sayOr(`blocked.${blocked}`, say("blocked.ice_failed")) : "";
    set(this.#parts.note, note);
    this.#parts.note.hidden = !note;
  }

  #showPeople(tracks) {
    const names = tracks.filter((track) => track.state === "recognized" && track.name).map((track) => track.name);
    const unknown = tracks.filter((track) => track.state === "unknown").length;
    const words = [...new Set(names)];
    if (unknown) words.push(unknown === 1 ? say("tile.view.unknown.one") : say("tile.view.unknown", { count: unknown }));
    const nobody = this.state === "online" && this.#motion.isHeard() ? say("tile.view.none") : "";
    set(this.#parts.view, words.length ? words.join(", ") : nobody);
    this.#parts.view.classList.toggle("tile-view-someone", words.length > 0);
  }

  #floats(yes) {
    const was = this.#floating;
    this.#floating = yes;
    this.#parts.float.hidden = !document.pictureInPictureEnabled;
    this.#parts.float.disabled = !yes && this.#live.situation.shows !== "video";
    this.#label("float", yes);
    if (was !== yes) this.#mind();
  }

  #label(tool, on) {
    this.#parts[tool].setAttribute("aria-pressed", String(on));
    this.#name(tool);
  }

  #name(tool) {
    const button = this.#parts[tool];
    const words = say(`tile.${tool}.${button.getAttribute("aria-pressed") === "true" ? "off" : "on"}`, { name: this.#camera.name });
    button.setAttribute("aria-label", words);
    button.title = words;
  }
}

/** Text that is the same is left alone: a screen reader would say it again. */
function set(element, text) {
  if (element.textContent !== text) element.textContent = text;
}
