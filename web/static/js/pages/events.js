/** The page of events: what happens as it happens, newest first, and what has happened before. */

import { Api } from "../api.js";
import { el, icon, stateCard } from "../dom.js";
import { EventHistories } from "../event-histories.js";
import { KIOSK_TYPES, TOPICS, summary, toneOf, typeWords } from "../event-words.js";
import { Events } from "../events.js";
import { inWords } from "../failure.js";
import { PersonCombo } from "../person-combo.js";
import { Sheet } from "../sheet.js";
import { Shell } from "../shell.js";
import { say } from "../text.js";
import { clockSeconds, fullTime, isToday, spoken } from "../times.js";

const ALL = { pageSize: 200, sort: "name" };
const MOST_SHOWN = 1000; // beyond it the oldest go, and the list says that it ends there
const NAMES = Object.freeze(["topic", "type", "cameraId", "departmentId", "personId"]);

class EventsPage {
  #api = new Api();
  #shell = new Shell(this.#api);
  #events = new Events();
  #one = (name) => document.querySelector(`[data-${name}]`);
  #form = this.#one("filters");
  #list = this.#one("list");
  #state = this.#one("state");
  #card = this.#one("card");
  #older = this.#one("older");
  #end = this.#one("end");
  #pause = this.#one("pause");
  #sheet = new Sheet(this.#one("event-sheet"));
  #combo = null;
  /** @type {Map<string, string>} */
  #cameras = new Map();
  #histories = new EventHistories(this.#api, [], {});
  /** @type {import("../event-history.js").Entry[]} that came while it was paused */
  #waiting = [];
  #paused = false;
  /** Whether the oldest rows have gone. */
  #cut = false;
  #begun = 0;

  async start() {
    this.#shell.follow(this.#events, (since) => this.#card.classList.toggle("is-stale", since !== null));
    this.#pause.addEventListener("click", () => this.#pauseOrGoOn());
    this.#older.addEventListener("click", () => this.#readOlder());
    this.#form.addEventListener("submit", (event) => event.preventDefault());
    this.#form.addEventListener("change", (event) => {
      if (event.target.name === "topic") this.#offerTypes();
      if (NAMES.includes(event.target.name) && event.target.name !== "personId") this.#begin();
    });
    await this.#offer();
    this.#begin();
  }

  // What may be chosen

  async #offer() {
    const named = (path) => this.#api.list(path, ALL).then(({ data }) => data, () => []);
    const may = (permission, path) => (this.#shell.may(permission) ? named(path) : []);
    const [cameras, departments, kiosks] = await Promise.all([may("cameras:read", "cameras"), may("people:read", "departments"), may("kiosks:read", "kiosks")]);
    this.#cameras = new Map(cameras.map(({ id, name }) => [id, name]));
    const topics = Object.keys(TOPICS).filter((topic) => this.#shell.may(TOPICS[topic].permission)).map((topic) => [topic, say(`events.topic.${topic}`)]);
    this.#options("topic", [...topics, ...kiosks.map(({ id, name }) => [`kiosks/${id}`, say("events.topic.kiosk", { name })])]);
    this.#options("cameraId", [...this.#cameras]);
    this.#options("departmentId", departments.map(({ id, name }) => [id, name]));
    const asked = new URLSearchParams(location.search);
    for (const name of NAMES) if (this.#field(name) && name !== "type") this.#choose(name, asked.get(name));
    this.#offerTypes();
    this.#choose("type", asked.get("type"));
    if (this.#one("person")) await this.#offerPeople(asked.get("personId"));
  }

  async #offerPeople(asked) {
    const person = asked ? await this.#api.get(`people/${encodeURIComponent(asked)}`).catch(() => null) : null;
    this.#combo = new PersonCombo(this.#api, { name: "personId", label: say("events.person"), person, chosen: () => this.#begin() });
    this.#combo.input.addEventListener("input", () => this.#combo.value === null && !this.#combo.unclear && this.#begin());
    this.#one("person").append(this.#combo.element);
  }

  #offerTypes() {
    const types = this.#topics.flatMap((topic) => TOPICS[topic]?.types ?? KIOSK_TYPES);
    this.#options("type", types.map((type) => [type, typeWords(type)]));
  }

  #options(name, rows) {
    const field = this.#field(name);
    if (!field) return;
    const chosen = field.value;
    field.replaceChildren(field.options[0], ...rows.map(([value, text]) => el("option", { value, text })));
    this.#choose(name, chosen);
  }

  #choose(name, value) {
    const field = this.#field(name);
    if (field && [...field.options].some((option) => option.value === value)) field.value = value;
  }

  #field(name) {
    const field = this.#form.elements.namedItem(name);
    return field instanceof HTMLSelectElement ? field : null;
  }

  get #topics() {
    const chosen = this.#field("topic").value;
    return chosen ? [chosen] : Object.keys(TOPICS).filter((topic) => this.#shell.may(TOPICS[topic].permission));
  }

  get #chosen() {
    const found = Object.fromEntries(NAMES.filter((name) => this.#field(name)?.value).map((name) => [name, this.#field(name).value]));
    if (this.#combo?.value) found.personId = this.#combo.value;
    return found;
  }

  // What is shown

  async #begin() {
    const turn = ++this.#begun;
    const { topic: _, ...filter } = this.#chosen;
    const query = new URLSearchParams(this.#chosen);
    history.replaceState(null, "", query.size ? `?${query}` : location.pathname);
    this.#histories.leave();
    const mine = new EventHistories(this.#api, this.#wanted(filter), filter);
    this.#histories = mine;
    this.#waiting = [];
    this.#list.setAttribute("aria-busy", "true");
    const lost = () => turn === this.#begun && this.#begin();
    try {
      await mine.join(this.#events, (entry) => this.#heard(entry), lost, () => this.#empty());
      if (turn === this.#begun) await this.#readOlder();
    } catch (error) {
      if (turn === this.#begun) this.#failed(error, () => this.#begin());
    }
  }

  #empty() {
    this.#list.replaceChildren();
    this.#cut = false;
  }

  /** Only topics on which what is asked for can happen. */
  #wanted({ type }) {
    return this.#topics.filter((topic) => !type || (TOPICS[topic]?.types ?? KIOSK_TYPES).includes(type));
  }

  async #readOlder() {
    const turn = this.#begun;
    this.#older.disabled = true;
    try {
      const found = await this.#histories.older();
      if (turn !== this.#begun) return;
      this.#list.append(...found.map((entry) => this.#row(entry)));
      this.#settle();
    } catch (error) {
      if (turn === this.#begun) this.#failed(error, () => this.#readOlder());
    }
    this.#older.disabled = false;
  }

  #heard(entry) {
    if (this.#paused) {
      this.#waiting.unshift(entry);
      this.#waiting.length = Math.min(this.#waiting.length, MOST_SHOWN);
    } else {
      this.#list.prepend(this.#row(entry));
    }
    this.#settle();
  }

  #pauseOrGoOn() {
    this.#paused = !this.#paused;
    if (!this.#paused) {
      this.#list.prepend(...this.#waiting.map((entry) => this.#row(entry)));
      this.#waiting = [];
    }
    this.#pause.querySelector("use").setAttribute("href", `/static/icons.svg#${this.#paused ? "play" : "pause"}`);
    this.#pause.querySelector("[data-pause-text]").textContent = say(this.#paused ? "events.goOn" : "events.pause");
    this.#settle();
  }

  #settle() {
    this.#list.removeAttribute("aria-busy");
    for (; this.#list.childElementCount > MOST_SHOWN; this.#cut = true) this.#list.lastElementChild.remove();
    const count = this.#list.childElementCount;
    const full = this.#cut || count >= MOST_SHOWN;
    this.#older.hidden = this.#histories.exhausted || full;
    this.#end.hidden = !this.#cut && (this.#histories.exhausted || !full);
    this.#end.textContent = say("events.end", { count: count.toLocaleString("en") });
    this.#card.hidden = count === 0;
    this.#one("count").textContent = this.#paused ? say(this.#waiting.length === 1 ? "events.waiting.one" : "events.waiting", { count: this.#waiting.length }) : "";
    const nothing = stateCard({ icon: "activity", title: say("events.none.title"), text: say(Object.keys(this.#chosen).length ? "events.none.filtered" : "events.none.text") });
    this.#state.replaceChildren(...(count ? [] : [nothing]));
  }

  #failed(error, again) {
    this.#list.removeAttribute("aria-busy");
    this.#card.hidden = this.#list.querySelector(".happening-button") === null;
    const button = el("button", { class: "button", type: "button", text: say("again"), on: { click: again } });
    this.#state.replaceChildren(stateCard({ icon: "alert", title: say("failed.title"), text: inWords(error), action: button, tone: "state-failed" }));
  }

  #row(entry) {
    const { event } = entry;
    const time = isToday(event.time) ? clockSeconds(event.time) : `${spoken(event.time)} ${clockSeconds(event.time)}`;
    return el(
      "li",
      {},
      el(
        "button",
        { class: "happening happening-button", type: "button", data: { tone: toneOf(event.type) }, on: { click: () => this.#open(entry) } },
        el("time", { class: "figures quiet", datetime: event.time, title: fullTime(event.time), text: time }),
        el("span", { class: "happening-type" }, el("span", { class: "dot", "aria-hidden": "true" }), typeWords(event.type)),
        el("span", { class: "happening-words", text: summary(event, (id) => this.#cameras.get(id) ?? null) }),
        icon("chevron-right", "people-go"),
      ),
    );
  }

  #open({ topic, offset, event }) {
    const facts = [["events.fact.time", fullTime(event.time)], ["events.fact.topic", topic], ["events.fact.offset", String(offset)], ["events.fact.source", event.source], ["events.fact.id", event.id]];
    const rows = facts.map(([key, value]) => el("div", {}, el("dt", { text: say(key) }), el("dd", { class: "hook-url", text: value })));
    const picture = event.data.snapshotUrl && this.#shell.may("sightings:read") && el("img", { class: "happening-picture", src: event.data.snapshotUrl, alt: say("events.picture") });
    if (picture) picture.addEventListener("error", () => picture.remove());
    const json = el("pre", { class: "answer happening-json", tabindex: "0", "aria-label": say("events.json"), text: JSON.stringify(event, null, 2) });
    this.#sheet.open(typeWords(event.type), ...[picture, el("dl", { class: "pairs" }, ...rows), json].filter(Boolean));
  }
}

new EventsPage().start();
