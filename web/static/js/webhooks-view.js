/** Webhooks: which other systems are told, how each stands, and what can be done about it. */

import { el, icon, stateCard } from "./dom.js";
import { inWords } from "./failure.js";
import { Removal } from "./removal.js";
import { Sheet } from "./sheet.js";
import { namesOf, someInWords } from "./some-of.js";
import { say, sayOr } from "./text.js";
import { fullTime, spoken } from "./times.js";
import { WebhookForm } from "./webhook-form.js";
import { WebhookLog } from "./webhook-log.js";

const MOST = 200;

export class WebhooksView {
  #api;
  #shell;
  #section;
  #list;
  #state;
  #form;
  #log;
  #removal;
  #add;
  #asked = 0;
  #loading = Promise.resolve();

  /** @param {import("./api.js").Api} api @param {import("./shell.js").Shell} shell @param {HTMLElement} section */
  constructor(api, shell, section) {
    this.#api = api;
    this.#shell = shell;
    this.#section = section;
    this.#list = section.querySelector("[data-list]");
    this.#state = section.querySelector("[data-state]");
    this.#add = section.querySelector("[data-add]");
    const sheet = new Sheet(document.querySelector("[data-hook-sheet]"), () => { this.#form.left(); this.load(); });
    this.#form = new WebhookForm(api, sheet, (hook) => this.#said("hooks.saved", hook));
    const log = new Sheet(document.querySelector("[data-hook-log]"), () => { this.#log.left(); this.load(); });
    this.#log = new WebhookLog(api, log, shell.may("events:write"));
    this.#removal = new Removal(api, document.querySelector("[data-hook-removal]"), {
      path: "webhooks",
      removed: (hook) => {
        this.#said("hooks.removed", hook);
        (this.#add ?? this.#section).focus(); // its row is gone
      },
    });
    this.#add?.addEventListener("click", () => this.#loading.then(() => this.#form.begin())); // with what it can be limited to
  }

  load() {
    this.#loading = this.#load();
    return this.#loading;
  }

  async #load() {
    const turn = ++this.#asked;
    try {
      const [{ data }, cameras, departments] = await Promise.all([this.#api.list("webhooks", { pageSize: MOST }), namesOf(this.#api, "cameras"), namesOf(this.#api, "departments")]);
      if (turn === this.#asked) this.#show(data, { cameras, departments });
    } catch (error) {
      if (turn !== this.#asked) return;
      const again = el("button", { class: "button", type: "button", text: say("again"), on: { click: () => this.load() } });
      this.#list.replaceChildren();
      this.#state.replaceChildren(stateCard({ icon: "alert", title: say("failed.title"), text: inWords(error), action: again, tone: "state-failed" }));
    }
    this.#list.removeAttribute("aria-busy");
  }

  #said(key, hook) {
    this.#shell.toast(say(key, { name: hook.name }));
    this.load();
  }

  #show(hooks, known) {
    this.#form.names(known);
    const focused = this.#list.contains(document.activeElement) ? document.activeElement.dataset.does : null;
    this.#list.replaceChildren(...hooks.map((hook) => this.#row(hook, known)));
    if (focused) this.#list.querySelector(`[data-does="${focused}"]`)?.focus();
    this.#state.replaceChildren(...(hooks.length ? [] : [stateCard({ icon: "send", title: say("hooks.empty.title"), text: say(this.#add ? "hooks.empty.text" : "hooks.empty.viewer") })]));
  }

  #row(hook, known) {
    const does = (key, run, more = {}) => el("button", {
      class: "button button-small", type: "button", text: say(`hooks.${key}`), "aria-label": say(`hooks.${key}.of`, { name: hook.name }),
      data: { does: `${key} ${hook.id}` }, on: { click: run }, ...more,
    });
    const writes = this.#shell.may("events:write");
    return el(
      "li",
      { class: "hook", "aria-label": hook.name },
      el("div", { class: "hook-words" },
        el("p", { class: "hook-name" }, el("b", { text: hook.name }), stateOf(hook)),
        el("p", { class: "quiet hook-url", text: hook.url }),
        el("p", { class: "quiet", text: this.#figures(hook, known), title: fullTime(hook.lastDeliveredAt) }),
      ),
      el("div", { class: "hook-does" },
        does("log", () => this.#log.open(hook)),
        writes && does("edit", () => this.#form.open(hook.id)),
        this.#shell.may("events:delete") && does("remove", () => this.#removal.open(hook), { class: "button button-small button-quiet-red" }),
      ),
    );
  }

  #figures(hook, known) {
    const types = hook.types.length === 1 ? sayOr(`event.${hook.types[0]}`, hook.types[0]) : say("hooks.types", { count: hook.types.length });
    const last = hook.lastDeliveredAt ? say("hooks.last", { time: spoken(hook.lastDeliveredAt) }) : say("hooks.never");
    const limits = Object.entries(known).map(([path, { names }]) => someInWords(`hooks.${path}`, hook[`${path.slice(0, -1)}Ids`], names));
    return [say(`hooks.kind.${hook.kind}`), types, ...limits, last, hook.pending && say("hooks.pending", { count: hook.pending })].filter(Boolean).join(" · ");
  }
}

/** In words and colour. @param {any} hook */
function stateOf(hook) {
  const chip = (tone, name, key, values = {}) => el("span", { class: `chip chip-${tone}` }, icon(name), el("span", { text: say(key, values) }));
  if (!hook.active) return chip("off", "close", hook.disabledReason === "gone" ? "hooks.state.gone" : "hooks.state.off");
  if (hook.failures) return chip("red", "alert", "hooks.state.failing", { count: hook.failures });
  if (hook.dead) return chip("amber", "alert", "hooks.state.dead", { count: hook.dead });
  return chip("green", "check", "hooks.state.on");
}
