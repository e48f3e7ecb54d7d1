/** Sightings and the attendance they led to, newest first, each one item that opens its evidence. */

import { certaintyBar } from "./certainty.js";
import { el, face, icon, stateCard } from "./dom.js";
import { say, sayOr } from "./text.js";
import { fullTime, spoken } from "./times.js";

const KEPT = 80;
const SHOWN = 40;
const ENTRIES_KEPT = 200;

/** Why a check-in was refused. @param {string} reason as the API gives it */
export const refusalWords = (reason) => sayOr(`refused.${reason}`, say("refused.other"));

export class Feed {
  #list;
  #stateHolder;
  #said;
  #open;
  #cameraName;
  #only = "all";
  #loaded = false;
  /** @type {Map<string, any>} */
  #sightings = new Map();
  /** @type {Map<string, any>} by sighting */
  #entries = new Map();

  /**
   * @param {{list: HTMLElement, state: HTMLElement, said: HTMLElement}} parts
   * @param {{open: (sighting: any) => void, cameraName: (id: string | null) => string | null}} uses
   */
  constructor(parts, uses) {
    this.#list = parts.list;
    this.#stateHolder = parts.state;
    this.#said = parts.said;
    this.#open = uses.open;
    this.#cameraName = uses.cameraName;
  }

  /** @returns {any[]} newest first */
  get sightings() {
    return [...this.#sightings.values()].sort((a, b) => b.startedAt.localeCompare(a.startedAt));
  }

  get isLoaded() {
    return this.#loaded;
  }

  /** @param {string} sightingId */
  entryOf(sightingId) {
    return this.#entries.get(sightingId) ?? null;
  }

  /** @param {string} id */
  sighting(id) {
    return this.#sightings.get(id) ?? null;
  }

  /** What the server holds; what was heard while it was fetched is to be applied again. */
  load(sightings, entries) {
    for (const sighting of sightings) this.#sightings.set(sighting.id, sighting);
    for (const entry of entries) if (entry.sightingId) this.#entries.set(entry.sightingId, entry);
    this.#trim();
    this.#loaded = true;
    this.#render();
  }

  /** Forgets what was heard, before a fresh load. */
  reset() {
    this.#sightings.clear();
    this.#entries.clear();
  }

  /** @param {any} sighting as an event carries it @param {boolean} aloud */
  apply(sighting, aloud = false) {
    const before = this.#sightings.get(sighting.id);
    this.#sightings.set(sighting.id, { ...before, ...sighting });
    if (aloud && !sighting.person && !before) this.#saying("feed.said.unknown", sighting);
    this.#trim();
    this.#render();
  }

  /** @param {any} entry data of `attendance.checked_in`, `checked_out` or `corrected` @param {boolean} aloud */
  applyEntry(entry, aloud = false) {
    if (entry.sightingId) this.#entries.set(entry.sightingId, entry);
    if (aloud) this.#saying(`feed.said.${entry.direction}`, entry);
    this.#trim();
    this.#render();
  }

  /** @param {any} refused data of `attendance.refused`, of a sighting that is held @param {boolean} aloud */
  refuse({ sightingId, reason, liveness, snapshotUrl, ...of }, aloud = false) {
    const held = this.#sightings.get(sightingId);
    if (!held) return;
    const verdict = ["flat", "spoof"].includes(reason) ? { livenessVerdict: reason } : {};
    this.#sightings.set(sightingId, { ...held, ...verdict, refusal: reason, liveness: liveness ?? held.liveness, snapshotUrl: snapshotUrl ?? held.snapshotUrl });
    if (aloud) this.#saying("feed.said.refused", of);
    this.#render();
  }

  /** @param {string} entryId an entry that does not hold any more */
  removeEntry(entryId) {
    for (const [sightingId, entry] of this.#entries) if ((entry.entryId ?? entry.id) === entryId) this.#entries.delete(sightingId);
    this.#render();
  }

  /** @param {"all" | "unknown"} only */
  show(only) {
    this.#only = only;
    this.#render();
  }

  /** @param {() => void} again */
  fail(sentence, again) {
    this.#list.replaceChildren();
    this.#list.removeAttribute("aria-busy");
    const button = el("button", { class: "button", type: "button", text: say("again"), on: { click: again } });
    this.#stateHolder.replaceChildren(stateCard({ icon: "alert", title: say("failed.title"), text: sentence, action: button, tone: "state-failed" }));
  }

  /** @param {string | null} sentence shown above a list that is no longer live */
  stale(sentence) {
    this.#list.classList.toggle("is-stale", sentence !== null);
    this.#stateHolder.replaceChildren(...(sentence ? [el("p", { class: "stale-line" }, icon("clock"), el("span", { text: sentence }))] : []));
  }

  /** A wall is left open for months. */
  #trim() {
    for (const old of this.sightings.slice(KEPT)) this.#sightings.delete(old.id);
    if (this.#entries.size <= ENTRIES_KEPT) return;
    const newest = [...this.#entries].sort(([, a], [, b]) => b.at.localeCompare(a.at));
    for (const [sightingId] of newest.slice(ENTRIES_KEPT)) this.#entries.delete(sightingId);
  }

  #render() {
    if (!this.#loaded) return;
    this.#list.removeAttribute("aria-busy");
    const items = this.sightings.filter((sighting) => this.#only === "all" || !sighting.personId).slice(0, SHOWN);
    const focused = document.activeElement?.closest?.("[data-sighting]")?.dataset.sighting;
    this.#list.replaceChildren(...items.map((sighting) => this.#item(sighting)));
    if (focused) this.#list.querySelector(`[data-sighting="${focused}"] button`)?.focus({ preventScroll: true });
    if (!this.#list.classList.contains("is-stale")) {
      const kind = this.#only === "all" ? "feed.empty" : "feed.empty.unknown";
      this.#stateHolder.replaceChildren(...(items.length ? [] : [stateCard({ icon: "person", title: say(`${kind}.title`), text: say(`${kind}.text`) })]));
    }
  }

  #item(sighting) {
    const entry = this.#entries.get(sighting.id);
    const name = sighting.person?.fullName ?? say("unknown");
    const camera = this.#cameraOf(sighting);
    const time = spoken(sighting.startedAt);
    const known = Boolean(sighting.personId);
    const direction = entry ? el("span", { class: `chip chip-${entry.direction}` }, icon(entry.direction), el("span", { text: say(`feed.${entry.direction}`) })) : null;
    // Who turned after that has an entry: then it was not the last word.
    const refused = !entry && sighting.refusal ? el("span", { class: "feed-refused tone-red" }, icon("alert"), el("span", { text: say("feed.refused", { why: refusalWords(sighting.refusal) }) })) : null;
    const button = el(
      "button",
      { class: "feed-button", type: "button", "aria-label": say(refused ? "feed.open.refused" : "feed.open", { name, camera, time }), on: { click: () => this.#open(sighting) } },
      face(sighting.faceUrl ?? sighting.person?.photoUrl, "face-48"),
      el(
        "span",
        { class: "feed-body" },
        el("span", { class: "feed-top" }, el("b", { class: known ? "feed-name" : "feed-name feed-name-unknown", text: name }), el("time", { class: "figures quiet", datetime: sighting.startedAt, title: fullTime(sighting.startedAt), text: time })),
        el("span", { class: "feed-where quiet" }, camera, sighting.state === "open" ? el("span", { class: "feed-here", text: say("feed.here") }) : null),
        el("span", { class: "feed-marks" }, known ? certaintyBar(sighting) : el("span", { class: "chip chip-unknown" }, icon("question"), el("span", { text: say("certainty.none") })), direction),
        refused,
      ),
    );
    return el("li", { class: "feed-item", data: { sighting: sighting.id } }, button);
  }

  #cameraOf(of) {
    return of.cameraName ?? this.#cameraName(of.cameraId) ?? say("feed.camera.gone");
  }

  #saying(key, of) {
    this.#said.textContent = say(key, { name: of.person?.fullName ?? say("unknown"), camera: this.#cameraOf(of) });
  }
}
