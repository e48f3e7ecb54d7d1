/** One camera of the list: its small picture, its state in words, its figures, and what may be done with it. */

import { bitrate, figures, format, frames, kindInWords, reason, roleInWords, size, whole } from "./camera-facts.js";
import { el, icon } from "./dom.js";
import { inWords } from "./failure.js";
import { say } from "./text.js";
import { fullTime, spoken } from "./times.js";

const PICTURE_WIDTH = 160;

export class CameraRow {
  #api;
  #camera;
  #uses;
  #parts;
  #buttons;
  #inSight = false;
  #looking = false;
  #working = false;
  #picture = ""; // the address of the blob that is shown

  /**
   * @param {import("./api.js").Api} api
   * @param {any} camera
   * @param {{may: (permission: string) => boolean, edit: (id: string) => void, snapshots: (camera: any) => void, zones: (camera: any) => void, remove: (camera: any) => void, said: (sentence: string, tone?: "green" | "red") => void}} uses
   */
  constructor(api, camera, uses) {
    this.#api = api;
    this.#camera = camera;
    this.#uses = uses;
    this.#parts = {
      image: el("img", { alt: "", width: 112, height: 63, hidden: true }),
      name: el("b"),
      what: el("span", { class: "quiet" }),
      state: el("b"),
      since: el("time", { class: "quiet" }),
      reason: el("p", { class: "quiet" }),
      size: figures(""),
      format: figures(""),
      frames: figures(""),
      bitrate: figures(""),
      latency: figures(""),
      dropped: figures(""),
    };
    this.#buttons = this.#actions();
    this.element = this.#row();
    this.change(camera);
  }

  get camera() {
    return this.#camera;
  }

  /** The camera as it is now. */
  change(camera) {
    this.#camera = camera;
    const { name, kind, role, enabled, status } = camera;
    const parts = this.#parts;
    this.element.dataset.state = status.state;
    set(parts.name, name);
    set(parts.what, `${kindInWords(kind)} · ${roleInWords(role)}`);
    set(parts.state, say(`state.${status.state}`));
    set(parts.since, say("cameras.since", { time: spoken(status.since) }));
    parts.since.title = fullTime(status.since);
    set(parts.reason, reason(camera));
    parts.reason.hidden = !parts.reason.textContent;
    parts.image.alt = say("cameras.picture", { name });
    const isOnline = status.state === "online";
    const nothing = say("camera.nothing");
    set(parts.size, size(status) || nothing);
    set(parts.format, format(status.codec));
    set(parts.frames, (isOnline && frames(status.fps)) || nothing);
    set(parts.bitrate, isOnline ? bitrate(status.bitrateKbps) : "");
    set(parts.latency, isOnline ? say("tile.latency", { ms: whole(status.latencyMs ?? 0) }) : nothing);
    set(parts.dropped, isOnline ? say("camera.dropped", { count: whole(status.dropped ?? 0) }) : "");
    this.#buttons.name(enabled);
    if (isOnline && !this.#picture) this.look();
  }

  /** Whether the row can be seen: only then its picture is asked for. */
  see(yes) {
    this.#inSight = yes;
    if (yes && !this.#picture) this.look();
  }

  /** The picture anew. */
  async look() {
    if (!this.#inSight || this.#looking || document.hidden || this.#camera.status.state !== "online") return;
    this.#looking = true; // a slow network must not pile up pictures
    try {
      const { blob } = await this.#api.picture(`/api/v1/cameras/${this.#camera.id}/snapshot.jpg?width=${PICTURE_WIDTH}`);
      const before = this.#picture;
      this.#picture = URL.createObjectURL(blob);
      this.#parts.image.src = this.#picture;
      this.#parts.image.hidden = false;
      if (before) URL.revokeObjectURL(before);
    } catch {
      // The state tells; the last picture stays.
    } finally {
      this.#looking = false;
    }
  }

  close() {
    this.#inSight = false;
    if (this.#picture) URL.revokeObjectURL(this.#picture);
    this.element.remove();
  }

  #row() {
    const { image, name, what, state, since, reason: why, size: px, format: codec, frames: fps, bitrate: rate, latency, dropped } = this.#parts;
    const cell = (label, first, second) => el("td", { role: "cell", data: { label: say(`cameras.column.${label}`) } }, el("span", { class: "people-words" }, el("span", {}, first), el("span", { class: "quiet" }, second)));
    return el(
      "tr",
      { role: "row", data: { camera: this.#camera.id } },
      el("th", { role: "rowheader", scope: "row" }, el("span", { class: "people-who" }, el("span", { class: "camera-picture" }, icon("cctv"), image), el("span", { class: "people-words" }, name, what))),
      el("td", { role: "cell", class: "camera-state" }, el("p", {}, el("span", { class: "dot", "aria-hidden": "true" }), state, since), why),
      cell("picture", px, codec),
      cell("rate", fps, rate),
      cell("delay", latency, dropped),
      this.#buttons.all.length ? el("td", { role: "cell", class: "camera-actions" }, el("span", {}, ...this.#buttons.all)) : null,
    );
  }

  #actions() {
    const { may, edit, snapshots, zones, remove } = this.#uses;
    const button = (run) => el("button", { class: "icon-button", type: "button", on: { click: run } });
    const restart = may("cameras:control") && button(() => this.#act("restart"));
    const toggle = may("cameras:control") && button(() => this.#act(this.#camera.enabled ? "stop" : "start"));
    const kept = button(() => snapshots(this.#camera));
    const areas = button(() => zones(this.#camera));
    const pencil = may("cameras:write") && button(() => edit(this.#camera.id));
    const trash = may("cameras:delete") && button(() => remove(this.#camera));
    const name = (enabled) => {
      label(toggle, enabled ? "stop" : "play", enabled ? "stop" : "start", this.#camera.name);
      label(restart, "restart", "restart", this.#camera.name);
      label(kept, "camera", "snapshots", this.#camera.name);
      label(areas, "zones", "zones", this.#camera.name);
      label(pencil, "pencil", "edit", this.#camera.name);
      label(trash, "trash", "remove", this.#camera.name);
      if (restart) restart.hidden = !enabled;
    };
    return { all: [restart, toggle, kept, areas, pencil, trash].filter(Boolean), name };
  }

  /** Buttons keep the focus while it works. */
  async #act(action) {
    if (this.#working) return;
    this.#busy(true);
    try {
      this.change(await this.#api.post(`cameras/${this.#camera.id}/${action}`));
      this.#uses.said(say(`cameras.done.${action}`, { name: this.#camera.name }));
    } catch (error) {
      this.#uses.said(inWords(error), "red");
    } finally {
      this.#busy(false);
    }
  }

  #busy(yes) {
    this.#working = yes;
    for (const button of this.#buttons.all) button.setAttribute("aria-disabled", String(yes));
  }
}

function label(button, figure, key, name) {
  if (!button) return;
  const words = say(`cameras.${key}`, { name });
  if (button.title === words) return;
  button.replaceChildren(icon(figure));
  button.setAttribute("aria-label", words);
  button.title = words;
}

/** Text that is the same is left alone. */
function set(element, text) {
  if (element.textContent !== text) element.textContent = text;
}
