/** The sheet of a webhook: a new one, one that there is, and its secret, which is shown once. */

import { ApiError } from "./api.js";
import { el, fieldError, icon, showFieldErrors, stateCard } from "./dom.js";
import { inWords } from "./failure.js";
import { choice, field, notice, tell, workingForm } from "./fields.js";
import { someOf } from "./some-of.js";
import { say, sayOr } from "./text.js";
import { fullTime } from "./times.js";

const TYPES = Object.freeze([
  "attendance.checked_in", "attendance.checked_out", "attendance.corrected", "attendance.refused",
  "sighting.recognized", "sighting.unknown", "sighting.closed", "sighting.corrected",
  "camera.added", "camera.changed", "camera.removed", "camera.online", "camera.offline",
  "alert.raised", "alert.cleared", "job.progress", "job.done", "job.failed",
]);
const NONE = Object.freeze({ names: new Map(), all: false });
const USUAL = ["attendance.checked_in", "attendance.checked_out"];

export class WebhookForm {
  #api;
  #sheet;
  #saved;
  #turn = 0; // an answer about what was opened before is not shown
  #known = { cameras: NONE, departments: NONE };

  /** @param {import("./api.js").Api} api @param {import("./sheet.js").Sheet} sheet @param {(hook: any) => void} saved */
  constructor(api, sheet, saved) {
    this.#api = api;
    this.#sheet = sheet;
    this.#saved = saved;
  }

  /** What it can be limited to. @param {{cameras: any, departments: any}} known see `namesOf` */
  names(known) {
    this.#known = known;
  }

  /** A new one. */
  begin() {
    this.#turn += 1;
    const key = crypto.randomUUID?.() ?? String(Math.random()); // the same answer again, if the first one was lost
    this.#sheet.open(say("hooks.add"), ...this.#fields({ kind: "standard", types: USUAL, active: true }, (form, body) => this.#create(form, body, key)));
    document.getElementById("hook-name").focus();
  }

  /** @param {string} id */
  async open(id) {
    const turn = ++this.#turn;
    this.#sheet.open(say("hooks.form"), el("div", { class: "person-loading shimmer", "aria-hidden": "true" }));
    try {
      const { data, tag } = await this.#api.read(`webhooks/${id}`);
      if (turn !== this.#turn) return;
      const parts = this.#fields(data, (form, body) => this.#change(form, data, body, tag));
      this.#sheet.show(data.name, ...parts, ...(data.kind === "standard" ? [this.#rotation(data)] : []));
      document.getElementById("hook-name").focus();
    } catch (error) {
      if (turn !== this.#turn) return;
      const again = el("button", { class: "button", type: "button", text: say("again"), on: { click: () => this.open(id) } });
      this.#sheet.show(say("failed.title"), stateCard({ icon: "alert", title: say("failed.title"), text: inWords(error), action: again, tone: "state-failed" }));
    }
  }

  /** Neither a secret nor what was typed stays. */
  left() {
    this.#turn += 1;
    this.#sheet.show(say("hooks.form"));
  }

  #fields(hook, send) {
    const isNew = !hook.id;
    const active = el("input", { type: "checkbox", name: "active", checked: hook.active });
    const kinds = choice({ id: "hook-kind", name: "kind", label: say("hooks.kind"), options: ["standard", "frappe"].map((kind) => [kind, say(`hooks.kind.${kind}`)]), value: hook.kind });
    const types = el("fieldset", { class: "hook-types" }, el("legend", { text: say("hooks.types.label") }), ...TYPES.map((type) => el("label", { class: "check" }, el("input", { type: "checkbox", name: "types", value: type, checked: hook.types.includes(type) }), el("span", { text: sayOr(`event.${type}`, type) }))));
    const login = el("fieldset", { class: "edit", role: "presentation" },
      field({ id: "hook-apiKey", name: "frappe.apiKey", label: say("hooks.apiKey"), hint: isNew ? "" : say("hooks.keep"), maxlength: 200 }),
      field({ id: "hook-apiSecret", name: "frappe.apiSecret", label: say("hooks.apiSecret"), type: "password", autocomplete: "new-password", hint: isNew ? "" : say("hooks.keep"), maxlength: 200 }),
      field({ id: "hook-fieldname", name: "frappe.employeeFieldname", label: say("hooks.fieldname"), value: hook.frappe?.employeeFieldname ?? "attendance_device_id", maxlength: 64 }),
      field({ id: "hook-timezone", name: "frappe.timezone", label: say("hooks.timezone"), optional: true, hint: say("hooks.timezone.hint"), value: hook.frappe?.timezone ?? "", maxlength: 64 }),
      field({ id: "hook-deviceId", name: "frappe.deviceId", label: say("hooks.deviceId"), optional: true, hint: say("hooks.deviceId.hint"), value: hook.frappe?.deviceId ?? "", maxlength: 140 }),
    );
    const limits = Object.entries(this.#known)
      .map(([path, known]) => [`${path.slice(0, -1)}Ids`, path, known])
      .filter(([name, , { names }]) => names.size || hook[name])
      .map(([name, path, known]) => [name, someOf({ name, key: `hooks.${path}`, chosen: hook[name] ?? null, ...known })]);
    const cancel = el("button", { class: "button", type: "button", text: say("cancel"), on: { click: () => this.#sheet.close() } });
    const form = workingForm(
      { label: hook.name ?? say("hooks.add"), submit: say(isNew ? "hooks.create" : "save"), busy: say("account.busy"), extra: [cancel], send: (...given) => this.#send(hook, new Map(limits), send, ...given) },
      field({ id: "hook-name", name: "name", label: say("hooks.name"), value: hook.name ?? "", maxlength: 200 }),
      isNew && kinds,
      field({ id: "hook-url", name: "url", label: say("hooks.url"), inputmode: "url", hint: say("hooks.url.hint"), value: hook.url ?? "", maxlength: 2000, spellcheck: "false" }),
      (isNew || hook.kind === "standard") && types,
      (isNew || hook.kind === "frappe") && login,
      ...limits.map(([, limit]) => limit.element),
      el("label", { class: "check" }, active, el("span", { text: say("hooks.active") })),
    );
    const turn = () => {
      const isFrappe = (form.elements.namedItem("kind")?.value ?? hook.kind) === "frappe";
      types.hidden = isFrappe;
      login.hidden = !isFrappe;
    };
    kinds.querySelector("select").addEventListener("change", turn);
    turn();
    return [form];
  }

  async #send(hook, limits, send, form, value) {
    if (!value("name")) return fieldError(form.elements.namedItem("name"), say("hooks.name.missing"));
    if (!value("url")) return fieldError(form.elements.namedItem("url"), say("hooks.url.missing"));
    const kind = form.elements.namedItem("kind")?.value ?? hook.kind;
    const types = [...form.querySelectorAll('input[name="types"]:checked')].map((box) => box.value);
    if (kind === "standard" && !types.length) return tell(form, notice("red", say("hooks.types.missing")));
    const wrong = [...limits].filter(([, limit]) => limit.missing);
    for (const [name, limit] of wrong) fieldError(form.elements.namedItem(name), limit.missing);
    if (wrong.length) return undefined;
    const only = (name) => (limits.has(name) ? limits.get(name).value() : (hook[name] ?? null));
    const body = { name: value("name"), kind, url: value("url"), active: form.elements.namedItem("active").checked, cameraIds: only("cameraIds"), departmentIds: only("departmentIds") };
    if (kind === "standard") body.types = types;
    else {
      body.types = hook.kind === "frappe" ? hook.types : [];
      body.frappe = Object.fromEntries(["apiKey", "apiSecret", "employeeFieldname", "timezone", "deviceId"].map((name) => [name, value(`frappe.${name}`) || null]).filter(([, given]) => given !== null));
    }
    return send(form, body);
  }

  async #create(form, body, key) {
    const turn = this.#turn;
    try {
      const made = await this.#api.post("webhooks", body, { key });
      this.#saved(made);
      if (turn !== this.#turn) return;
      if (made.secret) this.#secret(made, say("hooks.secret.made"));
      else this.#sheet.close();
    } catch (error) {
      this.#refused(form, error);
    }
  }

  async #change(form, hook, body, tag) {
    const turn = this.#turn;
    try {
      const saved = await this.#api.put(`webhooks/${hook.id}`, body, { tag });
      if (turn === this.#turn) this.#sheet.close();
      this.#saved(saved);
    } catch (error) {
      this.#refused(form, error, hook.id);
    }
  }

  #refused(form, error, id) {
    if (error instanceof ApiError && error.status === 412) {
      const load = el("button", { class: "button button-small", type: "button", text: say("camera.meanwhile.load"), on: { click: () => this.open(id) } });
      return tell(form, notice("amber", say("hooks.meanwhile"), load));
    }
    if (error instanceof ApiError && error.code === "webhook_exists") return fieldError(form.elements.namedItem("name"), error.message);
    for (const detail of error.details ?? []) detail.field = detail.field.replace(/^(cameraIds|departmentIds)\.\d+$/, "$1"); // the boxes are one field
    const rest = error instanceof ApiError && error.details.length ? showFieldErrors(form, error) : inWords(error);
    return rest && tell(form, notice("red", rest));
  }

  /** Asked for twice: the first press says what it does. */
  #rotation(hook) {
    const wait = el("div", { role: "status" });
    const until = hook.previousSecretUntil && new Date(hook.previousSecretUntil) > new Date() ? el("p", { class: "quiet", text: say("hooks.previous", { time: fullTime(hook.previousSecretUntil) }) }) : null;
    const button = el("button", { class: "button", type: "button" }, icon("key"), el("span", { text: say("hooks.rotate") }));
    let sure = false;
    button.addEventListener("click", async () => {
      if (!sure) {
        sure = true;
        button.querySelector("span").textContent = say("hooks.rotate.sure");
        wait.replaceChildren(el("p", { class: "quiet", text: say("hooks.rotate.text") }));
        return;
      }
      const turn = this.#turn;
      button.disabled = true;
      try {
        const made = await this.#api.post(`webhooks/${hook.id}/rotate`);
        if (turn === this.#turn) this.#secret(made, say("hooks.secret.rotated"));
      } catch (error) {
        button.disabled = false;
        wait.replaceChildren(notice("red", inWords(error)));
      }
    });
    return el("section", { class: "block hook-rotation", "aria-label": say("hooks.secret") }, el("h3", { text: say("hooks.secret") }), until, wait, button);
  }

  #secret(hook, sentence) {
    const shown = el("input", { id: "hook-secret", type: "text", readonly: true, value: hook.secret, class: "hook-secret", spellcheck: "false" });
    const copied = el("p", { class: "quiet", role: "status" });
    const copy = el("button", { class: "button", type: "button", text: say("hooks.copy") });
    copy.addEventListener("click", async () => {
      shown.select();
      try {
        await navigator.clipboard.writeText(hook.secret);
        copied.textContent = say("hooks.copied");
      } catch {
        copied.textContent = say("hooks.copy.hand"); // without HTTPS a browser does not let us
      }
    });
    const done = el("button", { class: "button button-primary", type: "button", text: say("hooks.secret.done"), on: { click: () => this.#sheet.close() } });
    this.#sheet.show(hook.name,
      notice("amber", sentence),
      el("div", { class: "field" }, el("label", { for: "hook-secret", text: say("hooks.secret") }), shown),
      copied,
      el("div", { class: "row row-end" }, copy, done),
    );
    shown.focus();
    shown.select();
  }
}
