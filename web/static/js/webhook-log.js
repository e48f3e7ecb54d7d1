/** The deliveries of a webhook: every try of each, one sent again, and a test. */

import { el, icon, stateCard } from "./dom.js";
import { inWords } from "./failure.js";
import { notice } from "./fields.js";
import { say, sayOr } from "./text.js";
import { clockSeconds, fullTime, spoken } from "./times.js";

const PAGE_SIZE = 50;
const AGAIN_MS = 1500; // while something is on its way
const TONES = { delivered: ["green", "check"], pending: ["amber", "clock"], dead: ["red", "alert"] };
const FILTERS = ["", "pending", "delivered", "dead"];

export class WebhookLog {
  #api;
  #sheet;
  #writes;
  #hook = null;
  #filter = "";
  #turn = 0;
  #timer = 0;
  #list = el("ul", { class: "deliveries" });
  #state = el("div", {});
  #told = el("div", { role: "status" });
  #count = el("p", { class: "quiet" });

  /** @param {import("./api.js").Api} api @param {import("./sheet.js").Sheet} sheet @param {boolean} writes whether tests and redeliveries are for us */
  constructor(api, sheet, writes) {
    this.#api = api;
    this.#sheet = sheet;
    this.#writes = writes;
  }

  open(hook) {
    this.#hook = hook;
    this.#filter = "";
    this.#told.replaceChildren();
    this.#list.replaceChildren();
    this.#list.setAttribute("aria-busy", "true");
    const test = el("button", { class: "button", type: "button" }, icon("send"), el("span", { text: say("hooks.test") }));
    test.addEventListener("click", () => this.#ask(test, () => this.#api.post(`webhooks/${hook.id}/test`), say("hooks.tested")));
    const states = el("select", { "aria-label": say("hooks.filter") }, ...FILTERS.map((one) => el("option", { value: one, text: say(`hooks.filter.${one || "all"}`) })));
    states.addEventListener("change", () => { this.#filter = states.value; this.#load(); });
    this.#sheet.open(say("hooks.log.title", { name: hook.name }), el("div", { class: "deliveries-head" }, states, this.#count, this.#writes && test), this.#told, this.#state, this.#list);
    this.#load();
  }

  left() {
    this.#turn += 1;
    this.#hook = null;
    clearTimeout(this.#timer);
  }

  async #load() {
    const turn = ++this.#turn;
    clearTimeout(this.#timer);
    try {
      const { data, meta } = await this.#api.list(`webhooks/${this.#hook.id}/deliveries`, { state: this.#filter, pageSize: PAGE_SIZE });
      if (turn !== this.#turn) return;
      this.#show(data, meta.total);
      if (data.some((one) => one.state === "pending")) this.#timer = setTimeout(() => this.#load(), AGAIN_MS);
    } catch (error) {
      if (turn !== this.#turn) return;
      const again = el("button", { class: "button", type: "button", text: say("again"), on: { click: () => this.#load() } });
      this.#list.replaceChildren();
      this.#state.replaceChildren(stateCard({ icon: "alert", title: say("failed.title"), text: inWords(error), action: again, tone: "state-failed" }));
    }
    this.#list.removeAttribute("aria-busy");
  }

  #show(rows, total) {
    const open = new Set([...this.#list.querySelectorAll("details[open]")].map((one) => one.dataset.delivery));
    const focused = this.#list.contains(document.activeElement) ? document.activeElement.dataset.does : null;
    this.#count.textContent = total === 1 ? say("hooks.count.one") : say("hooks.count", { count: total });
    this.#list.replaceChildren(...rows.map((row) => this.#row(row, open.has(row.id))));
    if (focused) this.#list.querySelector(`[data-does="${focused}"]`)?.focus();
    this.#state.replaceChildren(...(rows.length ? [] : [stateCard({ icon: "send", title: say("hooks.log.empty.title"), text: say("hooks.log.empty.text") })]));
  }

  #row(row, open) {
    const [tone, name] = TONES[row.state];
    const type = sayOr(`event.${row.type}`, row.type);
    const again = el("button", { class: "button button-small", type: "button", text: say("hooks.redeliver"), "aria-label": say("hooks.redeliver.of", { type, time: spoken(row.createdAt) }), data: { does: `again ${row.id}` } });
    again.addEventListener("click", () => this.#ask(again, () => this.#api.post(`webhooks/${this.#hook.id}/deliveries/${row.id}/redeliver`), say("hooks.redelivered")));
    const tries = row.tries === 1 ? say("hooks.tries.one") : say("hooks.tries", { count: row.tries });
    const next = row.state === "pending" && row.tries ? say("hooks.next", { time: spoken(row.nextAt) }) : "";
    return el("li", { class: "delivery" },
      el("details", { open, data: { delivery: row.id } },
        el("summary", { data: { does: `open ${row.id}` } },
          el("span", { class: `chip chip-${tone}` }, icon(name), el("span", { text: say(`hooks.delivery.${row.state}`) })),
          el("b", { text: type }),
          el("span", { class: "quiet", title: fullTime(row.createdAt), text: [spoken(row.createdAt), row.result && resultInWords(row.result), tries, next].filter(Boolean).join(" · ") }),
        ),
        row.log.length ? el("ol", { class: "tries" }, ...row.log.map(tried)) : el("p", { class: "quiet", text: say("hooks.untried") }),
        el("p", { class: "quiet delivery-id" }, el("span", { text: "webhook-id " }), el("code", { text: row.messageId })),
      ),
      this.#writes && row.state !== "pending" && again,
    );
  }

  async #ask(button, send, sentence) {
    button.disabled = true;
    try {
      await send();
      this.#told.replaceChildren(notice("blue", sentence));
      await this.#load();
    } catch (error) {
      this.#told.replaceChildren(notice("red", inWords(error)));
    } finally {
      button.disabled = false;
    }
  }
}

/** One try. @param {any} one */
function tried(one) {
  const status = one.status === null ? say("hooks.noAnswer") : String(one.status);
  return el("li", {},
    el("span", { class: "figures", title: fullTime(one.at), text: `${clockSeconds(one.at)} · ${status} · ${one.durationMs} ms · ${resultInWords(one.reason)}` }),
    one.answer && el("pre", { class: "answer", text: one.answer, tabindex: "0" }),
  );
}

/** @param {string} result */
function resultInWords(result) {
  const status = /^http_(\d+)$/.exec(result)?.[1];
  return status ? say("hooks.result.http", { status }) : sayOr(`hooks.result.${result}`, result);
}
