/** Who is connected, looked at again while somebody looks; and what a report of a mistake should say of the server. */

import { el, icon, stateCard } from "./dom.js";
import { inWords } from "./failure.js";
import { say } from "./text.js";
import { fullTime, spoken } from "./times.js";

const MOST = 200;
const AGAIN_MS = 10000;
const ICONS = Object.freeze({ user: "person", kiosk: "kiosk", program: "key" });

export class ConnectionsView {
  #api;
  #list;
  #state;
  #count;
  #about;

  /** @param {import("./api.js").Api} api @param {import("./shell.js").Shell} _shell @param {HTMLElement} section */
  constructor(api, _shell, section) {
    this.#api = api;
    this.#list = section.querySelector("[data-list]");
    this.#state = section.querySelector("[data-state]");
    this.#count = section.querySelector("[data-count]");
    this.#about = section.querySelector("[data-about]");
    section.querySelector("details").addEventListener("toggle", (event) => event.target.open && this.#tell());
    setInterval(() => !document.hidden && this.load(), AGAIN_MS);
  }

  async load() {
    try {
      const { data, meta } = await this.#api.list("system/presence", { pageSize: MOST });
      this.#count.textContent = say("connections.count", { count: meta.total });
      this.#list.replaceChildren(...data.map((one) => this.#row(one)));
      const said = data.length ? meta.total > data.length && say("connections.more", { count: data.length }) : say("connections.none");
      this.#state.replaceChildren(...(said ? [el("p", { text: said })] : []));
    } catch (error) {
      const again = el("button", { class: "button", type: "button", text: say("again"), on: { click: () => this.load() } });
      this.#list.replaceChildren();
      this.#state.replaceChildren(stateCard({ icon: "alert", title: say("failed.title"), text: inWords(error), action: again, tone: "state-failed" }));
    }
    this.#list.removeAttribute("aria-busy");
  }

  #row(one) {
    const name = one.name ?? say("connections.nameless");
    const since = el("time", { datetime: one.since, title: fullTime(one.since), text: spoken(one.since) });
    const [before, after] = say("connections.since").split("{time}");
    const facts = [say(`connections.follows.${one.subscriptions === 1 ? "one" : "many"}`, { count: one.subscriptions }), one.address, one.server];
    return el(
      "li",
      { class: "hook", "aria-label": name },
      el("div", { class: "hook-words" },
        el("p", { class: "hook-name" }, icon(ICONS[one.kind]), el("b", { text: name }), el("span", { class: "chip", text: say(`connections.kind.${one.kind}`) })),
        el("p", { class: "quiet" }, before, since, after, ` · ${facts.filter(Boolean).join(" · ")}`),
      ),
    );
  }

  async #tell() {
    try {
      this.#about.textContent = JSON.stringify(await this.#api.get("system/info"), null, 2);
    } catch (error) {
      this.#about.textContent = inWords(error);
    }
  }
}
