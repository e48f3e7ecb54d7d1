/** Who is on a photo, and when that face was seen: a sheet of the page of people. Nothing of the photo is kept. */

import { ApiError } from "./api.js";
import { certainty, certaintyBar } from "./certainty.js";
import { el, face, icon, stateCard } from "./dom.js";
import { inWords, refusalInWords } from "./failure.js";
import { Sheet } from "./sheet.js";
import { say } from "./text.js";
import { clock, fullTime, spoken } from "./times.js";

const SEEN_SHOWN = 8;
const MOST_SEEN = 200;

export class FaceSearch {
  #api;
  #may;
  #uses;
  #sheet;
  #photo = null;
  #preview = null;
  #turn = 0; // an answer about another photo, or after closing, is not shown
  #stale = el("p", { class: "stale-line", role: "status", hidden: true });
  #found = el("div", { class: "found" });
  #seen = el("div", { class: "found" });

  /**
   * @param {import("./api.js").Api} api
   * @param {(permission: string) => boolean} may
   * @param {{button: HTMLElement, dialog: HTMLDialogElement}} parts
   * @param {{person: (id: string) => void, sighting: (sighting: any) => void}} uses what a click on one of them opens
   */
  constructor(api, may, { button, dialog }, uses) {
    this.#api = api;
    this.#may = may;
    this.#uses = uses;
    this.#sheet = new Sheet(dialog, () => this.#forget());
    button.addEventListener("click", () => this.#open());
    dialog.addEventListener("paste", (event) => this.#take(event.clipboardData.files[0]));
  }

  /** @param {Date | null} since when the connection went away, or null */
  stale(since) {
    this.#stale.hidden = since === null;
    this.#stale.replaceChildren(...(since ? [icon("clock"), el("span", { text: say("found.stale", { time: clock(since) }) })] : []));
    for (const part of [this.#found, this.#seen]) part.classList.toggle("is-stale", since !== null);
  }

  /** Somebody has said who a sighting is: the list of them may be another. */
  async again() {
    if (this.#photo && this.#sheet.isOpen) await this.#loadSeen(this.#turn);
  }

  #open() {
    this.#forget();
    const what = stateCard({ icon: "search", title: say("found.empty.title"), text: say(this.#may("sightings:read") ? "found.empty.text" : "found.empty.people") });
    this.#found.replaceChildren(what);
    this.#seen.replaceChildren();
    this.#sheet.open(say("found.title"), this.#chooser(), this.#stale, this.#found, this.#seen);
  }

  #forget() {
    this.#turn += 1;
    this.#photo = null;
    if (this.#preview) URL.revokeObjectURL(this.#preview);
    this.#preview = null;
  }

  #chooser() {
    const input = el("input", { class: "sr-only", id: "found-file", type: "file", accept: "image/jpeg,image/png,image/webp", "aria-label": say("found.choose"), "aria-describedby": "found-hint" });
    input.addEventListener("change", () => {
      this.#take(input.files[0]);
      input.value = "";
    });
    const zone = el(
      "div",
      { class: "drop found-drop" },
      el("span", { class: "found-photo", "aria-hidden": "true" }, icon("person")),
      el(
        "div",
        { class: "found-words" },
        el("div", { class: "row" }, input, el("label", { class: "button button-primary", for: "found-file" }, icon("upload"), el("span", { text: say("found.choose") })), el("span", { class: "quiet drop-words", text: say("found.drop") })),
        el("p", { class: "quiet", id: "found-hint", text: say("found.hint") }),
      ),
    );
    zone.addEventListener("dragover", (event) => { event.preventDefault(); zone.classList.add("drop-over"); });
    zone.addEventListener("dragleave", () => zone.classList.remove("drop-over"));
    zone.addEventListener("drop", (event) => {
      event.preventDefault();
      zone.classList.remove("drop-over");
      this.#take(event.dataTransfer.files[0]);
    });
    return zone;
  }

  /** @param {File | undefined} photo */
  #take(photo) {
    if (!photo) return;
    this.#forget();
    this.#photo = photo;
    this.#preview = URL.createObjectURL(photo);
    document.querySelector(".found-photo").replaceChildren(el("img", { src: this.#preview, alt: "" }));
    this.#search();
  }

  async #search() {
    const turn = this.#turn;
    this.#seen.replaceChildren();
    this.#found.replaceChildren(el("p", { class: "sr-only", role: "status", text: say("found.busy") }), bones());
    try {
      const people = await this.#api.upload("people/search", this.#photo, this.#photo.name);
      if (turn !== this.#turn) return;
      this.#showPeople(people);
    } catch (error) {
      if (turn === this.#turn) this.#refuse(error);
      return;
    }
    if (this.#may("sightings:read")) await this.#loadSeen(turn);
  }

  #refuse(error) {
    const refused = error instanceof ApiError && error.status === 422;
    const again = refused ? null : el("button", { class: "button", type: "button", text: say("again"), on: { click: () => this.#search() } });
    const card = { icon: "alert", title: say(refused ? "found.refused" : "failed.title"), text: refused ? refusalInWords(error) : inWords(error), action: again, tone: "state-failed" };
    this.#found.replaceChildren(stateCard(card));
  }

  #showPeople(people) {
    const near = people.filter((one) => one.similarity >= one.threshold);
    const far = people.filter((one) => one.similarity < one.threshold);
    const best = near[0];
    const key = !best ? "found.nobody" : best.recognized ? "found.this" : "found.perhaps";
    this.#found.replaceChildren(
      el("div", { role: "status" }, el("h3", { class: "found-verdict", text: say(key, { name: best?.person.fullName ?? "" }) }), el("p", { class: "quiet", text: say(`${key}.why`) })),
      ...(near.length ? [el("ul", { class: "found-people" }, ...near.map((one) => this.#person(one, people.length === 1)))] : []),
      ...(far.length ? [el("details", { class: "found-far" }, el("summary", { text: far.length === 1 ? say("found.far.one") : say("found.far", { count: far.length }) }), el("ul", { class: "found-people" }, ...far.map((one) => this.#person(one, people.length === 1))))] : []),
    );
  }

  #person(found, alone) {
    const { person, similarity, threshold, margin, recognized, lastSeenAt } = found;
    const of = { personId: similarity >= threshold ? person.id : null, similarity, threshold };
    // However like: a camera that could not decide between two is not sure of either.
    const word = of.personId && !recognized ? "unsure" : certainty(of);
    const rows = [
      ["evidence.similarity", say("evidence.similarity.of", { value: similarity.toFixed(2), threshold: threshold.toFixed(2) })],
      ...(alone ? [] : [[margin < 0 ? "found.behind" : "evidence.margin", Math.abs(margin).toFixed(2)]]),
    ];
    return el(
      "li",
      { class: "found-person" },
      el(
        "button",
        { class: "found-button", type: "button", "aria-label": say("found.open", { name: person.fullName, word: say(`certainty.${word}`) }), data: { found: person.id }, on: { click: () => this.#uses.person(person.id) } },
        face(person.photoUrl, "face-48", person.fullName),
        el("span", { class: "seen-words" }, el("b", { text: person.fullName }), certaintyBar(of, { mark: true, word })),
        el("time", { class: "quiet figures", datetime: lastSeenAt, title: fullTime(lastSeenAt), text: lastSeenAt ? say("found.last", { time: spoken(lastSeenAt) }) : say("people.never") }),
      ),
      el("details", { class: "photo-numbers" }, el("summary", { text: say("person.numbers") }), el("dl", {}, ...rows.flatMap(([name, value]) => [el("dt", { class: "quiet", text: say(name) }), el("dd", { class: "figures", text: value })]))),
    );
  }

  async #loadSeen(turn) {
    const head = el("h3", { text: say("found.seen") });
    if (!this.#seen.childElementCount) this.#seen.replaceChildren(head, bones());
    try {
      const seen = await this.#api.upload("sightings/search", this.#photo, this.#photo.name);
      if (turn === this.#turn) this.#showSeen(seen);
    } catch (error) {
      if (turn !== this.#turn) return;
      const again = el("button", { class: "button", type: "button", text: say("again"), on: { click: () => { this.#seen.replaceChildren(); this.#loadSeen(turn); } } });
      this.#seen.replaceChildren(head, stateCard({ icon: "alert", title: say("failed.title"), text: inWords(error), action: again, tone: "state-failed" }));
    }
  }

  #showSeen(seen) {
    const count = seen.length >= MOST_SEEN ? say("found.count.most", { count: MOST_SEEN }) : seen.length === 1 ? say("found.count.one") : say("found.count", { count: seen.length });
    const list = el("ul", { class: "seen found-seen" });
    const more = el("button", { class: "button button-small", type: "button", text: say("person.older") });
    let shown = 0;
    const go = () => {
      const next = seen.slice(shown, shown + SEEN_SHOWN).map((one) => this.#sighting(one.sighting));
      list.append(...next);
      if (shown) next[0]?.querySelector("button").focus();
      shown += next.length;
      more.hidden = shown >= seen.length;
    };
    more.addEventListener("click", go);
    go();
    this.#seen.replaceChildren(
      el("div", { class: "block-head" }, el("h3", { text: say("found.seen") }), el("span", { class: "quiet", role: "status", text: seen.length ? count : "" })),
      seen.length ? list : el("p", { class: "none quiet" }, icon("clock"), el("span", { text: say("found.seen.none") })),
      more,
    );
  }

  #sighting(sighting) {
    const name = sighting.person?.fullName ?? say("unknown");
    const camera = sighting.cameraName ?? say("feed.camera.gone");
    const time = spoken(sighting.startedAt);
    return el(
      "li",
      {},
      el(
        "button",
        { class: "found-button", type: "button", "aria-label": say("feed.open", { name, camera, time }), on: { click: () => this.#uses.sighting(sighting) } },
        face(sighting.faceUrl, "face-48"),
        el("span", { class: "seen-words" }, el("b", { text: camera }), el("span", { class: "quiet", text: name })),
        el("time", { class: "quiet figures", datetime: sighting.startedAt, title: fullTime(sighting.startedAt), text: time }),
        icon("chevron-right", "people-go"),
      ),
    );
  }
}

/** The shape of a list that is on its way. */
function bones() {
  const row = () => el("span", { class: "seen-item" }, el("span", { class: "face face-48 shimmer" }), el("span", { class: "seen-words" }, el("span", { class: "bone" }), el("span", { class: "bone bone-short" })));
  return el("div", { class: "found-bones", "aria-hidden": "true" }, row(), row(), row());
}
