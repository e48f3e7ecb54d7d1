/** The sheet with the zones of a camera: seen on its picture and in a list, drawn, changed and removed. */

import { ApiError } from "./api.js";
import { reason } from "./camera-facts.js";
import { el, icon, stateCard } from "./dom.js";
import { inWords } from "./failure.js";
import { notice } from "./fields.js";
import { Sheet } from "./sheet.js";
import { say } from "./text.js";
import { clock, clockSeconds } from "./times.js";
import { ZoneForm } from "./zone-form.js";
import { kindButtons, zoneItem } from "./zone-list.js";
import { ZonePicture } from "./zone-picture.js";
import { fewest, isLine, MOST_ZONES } from "./zone-shapes.js";

const PAGE_SIZE = 200;
const PICTURE_WIDTH = 1280;

export class CameraZones {
  #api;
  #dialog;
  #sheet;
  #may;
  #picture = new ZonePicture({ chosen: (id) => this.#choose(id), changed: (moved) => this.#form?.update(moved), closed: (by) => this.#closed(by), told: (sentence) => this.#tell(sentence), refused: (sentence) => this.#form?.wrong(sentence) });
  #camera = null;
  #turn = 0; // an answer about a camera that was open before is not shown
  #zones = [];
  #draft = null; // the zone that is worked on
  #form = null;
  #parts = null;

  /** @param {import("./api.js").Api} api @param {HTMLDialogElement} dialog @param {(permission: string) => boolean} may */
  constructor(api, dialog, may) {
    this.#api = api;
    this.#dialog = dialog;
    this.#may = may;
    // Before the sheet hears of it: a click beside it is no answer to what becomes of a half-drawn zone.
    dialog.addEventListener("click", (event) => event.target === dialog && !this.#isFree() && event.stopImmediatePropagation(), { capture: true });
    dialog.addEventListener("keydown", (event) => event.key === "Escape" && this.#escape(event));
    dialog.addEventListener("cancel", (event) => this.#draft && event.preventDefault());
    this.#sheet = new Sheet(dialog, () => this.#left());
  }

  /** @param {any} camera */
  open(camera) {
    this.#camera = camera;
    this.#zones = [];
    this.#parts = {
      told: el("p", { class: "sr-only", role: "status" }),
      notices: el("div", { class: "zones-notices" }),
      stale: el("div"),
      time: el("p", { class: "quiet" }),
      again: el("button", { class: "button button-small", type: "button", on: { click: () => this.#look() } }, icon("camera"), el("span", { text: say("zones.picture.again") })),
      keys: el("p", { class: "zones-keys quiet", id: "zones-keys" }),
      make: el("div", { class: "zones-make" }),
      list: el("ul", { class: "zones-list", "aria-label": say("zones.list"), "aria-busy": "true" }, ...Array.from({ length: 3 }, () => el("li", { class: "zone-item", "aria-hidden": "true" }, el("span", { class: "bone" })))),
      state: el("div"),
    };
    const { told, notices, stale, time, again, keys, make, list, state } = this.#parts;
    this.#picture.begin(camera.name);
    this.#sheet.open(
      say("zones.title", { name: camera.name }),
      el(
        "div", { class: "zones" },
        el("div", { class: "zones-seen" }, this.#picture.element, el("div", { class: "zones-foot" }, time, again), keys),
        el("div", { class: "zones-side" }, stale, notices, make, list, state, told),
      ),
    );
    this.#load();
    this.#look();
  }

  /** The connection is away, or back. @param {Date | null} since */
  away(since) {
    if (!this.#camera) return;
    const { stale, list } = this.#parts;
    list.classList.toggle("is-stale", since !== null);
    stale.replaceChildren(...(since ? [el("p", { class: "stale-line" }, icon("clock"), el("span", { text: say("zones.stale", { time: clock(since) }) }))] : []));
    if (!since && !this.#draft) this.#load();
    if (!since && !this.#picture.hasPicture) this.#look();
  }

  #path(id = "") {
    return `cameras/${this.#camera.id}/zones${id && `/${id}`}`;
  }

  #left() {
    this.#turn += 1;
    this.#camera = this.#draft = this.#form = null;
    this.#picture.end();
  }

  // ---- What there is ----

  async #load() {
    const turn = ++this.#turn;
    try {
      const { data } = await this.#api.list(this.#path(), { pageSize: PAGE_SIZE });
      if (turn !== this.#turn) return;
      this.#zones = data;
      this.#draft = this.#form = null;
      this.#picture.release();
      this.#render();
    } catch (error) {
      if (turn !== this.#turn) return;
      const { list, make, state } = this.#parts;
      const again = el("button", { class: "button", type: "button", text: say("again"), on: { click: () => this.#reload() } });
      list.hidden = make.hidden = true;
      list.removeAttribute("aria-busy");
      state.replaceChildren(stateCard({ icon: "alert", title: say("failed.title"), text: inWords(error), action: again, tone: "state-failed" }));
    }
  }

  async #reload() {
    await this.#load();
    if (this.#camera && document.activeElement === document.body) this.#firstButton()?.focus();
  }

  /** The picture anew. */
  async #look() {
    const camera = this.#camera;
    const { time, again } = this.#parts;
    if (again.getAttribute("aria-disabled") === "true") return;
    again.setAttribute("aria-disabled", "true");
    try {
      const { blob, capturedAt } = await this.#api.picture(`/api/v1/cameras/${camera.id}/snapshot.jpg?width=${PICTURE_WIDTH}`);
      if (camera !== this.#camera) return;
      await this.#picture.picture(blob);
      time.textContent = capturedAt ? say("zones.picture.at", { time: clockSeconds(capturedAt) }) : "";
    } catch (error) {
      if (camera !== this.#camera) return;
      const why = (error instanceof ApiError && error.status === 503 && reason(camera)) || inWords(error);
      if (this.#picture.hasPicture) time.textContent = why;
      else this.#picture.nothing(why);
    } finally {
      again.removeAttribute("aria-disabled");
    }
  }

  #render() {
    const { make, list, state, keys } = this.#parts;
    const draft = this.#draft;
    list.removeAttribute("aria-busy");
    list.replaceChildren(...this.#zones.map((zone) => (draft?.id === zone.id ? el("li", { class: "zone-open", data: { zone: zone.id } }, this.#form.element) : this.#item(zone))));
    list.hidden = !this.#zones.length;
    make.hidden = false;
    make.replaceChildren(...this.#making());
    const isEmpty = !this.#zones.length && !draft;
    state.replaceChildren(...(isEmpty ? [stateCard({ icon: "zones", title: say("zones.empty.title"), text: say(this.#mayWrite ? "zones.empty.text" : "zones.empty.viewer") })] : []));
    this.#picture.show(this.#zones);
    keys.replaceChildren(...this.#keysInWords());
  }

  #item(zone) {
    return zoneItem(zone, {
      edit: this.#mayWrite ? () => this.#edit(zone) : null,
      remove: this.#mayWrite ? (button) => this.#remove(zone, button) : null,
      light: (yes) => !this.#draft && this.#picture.light(yes ? zone.id : null),
    });
  }

  #making() {
    if (!this.#mayWrite) return [];
    if (this.#draft?.id) return [];
    if (this.#draft) return [el("div", { class: "zone-open" }, this.#form.element)];
    if (this.#zones.length >= MOST_ZONES) return [el("p", { class: "quiet", text: say("zones.full", { count: MOST_ZONES }) })];
    return [el("h3", { id: "zones-new", text: say("zones.new") }), el("div", { class: "zone-kinds", role: "group", "aria-labelledby": "zones-new" }, ...kindButtons((kind) => this.#draw(kind)))];
  }

  #keysInWords() {
    const draft = this.#draft;
    if (!draft) return this.#mayWrite && this.#zones.length ? [say("zones.keys")] : [];
    const what = `${this.#picture.hands.isDrawing ? "draw" : "edit"}.${isLine(draft.kind) ? "line" : "polygon"}`;
    return [el("span", { text: say(`zones.keys.${what}`) }), " ", el("span", { class: "zones-keyboard", text: say(`zones.keyboard.${what}`) })];
  }

  get #mayWrite() {
    return this.#may("cameras:write");
  }

  // ---- One that is worked on ----

  #draw(kind) {
    if (!this.#isFree()) return;
    this.#begin({ id: null, name: this.#freeName(kind), kind, points: [], direction: isLine(kind) ? "in" : null }, true);
    this.#picture.focus();
  }

  #edit(zone) {
    if (!this.#isFree()) return;
    this.#begin({ ...zone }, false);
    this.#form.focusName();
  }

  /** On the picture. */
  #choose(id) {
    const zone = this.#zones.find((one) => one.id === id);
    if (!zone || this.#draft) return;
    if (this.#mayWrite) {
      this.#begin({ ...zone }, false);
      this.#picture.hands.focus();
    } else this.#picture.light(id);
  }

  #begin(draft, isDrawing) {
    this.#draft = { ...draft, before: shapeOf(draft) };
    this.#parts.notices.replaceChildren();
    this.#picture.hold(this.#draft, isDrawing);
    this.#form = new ZoneForm(this.#draft, this.#picture.hands, {
      save: (values) => this.#save(values),
      cancel: () => this.#giveUp(),
      turned: (isOther) => this.#turned(isOther),
      redraw: () => { this.#draft.points = []; this.#turned(true); this.#picture.focus(); },
      reload: () => this.#reload(),
    });
    this.#render();
  }

  #turned(isOther) {
    const { kind, points } = this.#draft;
    if (isOther) this.#picture.hold(this.#draft, points.length < fewest(kind));
    else this.#picture.again();
    this.#form.update(isOther);
    this.#parts.keys.replaceChildren(...this.#keysInWords());
  }

  /** The last corner is set: its name is what comes next, or its corners where it was not drawn by hand. */
  #closed(by) {
    this.#form.update(true);
    this.#parts.keys.replaceChildren(...this.#keysInWords());
    this.#tell(say("zones.closed"));
    if (by === "middle") this.#picture.hands.focus(0);
    else if (by !== "touch") this.#form.focusName(); // a keyboard on the screen would cover the picture
  }

  #freeName(kind) {
    const names = new Set(this.#zones.map((zone) => zone.name));
    for (let number = 1; ; number += 1) {
      const name = say(`zones.name.${kind}`, { number });
      if (!names.has(name)) return name;
    }
  }

  /** Whether another zone may be worked on: what is half done is saved or given up first. */
  #isFree() {
    if (!this.#draft) return true;
    if (shapeOf(this.#draft) !== this.#draft.before) {
      this.#form.tell("amber", say("zones.first"));
      this.#form.element.querySelector('[type="submit"]').focus();
      return false;
    }
    this.#release();
    return true;
  }

  #release() {
    this.#draft = this.#form = null;
    this.#picture.release();
    this.#render();
  }

  #giveUp() {
    const { id, kind } = this.#draft;
    this.#release();
    const button = id ? this.#editButton(id) : this.#parts.make.querySelector(`[data-kind="${kind}"]`);
    button?.focus();
    this.#tell(say("zones.given.up"));
  }

  #escape(event) {
    if (!this.#draft) return;
    event.preventDefault(); // the sheet stays
    if (event.target instanceof HTMLSelectElement || this.#picture.hands.undo()) return;
    if (!this.#form.isBusy) this.#giveUp();
  }

  async #save(values) {
    const camera = this.#camera;
    const draft = this.#draft;
    const saved = draft.id
      ? await this.#api.put(this.#path(draft.id), values, { tag: await this.#tagOf(draft) })
      : await this.#api.post(this.#path(), values);
    if (camera !== this.#camera || draft !== this.#draft) return;
    const masked = [saved, ...this.#zones.filter((zone) => zone.id === saved.id)].some((zone) => zone.kind === "mask");
    this.#zones = draft.id ? this.#zones.map((zone) => (zone.id === saved.id ? saved : zone)) : [...this.#zones, saved];
    this.#release();
    this.#editButton(saved.id)?.focus();
    this.#tell(say("zones.saved", { name: saved.name }));
    if (masked) this.#look(); // it is painted over in the picture too
  }

  /** Of the zone as this page has it, for a list has no tags of its rows. Raises 412 where it is another by now. */
  async #tagOf({ id, updatedAt }) {
    const { data, tag } = await this.#api.read(this.#path(id));
    if (data.updatedAt !== updatedAt) throw new ApiError(412, { code: "edited_meanwhile", message: say("zones.meanwhile") });
    return tag;
  }

  async #remove(zone, button) {
    const camera = this.#camera;
    button.disabled = true;
    this.#parts.notices.replaceChildren();
    try {
      await this.#api.delete(this.#path(zone.id));
    } catch (error) {
      if (camera !== this.#camera) return;
      button.disabled = false;
      if (!(error instanceof ApiError && error.code === "zone_not_found")) return this.#parts.notices.replaceChildren(notice("red", inWords(error)));
    }
    if (camera !== this.#camera) return;
    const at = this.#zones.findIndex((one) => one.id === zone.id);
    this.#zones = this.#zones.filter((one) => one.id !== zone.id);
    this.#render();
    const next = this.#zones[at] ?? this.#zones[at - 1];
    (next && next.id !== this.#draft?.id ? this.#editButton(next.id) : this.#firstButton())?.focus();
    this.#tell(say("zones.removed", { name: zone.name }));
    if (zone.kind === "mask") this.#look();
  }

  #editButton(id) {
    return this.#parts.list.querySelector(`[data-zone="${id}"] [data-edit]`);
  }

  #firstButton() {
    return this.#parts.make.querySelector("button") ?? this.#parts.again;
  }

  #tell(sentence) {
    this.#parts.told.textContent = sentence;
  }
}

/** What can be saved of a zone, for comparing. */
const shapeOf = ({ name, kind, points, direction }) => JSON.stringify([name, kind, points, direction]);
