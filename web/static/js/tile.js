/** One camera on the wall: its refreshing picture, the boxes of the same moment, its state in words. */

import { el, icon } from "./dom.js";
import { Overlay } from "./overlay.js";
import { say, sayOr } from "./text.js";
import { clockSeconds, fullTime } from "./times.js";

const WIDTHS = [480, 640, 960, 1280, 1920];
const EVERY_MS = 280;
const AFTER_FAILURE_MS = 2500;
const TRACKS_KEPT_MS = 3000;
const TRACKS_LAST_MS = 1500; // boxes without news for so long are taken away
const STATES = ["connecting", "online", "stalled", "offline", "disabled"];

export class Tile {
  #api;
  #camera;
  #visible = false;
  #timer = 0;
  #running = false;
  #closed = false;
  /** @type {{at: number, capturedAt: number, tracks: import("./overlay.js").Track[]}[]} */
  #tracks = [];
  #size = { width: 16, height: 9 };
  #hasPicture = false;
  #overlay;
  #picture;
  #parts;

  /**
   * @param {import("./api.js").Api} api
   * @param {any} camera
   * @param {(id: string) => void} enlarge
   */
  constructor(api, camera, enlarge) {
    this.#api = api;
    this.#camera = camera;
    this.#picture = el("canvas", { class: "tile-picture", width: 16, height: 9, role: "img" });
    const boxes = el("canvas", { class: "tile-boxes", "aria-hidden": "true" });
    this.#overlay = new Overlay(boxes, { unknown: say("track.unknown"), spoof: say("track.spoof") });
    const parts = {
      blank: el("div", { class: "tile-blank" }),
      dot: el("span", { class: "dot", "aria-hidden": "true" }),
      name: el("h2", { class: "tile-name" }),
      role: el("span", { class: "chip" }),
      view: el("span", { class: "tile-view" }),
      latency: el("span", { class: "tile-latency figures" }),
      state: el("span", { class: "sr-only" }),
      old: el("span", { class: "tile-old figures", hidden: true }),
      button: el("button", { class: "icon-button tile-button", type: "button", on: { click: () => enlarge(camera.id) } }),
    };
    this.#parts = parts;
    const stage = el("div", { class: "tile-stage", on: { dblclick: () => enlarge(camera.id) } }, this.#picture, boxes, parts.blank, parts.old);
    const foot = el("div", { class: "tile-foot" }, parts.dot, parts.name, parts.state, parts.role, parts.view, parts.latency, parts.button);
    this.element = el("article", { class: "tile", data: { camera: camera.id } }, stage, foot);
    this.change(camera);
    this.large(false);
  }

  get id() {
    return this.#camera.id;
  }

  get state() {
    return this.#camera.status?.state ?? "connecting";
  }

  /** The camera as it is now, with its status. */
  change(camera) {
    this.#camera = { ...this.#camera, ...camera, status: camera.status ?? this.#camera.status };
    const { name, role, status } = this.#camera;
    const state = STATES.includes(this.state) ? this.state : "connecting";
    const parts = this.#parts;
    this.element.dataset.state = state;
    parts.name.textContent = name;
    parts.role.textContent = sayOr(`tile.role.${role}`, role ?? "");
    parts.state.textContent = say(`state.${state}`);
    parts.latency.textContent = state === "online" && status?.latencyMs ? say("tile.latency", { ms: Math.round(status.latencyMs) }) : "";
    this.#picture.setAttribute("aria-label", say("tile.picture", { name }));
    const reason = status?.reason ?? (state === "disabled" || state === "connecting" ? state : "other");
    parts.blank.replaceChildren(
      icon(state === "connecting" ? "camera" : "offline"),
      el("p", { class: "tile-blank-title", text: say(`state.${state}`) }),
      el("p", { text: sayOr(`reason.${reason}`, status?.explanation ?? say("reason.other")) }),
    );
    this.#label();
    if (state === "online") this.wake();
    else this.#showPeople([]);
  }

  /** Marks the tile as the large one, or not. */
  large(yes) {
    this.element.classList.toggle("tile-large", yes);
    this.#parts.button.replaceChildren(icon(yes ? "shrink" : "expand"));
    this.#parts.button.setAttribute("aria-pressed", String(yes));
    this.#label();
  }

  #label() {
    const yes = this.element.classList.contains("tile-large");
    this.#parts.button.setAttribute("aria-label", say(yes ? "tile.shrink" : "tile.enlarge", { name: this.#camera.name }));
  }

  /** @param {any} update data of `tracks.updated` */
  track(update) {
    const now = performance.now();
    const capturedAt = update.frame?.capturedAt ? Date.parse(update.frame.capturedAt) : Number.NaN;
    this.#tracks = this.#tracks.filter((kept) => now - kept.at < TRACKS_KEPT_MS);
    this.#tracks.push({ at: now, capturedAt, tracks: update.tracks });
  }

  /** Pictures are fetched only while the tile can be seen. */
  see(visible) {
    this.#visible = visible;
    if (visible) this.wake();
  }

  close() {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.element.remove();
  }

  /** Goes on with the pictures if there is somebody to see them: on screen, in a tab that is shown. */
  wake() {
    if (this.#running || !this.#isWatched()) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#refresh(), 0);
  }

  async #refresh() {
    if (this.#running || !this.#isWatched()) return;
    this.#running = true;
    const started = performance.now();
    let wait = EVERY_MS;
    try {
      const { blob, capturedAt } = await this.#api.picture(`/api/v1/cameras/${this.#camera.id}/snapshot.jpg?width=${this.#width()}`);
      const bitmap = await createImageBitmap(blob);
      this.#show(bitmap, capturedAt);
      bitmap.close();
    } catch {
      this.#fade();
      wait = AFTER_FAILURE_MS;
    }
    this.#running = false;
    if (this.#isWatched()) this.#timer = setTimeout(() => this.#refresh(), Math.max(0, wait - (performance.now() - started)));
  }

  #isWatched() {
    return !this.#closed && this.#visible && !document.hidden && this.state !== "disabled";
  }

  /** No more pixels than the tile has, in a few sizes. */
  #width() {
    const wanted = this.#picture.clientWidth * (window.devicePixelRatio || 1);
    return WIDTHS.find((width) => width >= wanted) ?? WIDTHS.at(-1);
  }

  #show(bitmap, capturedAt) {
    this.#size = { width: bitmap.width, height: bitmap.height };
    if (this.#picture.width !== bitmap.width) this.#picture.width = bitmap.width;
    if (this.#picture.height !== bitmap.height) this.#picture.height = bitmap.height;
    this.#picture.getContext("2d").drawImage(bitmap, 0, 0);
    this.#hasPicture = true;
    this.lastPictureAt = new Date();
    this.element.classList.add("has-picture");
    this.element.classList.remove("is-old");
    this.#parts.old.hidden = true;
    const tracks = this.#tracksOf(capturedAt ? Date.parse(capturedAt) : Number.NaN);
    this.#overlay.draw(tracks, this.#size);
    this.#showPeople(tracks);
  }

  /** The boxes of the moment the picture shows, so that they do not run ahead of it. */
  #tracksOf(capturedAt) {
    const fresh = this.#tracks.filter((kept) => performance.now() - kept.at < TRACKS_LAST_MS);
    if (!fresh.length) return [];
    if (Number.isNaN(capturedAt)) return fresh.at(-1).tracks;
    const distance = (kept) => Math.abs(kept.capturedAt - capturedAt);
    const nearest = fresh.reduce((best, kept) => (distance(kept) <= distance(best) ? kept : best));
    return Number.isNaN(nearest.capturedAt) ? fresh.at(-1).tracks : nearest.tracks;
  }

  #fade() {
    this.#overlay.clear();
    this.#showPeople([]);
    if (!this.#hasPicture) return;
    this.element.classList.add("is-old");
    this.#parts.old.hidden = false;
    this.#parts.old.textContent = say("tile.old", { time: clockSeconds(this.lastPictureAt) });
    this.#parts.old.title = fullTime(this.lastPictureAt);
  }

  #showPeople(tracks) {
    const names = tracks.filter((track) => track.state === "recognized" && track.name).map((track) => track.name);
    const unknown = tracks.filter((track) => track.state === "unknown").length;
    const words = [...new Set(names)];
    if (unknown) words.push(unknown === 1 ? say("tile.view.unknown.one") : say("tile.view.unknown", { count: unknown }));
    const heard = this.#tracks.some((kept) => performance.now() - kept.at < TRACKS_LAST_MS);
    const nobody = this.state !== "online" ? say(`state.${this.state}`) : heard ? say("tile.view.none") : "";
    const text = words.length ? words.join(", ") : nobody;
    if (this.#parts.view.textContent !== text) this.#parts.view.textContent = text;
    this.#parts.view.classList.toggle("tile-view-someone", words.length > 0);
  }
}
