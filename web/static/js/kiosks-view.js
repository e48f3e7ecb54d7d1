/** Kiosks: the screens at the doors, what each takes, and what can be done about it. */

import { el, icon, stateCard } from "./dom.js";
import { inWords } from "./failure.js";
import { KioskForm } from "./kiosk-form.js";
import { Removal } from "./removal.js";
import { Sheet } from "./sheet.js";
import { say } from "./text.js";
import { fullTime, spoken } from "./times.js";

const MOST = 200;
const SCREENS_AGAIN_MS = 10000;

export class KiosksView {
  #api;
  #shell;
  #list;
  #state;
  #form;
  #removal;
  #add;
  #asked = 0;
  #loading = Promise.resolve();

  /** @param {import("./api.js").Api} api @param {import("./shell.js").Shell} shell @param {HTMLElement} section */
  constructor(api, shell, section) {
    this.#api = api;
    this.#shell = shell;
    this.#list = section.querySelector("[data-list]");
    this.#state = section.querySelector("[data-state]");
    this.#add = section.querySelector("[data-add]");
    const sheet = new Sheet(document.querySelector("[data-kiosk-sheet]"), () => { this.#form.left(); this.load(); });
    this.#form = new KioskForm(api, sheet, (kiosk) => this.#said("kiosks.saved", kiosk));
    this.#removal = new Removal(api, document.querySelector("[data-kiosk-removal]"), {
      path: "kiosks",
      removed: (kiosk) => {
        this.#said("kiosks.removed", kiosk);
        (this.#add ?? section).focus(); // its row is gone
      },
    });
    setInterval(() => !document.hidden && this.#lookAtScreens(), SCREENS_AGAIN_MS);
    this.#add?.addEventListener("click", () => this.#loading.then(() => this.#form.begin())); // with the cameras to choose from
  }

  load() {
    this.#loading = this.#load();
    return this.#loading;
  }

  async #load() {
    const turn = ++this.#asked;
    try {
      const [{ data }, cameras, sites] = await Promise.all([this.#api.list("kiosks", { pageSize: MOST, sort: "name" }), this.#named("cameras"), this.#named("sites")]);
      if (turn === this.#asked) this.#show(data, cameras, sites);
    } catch (error) {
      if (turn !== this.#asked) return;
      const again = el("button", { class: "button", type: "button", text: say("again"), on: { click: () => this.load() } });
      this.#list.replaceChildren();
      this.#state.replaceChildren(stateCard({ icon: "alert", title: say("failed.title"), text: inWords(error), action: again, tone: "state-failed" }));
    }
    this.#list.removeAttribute("aria-busy");
  }

  /** Whether screens are connected, changed in place: a row that somebody is about to use stays. */
  async #lookAtScreens() {
    const { data } = await this.#api.list("kiosks", { pageSize: MOST, sort: "name" }).catch(() => ({ data: [] }));
    for (const kiosk of data) {
      this.#list.querySelector(`[data-screen="${kiosk.id}"]`)?.replaceWith(this.#screen(kiosk));
    }
  }

  #screen({ id, screens, screenSince }) {
    const words = say(`kiosks.screen.${screens > 1 ? "many" : screens ? "one" : "none"}`, { count: screens, time: spoken(screenSince) });
    return el("p", { class: "kiosk-screen", data: { screen: id, on: String(screens > 0) }, title: screenSince ? fullTime(screenSince) : null }, el("span", { class: "dot", "aria-hidden": "true" }), words);
  }

  /** Names by id; none where they are not for whoever looks. @returns {Promise<Map<string, string>>} */
  async #named(path) {
    const { data } = await this.#api.list(path, { pageSize: MOST }).catch(() => ({ data: [] }));
    return new Map(data.map(({ id, name }) => [id, name]));
  }

  #said(key, kiosk) {
    this.#shell.toast(say(key, { name: kiosk.name }));
    this.load();
  }

  #show(kiosks, cameras, sites) {
    const focused = this.#list.contains(document.activeElement) ? document.activeElement.dataset.does : null;
    this.#form.names(cameras, sites);
    this.#list.replaceChildren(...kiosks.map((kiosk) => this.#row(kiosk, cameras, sites)));
    if (focused) this.#list.querySelector(`[data-does="${focused}"]`)?.focus();
    this.#state.replaceChildren(...(kiosks.length ? [] : [stateCard({ icon: "kiosk", title: say("kiosks.empty.title"), text: say(this.#add ? "kiosks.empty.text" : "kiosks.empty.viewer") })]));
  }

  #row(kiosk, cameras, sites) {
    const does = (key, run, more = {}) => el("button", {
      class: "button button-small", type: "button", text: say(`kiosks.${key}`), "aria-label": say(`kiosks.${key}.of`, { name: kiosk.name }),
      data: { does: `${key} ${kiosk.id}` }, on: { click: run }, ...more,
    });
    const seen = kiosk.cameraIds.map((id) => cameras.get(id) ?? say("kiosks.camera.other")).join(", ");
    const facts = [say(`kiosks.role.${kiosk.role}`), kiosk.means.map((one) => say(`kiosks.means.${one}`)).join(", "), sites.get(kiosk.siteId)];
    const writes = this.#shell.may("kiosks:write");
    return el(
      "li",
      { class: "hook", "aria-label": kiosk.name },
      el("div", { class: "hook-words" },
        el("p", { class: "hook-name" }, icon("kiosk"), el("b", { text: kiosk.name })),
        el("p", { class: "quiet", text: facts.filter(Boolean).join(" · ") }),
        el("p", { class: "quiet", text: seen || say("kiosks.cameras.none") }),
        this.#screen(kiosk),
      ),
      el("div", { class: "hook-does" },
        writes && does("pair", () => this.#form.pair(kiosk)),
        writes && does("edit", () => this.#form.open(kiosk.id)),
        this.#shell.may("kiosks:delete") && does("remove", () => this.#removal.open(kiosk), { class: "button button-small button-quiet-red" }),
      ),
    );
  }
}
