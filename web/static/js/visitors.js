/** Faces without a name, one card a visitor: who it is, in one click, or that two of them are one. */

import { el, face, icon, stateCard } from "./dom.js";
import { inWords } from "./failure.js";
import { Naming } from "./naming.js";
import { Sheet } from "./sheet.js";
import { say } from "./text.js";
import { fullTime, spoken } from "./times.js";

const PAGE_SIZE = 24;

export class Visitors {
  #api;
  #may;
  #uses;
  #section = document.querySelector("[data-visitors]");
  #grid;
  #more;
  #sheet = null;
  #shown = [];
  #wanted = PAGE_SIZE;
  #asked = 0;

  /**
   * @param {import("./api.js").Api} api
   * @param {(permission: string) => boolean} may
   * @param {{named: () => void, said: (sentence: string, tone?: "green" | "red") => void}} uses
   */
  constructor(api, may, uses) {
    this.#api = api;
    this.#may = may;
    this.#uses = uses;
    if (!this.#section) return;
    this.#grid = this.#section.querySelector("[data-visitors-grid]");
    this.#more = this.#section.querySelector("[data-visitors-more]");
    this.#more.addEventListener("click", () => { this.#wanted += PAGE_SIZE; this.load(); });
    this.#sheet = new Sheet(document.querySelector("[data-visitor-sheet]"));
  }

  async load() {
    if (!this.#section) return;
    const turn = ++this.#asked;
    try {
      const { data, meta } = await this.#api.list("sightings/unknown", { pageSize: Math.min(this.#wanted, 200) });
      if (turn !== this.#asked) return;
      this.#shown = data;
      this.#section.hidden = false;
      this.#section.querySelector("[data-visitors-count]").textContent = data.length ? say("visitors.count", { count: meta.total }) : "";
      this.#grid.replaceChildren(...(data.length ? data.map((one) => this.#card(one)) : [el("li", { class: "visitors-none quiet", text: say("visitors.none") })]));
      this.#more.hidden = meta.total <= data.length || this.#wanted >= 200;
    } catch (error) {
      if (turn !== this.#asked) return;
      this.#section.hidden = false;
      this.#grid.replaceChildren(el("li", { class: "visitors-none" }, stateCard({ icon: "alert", title: say("failed.title"), text: inWords(error), tone: "state-failed" })));
    }
  }

  #where(visitor) {
    const names = visitor.cameras.map((camera) => camera.name ?? say("feed.camera.gone"));
    return names.length > 2 ? say("visitors.cameras", { name: names[0], count: names.length - 1 }) : names.join(", ");
  }

  #times(visitor) {
    return visitor.count === 1 ? say("visitors.once") : say("visitors.times", { count: visitor.count });
  }

  #card(visitor) {
    return el(
      "li",
      {},
      el(
        "button",
        { class: "visitor", type: "button", data: { visitor: visitor.id }, on: { click: () => this.#open(visitor) } },
        face(visitor.faceUrl, "face-88"),
        el("time", { class: "visitor-seen figures", datetime: visitor.lastSeenAt, title: fullTime(visitor.lastSeenAt), text: spoken(visitor.lastSeenAt) }),
        el("span", { class: "quiet", text: this.#times(visitor) }),
        el("span", { class: "visitor-where quiet", text: this.#where(visitor) }),
      ),
    );
  }

  #open(visitor) {
    const naming = this.#may("sightings:write") && this.#may("people:write")
      ? new Naming(this.#api, visitor, (_, lines) => this.#done(lines), (person, fullName, enrol) => this.#assign(visitor, person, fullName, enrol)).element
      : null;
    const times = el("dl", { class: "pairs" }, ...[
      ["evidence.from", visitor.firstSeenAt],
      ["evidence.to", visitor.lastSeenAt],
    ].map(([key, at]) => el("div", {}, el("dt", { text: say(key) }), el("dd", {}, el("time", { class: "figures", datetime: at, text: fullTime(at) })))));
    this.#sheet.open(
      say("visitors.title.one"),
      el("div", { class: "who" }, face(visitor.faceUrl, "face-88"), el("div", { class: "who-words" }, el("p", { class: "who-name", text: this.#times(visitor) }), el("p", { class: "quiet", text: this.#where(visitor) }))),
      ...(naming ? [naming] : []),
      times,
      ...(this.#may("sightings:write") ? this.#others(visitor) : []),
    );
  }

  #others(visitor) {
    const others = this.#shown.filter((one) => one.id !== visitor.id && one.faceUrl).slice(0, 12);
    if (!others.length) return [];
    const buttons = others.map((other) => el("li", {}, el(
      "button",
      { class: "icon-button visitor-same", type: "button", "aria-label": say("visitors.same", { time: spoken(other.lastSeenAt) }), on: { click: () => this.#merge(visitor, other) } },
      face(other.faceUrl, "face-56"),
    )));
    return [el("details", { class: "block" }, el("summary", { text: say("visitors.merge") }), el("p", { class: "quiet", text: say("visitors.merge.hint") }), el("ul", { class: "visitors-same" }, ...buttons))];
  }

  async #merge(visitor, other) {
    try {
      const merged = await this.#api.post(`sightings/unknown/${visitor.id}/merge`, { otherId: other.id });
      await this.load();
      this.#uses.said(say("visitors.merged"), "green");
      this.#open(merged);
    } catch (error) {
      this.#uses.said(inWords(error), "red");
    }
  }

  async #assign(visitor, person, fullName, enrol) {
    const who = person ? { personId: person.id } : { fullName };
    const { person: named, sightings, photo, refused } = await this.#api.post(`sightings/unknown/${visitor.id}/assign`, { ...who, enrol });
    const lines = [{ tone: "green", text: say(sightings === 1 ? "visitors.assigned.one" : "visitors.assigned", { name: named.fullName, count: sightings }) }];
    if (photo) lines.push({ tone: "green", text: say("naming.enrolled", { name: named.fullName }) });
    if (refused) lines.push({ tone: "amber", text: say("naming.not.enrolled", { why: refused.message }) });
    return lines;
  }

  #done(lines) {
    this.#sheet.show(say("visitors.title.one"), ...lines.map((line) => el("p", { class: `notice notice-${line.tone}`, role: "status" }, icon(line.tone === "green" ? "check" : "alert"), el("span", { text: line.text }))));
    this.load();
    this.#uses.named();
  }
}
