/** Who came and went today, one line a person; and the faces that still need a name. */

import { el, face, icon } from "./dom.js";
import { say } from "./text.js";
import { clock, fullTime, isToday, spoken } from "./times.js";

const FACES_SHOWN = 12;

export class Door {
  #parts;
  #uses;
  /** @type {Map<string, any>} */
  #entries = new Map();

  /**
   * @param {{doorList: HTMLElement | null, doorCount: HTMLElement | null, unknownList: HTMLElement | null, unknownCount: HTMLElement | null}} parts
   * @param {{open: (sighting: any) => void, openById: (id: string) => void, cameraName: (id: string | null) => string | null}} uses
   */
  constructor(parts, uses) {
    this.#parts = parts;
    this.#uses = uses;
  }

  /** @param {any[]} entries as the API lists them, or as events carry them */
  apply(entries) {
    for (const entry of entries) this.#entries.set(entry.entryId ?? entry.id, entry);
    this.#trim();
    this.#render();
  }

  /** @param {string} entryId an entry that does not hold any more */
  remove(entryId) {
    this.#entries.delete(entryId);
    this.#render();
  }

  clear() {
    this.#entries.clear();
  }

  /** @param {any[]} sightings newest first */
  showUnknown(sightings) {
    const { unknownList, unknownCount } = this.#parts;
    if (!unknownList) return;
    const unnamed = sightings.filter((sighting) => !sighting.personId && sighting.faceUrl);
    unknownCount.textContent = unnamed.length ? say("unknowns.count", { count: unnamed.length }) : "";
    unknownList.replaceChildren(...unnamed.slice(0, FACES_SHOWN).map((sighting) => this.#unknown(sighting)));
    if (!unnamed.length) unknownList.append(el("li", { class: "none quiet" }, icon("check"), el("span", { text: say("unknowns.empty") })));
  }

  #unknown(sighting) {
    const time = spoken(sighting.startedAt);
    const camera = sighting.cameraName ?? this.#uses.cameraName(sighting.cameraId) ?? say("feed.camera.gone");
    return el(
      "li",
      {},
      el(
        "button",
        { class: "unknown", type: "button", "aria-label": say("unknowns.name", { camera, time }), on: { click: () => this.#uses.open(sighting) } },
        face(sighting.faceUrl, "face-72"),
        el("span", { class: "figures quiet", text: time }),
      ),
    );
  }

  /** Only today is shown; what is older is not kept. */
  #trim() {
    const midnight = new Date().setHours(0, 0, 0, 0);
    for (const [id, entry] of this.#entries) if (Date.parse(entry.at) < midnight) this.#entries.delete(id);
  }

  #render() {
    const { doorList, doorCount } = this.#parts;
    if (!doorList) return;
    /** @type {Map<string, {person: any, last: any, first: any}>} */
    const people = new Map();
    const today = [...this.#entries.values()].filter((entry) => isToday(entry.at)).sort((a, b) => a.at.localeCompare(b.at));
    for (const entry of today) {
      const id = entry.person?.id ?? entry.personId;
      if (!id) continue;
      const line = people.get(id) ?? { person: null, last: null, first: entry };
      people.set(id, { person: entry.person ?? line.person, last: entry, first: line.first });
    }
    const lines = [...people.values()].sort((a, b) => b.last.at.localeCompare(a.last.at));
    doorCount.textContent = lines.length ? (lines.length === 1 ? say("door.count.one") : say("door.count", { count: lines.length })) : "";
    doorList.replaceChildren(...lines.map((line) => this.#line(line)));
    if (!lines.length) doorList.append(el("li", { class: "none quiet" }, icon("clock"), el("span", { text: say("door.empty") })));
  }

  #line({ person, last }) {
    const name = person?.fullName ?? say("unknown");
    const camera = last.cameraName ?? this.#uses.cameraName(last.cameraId) ?? "";
    const inside = [
      face(person?.photoUrl, "face-56", name),
      el("span", { class: "door-words" }, el("b", { text: name }), el("span", { class: "quiet", text: camera })),
      el(
        "span",
        { class: "door-time" },
        el("span", { class: `chip chip-${last.direction}` }, icon(last.direction), el("span", { text: say(`door.${last.direction}`) })),
        el("time", { class: "figures", datetime: last.at, title: fullTime(last.at), text: clock(last.at) }),
      ),
    ];
    if (!last.sightingId) return el("li", { class: "door-item" }, ...inside);
    return el("li", {}, el("button", { class: "door-item door-button", type: "button", on: { click: () => this.#uses.openById(last.sightingId) } }, ...inside));
  }
}
