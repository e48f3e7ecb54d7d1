/** The sheet of a kiosk: a new one, one that there is, and the code with which a screen is paired, which is shown once. */

import { ApiError } from "./api.js";
import { el, fieldError, showFieldErrors, stateCard } from "./dom.js";
import { inWords } from "./failure.js";
import { choice, field, notice, tell, workingForm } from "./fields.js";
import { say } from "./text.js";
import { clock } from "./times.js";

const MEANS = ["face", "pin", "badge"];
const NEW = Object.freeze({ name: "", role: "both", means: MEANS, cameraIds: [], siteId: null, language: null, timeZone: null });

export class KioskForm {
  #api;
  #sheet;
  #saved;
  #turn = 0; // an answer about what was opened before is not shown
  /** @type {Map<string, string>} */
  #cameras = new Map();
  /** @type {Map<string, string>} */
  #sites = new Map();
  /** @type {[string, string][]} */
  #languages = JSON.parse(document.querySelector("[data-kiosks]")?.dataset.languages ?? "[]");

  /** @param {import("./api.js").Api} api @param {import("./sheet.js").Sheet} sheet @param {(kiosk: any) => void} saved */
  constructor(api, sheet, saved) {
    this.#api = api;
    this.#sheet = sheet;
    this.#saved = saved;
  }

  /** What can be chosen from. @param {Map<string, string>} cameras @param {Map<string, string>} sites by id */
  names(cameras, sites) {
    [this.#cameras, this.#sites] = [cameras, sites];
  }

  /** A new one. */
  begin() {
    this.#turn += 1;
    const key = crypto.randomUUID?.() ?? String(Math.random()); // the same answer again, if the first one was lost
    this.#sheet.open(say("kiosks.add"), this.#form(NEW, say("kiosks.create"), (form, body) => this.#create(form, body, key)));
    document.getElementById("kiosk-name").focus();
  }

  /** @param {string} id */
  async open(id) {
    await this.#load(async (turn) => {
      const { data, tag } = await this.#api.read(`kiosks/${id}`);
      if (turn !== this.#turn) return;
      this.#sheet.show(data.name, this.#form(data, say("save"), (form, body) => this.#change(form, data, body, tag)));
      document.getElementById("kiosk-name").focus();
    }, () => this.open(id));
  }

  /** A code for one screen. @param {any} kiosk */
  async pair(kiosk) {
    await this.#load(async (turn) => {
      const made = await this.#api.post(`kiosks/${kiosk.id}/pairing-code`);
      if (turn === this.#turn) this.#code(kiosk, made);
    }, () => this.pair(kiosk));
  }

  /** Neither a code nor what was typed stays. */
  left() {
    this.#turn += 1;
    this.#sheet.show(say("kiosks.form"));
  }

  async #load(run, again) {
    const turn = ++this.#turn;
    this.#sheet.open(say("kiosks.form"), el("div", { class: "person-loading shimmer", "aria-hidden": "true" }));
    try {
      await run(turn);
    } catch (error) {
      if (turn !== this.#turn) return;
      const button = el("button", { class: "button", type: "button", text: say("again"), on: { click: again } });
      this.#sheet.show(say("failed.title"), stateCard({ icon: "alert", title: say("failed.title"), text: inWords(error), action: button, tone: "state-failed" }));
    }
  }

  #form(kiosk, submit, send) {
    // What this kiosk has and whoever looks cannot see stays as it is.
    const cameras = new Map([...kiosk.cameraIds.map((id) => [id, say("kiosks.camera.other")]), ...this.#cameras]);
    const sites = new Map([["", say("kiosks.site.none")], ...(kiosk.siteId ? [[kiosk.siteId, say("kiosks.site.other")]] : []), ...this.#sites]);
    const checks = (name, legend, options, chosen) => el("fieldset", { class: "hook-types" }, el("legend", { text: legend }), ...options.map(([value, words]) => el("label", { class: "check" }, el("input", { type: "checkbox", name, value, checked: chosen.includes(value) }), el("span", { text: words }))));
    const cancel = el("button", { class: "button", type: "button", text: say("cancel"), on: { click: () => this.#sheet.close() } });
    return workingForm(
      { label: kiosk.name || say("kiosks.add"), submit, busy: say("account.busy"), extra: [cancel], send: (form, value) => this.#send(form, value, send) },
      field({ id: "kiosk-name", name: "name", label: say("kiosks.name"), value: kiosk.name, maxlength: 200 }),
      choice({ id: "kiosk-role", name: "role", label: say("kiosks.role"), hint: say("kiosks.role.hint"), options: ["both", "in", "out"].map((role) => [role, say(`kiosks.role.${role}`)]), value: kiosk.role }),
      checks("means", say("kiosks.means"), MEANS.map((one) => [one, say(`kiosks.means.${one}`)]), kiosk.means),
      cameras.size > 0 && checks("cameraIds", say("kiosks.cameras"), [...cameras], kiosk.cameraIds),
      choice({ id: "kiosk-language", name: "language", label: say("kiosks.language"), hint: say("kiosks.language.hint"), options: this.#spoken(kiosk.language), value: kiosk.language ?? "" }),
      field({ id: "kiosk-timeZone", name: "timeZone", label: say("kiosks.zone"), hint: say("kiosks.zone.hint"), value: kiosk.timeZone ?? "", optional: true, maxlength: 64, spellcheck: "false" }),
      sites.size > 1 && choice({ id: "kiosk-siteId", name: "siteId", label: say("kiosks.site"), options: [...sites], value: kiosk.siteId ?? "" }),
    );
  }

  /** Those that a kiosk speaks, and what it has been given. @param {string | null} own @returns {[string, string][]} */
  #spoken(own) {
    const known = this.#languages.some(([tag]) => tag === own);
    return [["", say("kiosks.language.none")], ...this.#languages, ...(own && !known ? [[own, own]] : [])];
  }

  async #send(form, value, send) {
    if (!value("name")) {
      fieldError(form.elements.namedItem("name"), say("kiosks.name.missing"));
      return undefined;
    }
    const checked = (name) => [...form.querySelectorAll(`input[name="${name}"]:checked`)].map((box) => box.value);
    const body = { name: value("name"), role: value("role"), means: checked("means"), cameraIds: checked("cameraIds"), siteId: value("siteId") || null, language: value("language") || null, timeZone: value("timeZone") || null };
    if (!body.means.length) return tell(form, notice("red", say("kiosks.means.missing")));
    return send(form, body);
  }

  async #create(form, body, key) {
    const turn = this.#turn;
    try {
      const made = await this.#api.post("kiosks", body, { key });
      this.#saved(made);
      if (turn === this.#turn) await this.pair(made);
    } catch (error) {
      this.#refused(form, error);
    }
  }

  async #change(form, kiosk, body, tag) {
    const turn = this.#turn;
    try {
      const saved = await this.#api.put(`kiosks/${kiosk.id}`, body, { tag });
      if (turn === this.#turn) this.#sheet.close();
      this.#saved(saved);
    } catch (error) {
      this.#refused(form, error, kiosk.id);
    }
  }

  #refused(form, error, id) {
    if (error instanceof ApiError && error.status === 412) {
      const load = el("button", { class: "button button-small", type: "button", text: say("camera.meanwhile.load"), on: { click: () => this.open(id) } });
      return tell(form, notice("amber", say("kiosks.meanwhile"), load));
    }
    if (error instanceof ApiError && error.status === 409) return fieldError(form.elements.namedItem("name"), error.message);
    const ofOne = error instanceof ApiError && error.details.some(({ field: name }) => ["name", "role", "siteId", "language", "timeZone"].includes(name));
    const rest = ofOne ? showFieldErrors(form, error) : inWords(error);
    return rest && tell(form, notice("red", rest));
  }

  #code(kiosk, { code, expiresAt }) {
    const shown = el("input", { id: "kiosk-code", type: "text", readonly: true, value: `${code.slice(0, 3)} ${code.slice(3)}`, class: "hook-secret", dir: "ltr", "aria-describedby": "kiosk-code-hint" });
    const done = el("button", { class: "button button-primary", type: "button", text: say("kiosks.code.done"), on: { click: () => this.#sheet.close() } });
    this.#sheet.show(kiosk.name,
      el("div", { class: "field" }, el("label", { for: "kiosk-code", text: say("kiosks.code") }), shown, el("p", { class: "field-hint", id: "kiosk-code-hint", text: say("kiosks.code.hint", { time: clock(expiresAt), address: `${location.origin}/kiosk` }) })),
      el("div", { class: "row row-end" }, done),
    );
    shown.focus();
    shown.select();
  }
}
