/** One day of a person: its numbers, its marks in words, its entries with their frames, and their corrections. */

import { correctionItem } from "./correction-item.js";
import { hours, lateChip, marksInWords, statusChip } from "./day-words.js";
import { el, face, icon, stateCard } from "./dom.js";
import { entryForm, removalForm } from "./entry-change.js";
import { inWords } from "./failure.js";
import { notice } from "./fields.js";
import { say, sayOr } from "./text.js";
import { clockIn, clockOn, dateIn, dayAfter, fullIn, instant, longDate } from "./zoned.js";

const NUMBERS = ["worked", "break", "late", "early", "overtime", "presence"];
const MOST = 200;

export class DaySheet {
  #api;
  #sheet;
  #may;
  #uses;
  #personId = "";
  #date = "";
  #turn = 0;
  /** A form is open: neither news nor an answer that was on its way takes it away. */
  #writing = false;
  /** Something came while the form was open; it is shown when the form is gone. */
  #behind = false;
  /** @type {Set<string>} of which entries the corrections are unfolded */
  #unfolded = new Set();

  /**
   * @param {import("./api.js").Api} api
   * @param {import("./sheet.js").Sheet} sheet
   * @param {(permission: string) => boolean} may
   * @param {{evidence: (entry: any) => void, opened: (personId: string, date: string) => void,
   *   changed: (personId: string) => void, said: (sentence: string, tone?: "green" | "blue" | "red") => void}} uses
   */
  constructor(api, sheet, may, uses) {
    this.#api = api;
    this.#sheet = sheet;
    this.#may = may;
    this.#uses = uses;
  }

  /** @param {string} personId @param {string} date */
  open(personId, date) {
    this.#personId = personId;
    this.#date = date;
    this.#writing = false;
    this.#uses.opened(personId, date);
    this.#sheet.open(longDate(date), el("div", { class: "person-loading shimmer", role: "status", "aria-label": say("day.loading") }));
    this.#load();
  }

  /** Of these people something has changed. @param {string[]} personIds */
  heard(personIds) {
    if (!this.#sheet.isOpen || !personIds.includes(this.#personId)) return;
    if (this.#writing) this.#behind = true;
    else this.#load();
  }

  async #load() {
    const turn = ++this.#turn;
    const [personId, date] = [this.#personId, this.#date];
    try {
      const { data: days } = await this.#api.list("attendance/days", { personId, from: date, to: date, pageSize: MOST });
      const zone = days[0]?.timezone ?? "UTC";
      const [entries, corrections] = await Promise.all([this.#entries(days, zone), this.#corrections()]);
      if (this.#isFor(turn)) this.#show(days, zone, entries, corrections);
    } catch (error) {
      if (!this.#isFor(turn)) return;
      const again = el("button", { class: "button", type: "button", text: say("again"), on: { click: () => this.#load() } });
      this.#sheet.show(longDate(date), stateCard({ icon: "alert", title: say("failed.title"), text: inWords(error), action: again, tone: "state-failed" }));
    }
  }

  /** Whether what was loaded in that turn may be shown now. */
  #isFor(turn) {
    if (turn === this.#turn && this.#writing) this.#behind = true;
    return turn === this.#turn && !this.#writing;
  }

  /** Those that the day rests on, and those of its date that do not count. */
  async #entries(days, zone) {
    const [from, to] = [instant(zone, dayAfter(this.#date, -1), "00:00"), instant(zone, dayAfter(this.#date, 3), "00:00")];
    const { data } = await this.#api.list("attendance/entries", { personId: this.#personId, from, to, state: "all", sort: "at", pageSize: MOST });
    const counted = new Set(days.flatMap((day) => day.entries.map((entry) => entry.id)));
    return data.filter((entry) => counted.has(entry.id) || (entry.state !== "valid" && dateIn(zone, entry.at) === this.#date));
  }

  /** What was changed of each entry, the newest first. */
  async #corrections() {
    const { data } = await this.#api.list("attendance/corrections", { personId: this.#personId, pageSize: MOST });
    /** @type {Map<string, any[]>} */
    const by = new Map();
    for (const one of data) by.set(one.entryId, [...(by.get(one.entryId) ?? []), one]);
    return by;
  }

  #show(days, zone, entries, corrections) {
    this.#behind = false;
    if (!days.length) return this.#sheet.show(longDate(this.#date), stateCard({ icon: "calendar", title: say("day.gone.title"), text: say("day.gone.text") }));
    const list = this.#list(entries, zone, corrections);
    const held = document.activeElement?.closest("[data-sheet-body]") ? document.activeElement.dataset.key ?? "add" : null;
    this.#sheet.show(longDate(this.#date), this.#who(days[0].person, zone), ...days.map((day) => this.#day(day, zone)), list);
    if (held) (list.parentElement.querySelector(`[data-key="${CSS.escape(held)}"]`) ?? list.querySelector("button"))?.focus({ preventScroll: true });
    return undefined;
  }

  #who(person, zone) {
    const step = (by, name, figure) => el("button", { class: "icon-button", type: "button", "aria-label": say(name), data: { key: name }, on: { click: () => this.open(this.#personId, dayAfter(this.#date, by)) } }, icon(figure, "flips"));
    return el(
      "div",
      { class: "who" },
      face(person.photoUrl, "face-56", person.fullName),
      el("div", { class: "who-words" }, el("p", { class: "who-name", text: person.fullName }), el("p", { class: "quiet", text: say("day.zone", { zone }) })),
      step(-1, "day.before", "chevron-left"),
      step(1, "day.after", "chevron-right"),
    );
  }

  #day(day, zone) {
    const at = (moment) => (moment ? el("time", { class: "figures", datetime: moment, title: fullIn(zone, moment), text: clockOn(zone, moment, day.date) }) : el("span", { class: "quiet", text: say("person.none") }));
    const marks = marksInWords(day, day.closedAt ? clockOn(zone, day.closedAt, day.date) : "");
    const pairs = [["first", at(day.firstIn)], ["last", at(day.lastOut)], ...NUMBERS.map((name) => [name, el("span", { class: "figures", text: hours(day[`${name}Minutes`]) })])];
    const { adjustment } = day;
    const differs = adjustment && NUMBERS.slice(0, 5).filter((name) => adjustment[`${name}Minutes`]).map((name) => `${say(`day.pair.${name}`)} ${adjustment[`${name}Minutes`] > 0 ? "+" : ""}${hours(adjustment[`${name}Minutes`])}`);
    return el(
      "section",
      { class: "block", "aria-label": day.shiftName ?? say("day.no_shift") },
      el("div", { class: "row" }, el("h3", { text: day.shiftName ?? say("day.no_shift") }), statusChip(day), lateChip(day), day.locked && el("span", { class: "chip" }, icon("key"), el("span", { text: say("day.locked") }))),
      marks.length ? el("ul", { class: "day-marks" }, ...marks.map((words) => el("li", { text: words }))) : null,
      adjustment && notice("blue", say("day.adjusted", { status: say(`day.${adjustment.status}`).toLowerCase(), changes: differs.join(", ") || say("person.none") })),
      el("dl", { class: "day-pairs" }, ...pairs.map(([name, value]) => el("div", {}, el("dt", { text: say(`day.pair.${name}`) }), el("dd", {}, value)))),
    );
  }

  #list(entries, zone, corrections) {
    const none = el("li", { class: "none quiet" }, icon("clock"), el("span", { text: say("day.no_entries") }));
    const holder = el("div", { class: "entry-form" });
    const add = this.#may("attendance:write") && el("button", { class: "button button-small", type: "button", data: { key: "add" } }, icon("plus"), el("span", { text: say("entry.add") }));
    if (add) add.addEventListener("click", () => this.#form(holder, add, (ways) => entryForm(this.#api, { personId: this.#personId, zone, date: this.#date, ...ways })));
    const items = entries.map((entry) => this.#entry(entry, zone, corrections.get(entry.id) ?? []));
    return el("section", { class: "block", "aria-labelledby": "day-entries" }, el("div", { class: "block-head" }, el("h3", { id: "day-entries", text: say("day.entries") }), add), holder, el("ul", { class: "seen" }, ...(items.length ? items : [none])));
  }

  /** A form in its place; the button that asked for it has the focus again when it is gone. */
  #form(holder, asked, make) {
    for (const other of holder.closest("section").querySelectorAll(".entry-form")) other.replaceChildren();
    const cancel = () => {
      holder.replaceChildren();
      this.#writing = false;
      asked.focus();
      if (this.#behind) this.#load();
    };
    const personId = this.#personId;
    const done = (answer) => {
      this.#uses.said(say(answer?.state === "pending" ? "entry.waits" : "saved"), answer?.state === "pending" ? "blue" : "green");
      this.#uses.changed(personId);
      if (form.isConnected) this.#writing = false;
      this.#behind = this.#writing; // in another form, which was opened meanwhile
      return this.#writing ? undefined : this.#load();
    };
    const form = make({ cancel, done, failed: (sentence) => this.#uses.said(sentence, "red") });
    this.#writing = true;
    holder.replaceChildren(form);
    holder.querySelector("input:not([type=date]), select")?.focus();
  }

  #entry(entry, zone, corrections) {
    const way = entry.direction;
    const where = entry.cameraName ?? (entry.origin === "camera" ? say("feed.camera.gone") : sayOr(`origin.${entry.origin}`, entry.origin));
    const named = { way: say(`person.entry.${way}`), time: clockIn(zone, entry.at) };
    const waits = corrections.some((one) => one.state === "pending");
    const holder = el("div", { class: "entry-form" });
    const button = (name, figure, run) => el("button", { class: "icon-button", type: "button", "aria-label": say(name, named), data: { key: `${name} ${entry.id}` }, on: { click: (event) => run(event.currentTarget) } }, icon(figure));
    const correctable = this.#may("attendance:correct") && entry.state === "valid" && !waits;
    const { original } = entry;
    return el(
      "li",
      { data: { entry: entry.id } },
      el(
        "div",
        { class: entry.state === "valid" ? "seen-item" : "seen-item entry-off" },
        el("span", { class: `chip chip-${way}` }, icon(way), el("span", { text: say(`person.entry.${way}`) })),
        el("time", { class: "figures entry-time", datetime: entry.at, title: fullIn(zone, entry.at), text: clockOn(zone, entry.at, this.#date) }),
        el(
          "span",
          { class: "seen-words" },
          el("b", { text: where }),
          entry.state !== "valid" && el("span", { class: "tone-amber", text: say(`entry.state.${entry.state}`) }),
          original && el("span", { class: "quiet", text: say("entry.was", { way: say(`person.entry.${original.direction}`), time: clockOn(zone, original.at, this.#date) }) }),
          entry.reason && el("span", { class: "quiet", text: entry.reason }),
        ),
        entry.sightingId && this.#may("sightings:read") && button("entry.evidence", "eye", () => this.#uses.evidence(entry)),
        correctable && button("entry.change", "pencil", (asked) => this.#form(holder, asked, (ways) => entryForm(this.#api, { personId: this.#personId, zone, date: this.#date, entry, ...ways }))),
        correctable && button("entry.remove.of", "trash", (asked) => this.#form(holder, asked, (ways) => removalForm(this.#api, { entry, zone, ...ways }))),
      ),
      holder,
      corrections.length ? this.#history(entry.id, corrections) : null,
    );
  }

  #history(entryId, corrections) {
    const waits = corrections.some((one) => one.state === "pending");
    const decide = this.#may("attendance:correct") ? (one) => (agreed) => this.#decide(one, agreed) : () => null;
    const remember = (event) => (event.currentTarget.open ? this.#unfolded.add(entryId) : this.#unfolded.delete(entryId));
    return el(
      "details",
      { class: "history", open: waits || this.#unfolded.has(entryId), on: { toggle: remember } },
      el("summary", { data: { key: `history ${entryId}` }, text: say(corrections.length === 1 ? "entry.history.one" : "entry.history", { count: corrections.length }) }),
      el("ul", {}, ...corrections.map((one) => correctionItem(one, { date: this.#date, decide: decide(one) }))),
    );
  }

  async #decide(correction, agreed) {
    await this.#api.post(`attendance/corrections/${correction.id}/${agreed ? "approve" : "refuse"}`);
    this.#uses.said(say(agreed ? "correction.approved" : "correction.refused"));
    this.#uses.changed(this.#personId);
    await this.#load();
  }
}
