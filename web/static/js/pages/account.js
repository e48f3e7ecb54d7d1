/** One's own account: the second factor, and where one is signed in. */

import { Api } from "../api.js";
import { el, stateCard } from "../dom.js";
import { inWords } from "../failure.js";
import { Shell } from "../shell.js";
import { say } from "../text.js";
import { fullTime, spoken } from "../times.js";
import { TwoStep } from "../two-step.js";

class Account {
  #api = new Api();
  #shell = new Shell(this.#api);
  #two = new TwoStep(this.#api, document.querySelector("[data-two-step]"));
  #list = document.querySelector("[data-sessions]");
  #state = document.querySelector("[data-sessions-state]");

  constructor() {
    document.querySelector("[data-end-others]").addEventListener("click", () => this.#endAll());
  }

  async open() {
    try {
      const [me, sessions] = await Promise.all([this.#api.get("auth/me"), this.#api.get("auth/sessions?pageSize=200")]);
      this.#two.show(me.totpEnabled);
      this.#state.replaceChildren();
      this.#list.replaceChildren(...sessions.map((session) => this.#row(session)));
    } catch (error) {
      const again = el("button", { class: "button", type: "button", text: say("again"), on: { click: () => this.open() } });
      this.#list.replaceChildren();
      this.#state.replaceChildren(
        stateCard({ icon: "alert", title: say("failed.title"), text: inWords(error), action: again, tone: "state-failed" }),
      );
    }
    this.#list.removeAttribute("aria-busy");
  }

  #row(session) {
    const device = deviceOf(session.userAgent);
    const used = session.lastUsedAt ?? session.createdAt;
    const end = el("button", {
      class: "button button-small",
      type: "button",
      text: say("account.session.end"),
      "aria-label": say("account.session.end.of", { device }),
      on: { click: () => this.#end(session, end) },
    });
    return el(
      "li",
      { class: "session" },
      el("b", { text: device }),
      el("span", { class: "quiet", title: fullTime(used), text: say("account.session.used", { time: spoken(used), address: session.address }) }),
      session.current ? el("span", { class: "chip chip-in", text: say("account.session.this") }) : end,
    );
  }

  async #end(session, button) {
    button.disabled = true;
    try {
      await this.#api.delete(`auth/sessions/${session.id}`);
      await this.open();
    } catch (error) {
      button.disabled = false;
      this.#shell.toast(inWords(error), "red");
    }
  }

  async #endAll() {
    try {
      await this.#api.post("auth/logout-all");
      location.assign("/login");
    } catch (error) {
      this.#shell.toast(inWords(error), "red");
    }
  }
}

/** A browser and its system, or what a program says of itself. @param {string} agent */
function deviceOf(agent) {
  const browser = /Edg\//.test(agent) ? "Edge" : /Firefox\//.test(agent) ? "Firefox" : /Chrome\//.test(agent) ? "Chrome" : /Safari\//.test(agent) ? "Safari" : "";
  const system = /Windows/.test(agent) ? "Windows" : /Android/.test(agent) ? "Android" : /iPhone|iPad/.test(agent) ? "iOS" : /Mac OS X/.test(agent) ? "macOS" : /Linux/.test(agent) ? "Linux" : "";
  if (browser && system) return say("account.device", { browser, system });
  return agent.split(/[\s/]/)[0] || say("account.device.unknown");
}

new Account().open();
