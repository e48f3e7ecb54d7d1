/** The sheet of a camera that there is: what can be changed of it, and what to do if somebody else has. */

import { ApiError } from "./api.js";
import { kindInWords, livenessOptions, roleOptions, sourceField, subSourceField, WITH_SUB_STREAM } from "./camera-facts.js";
import { hoursFields } from "./camera-hours.js";
import { el, fieldError, showFieldErrors, stateCard } from "./dom.js";
import { inWords } from "./failure.js";
import { choice, field, notice, tell, workingForm } from "./fields.js";
import { say } from "./text.js";

const HIDDEN = /@|…/; // what the API shows where a login, or a secret in the path, may stand

export class CameraEdit {
  #api;
  #sheet;
  #saved;
  #turn = 0; // an answer about who was opened before is not shown

  /** @param {import("./api.js").Api} api @param {import("./sheet.js").Sheet} sheet @param {(camera: any) => void} saved */
  constructor(api, sheet, saved) {
    this.#api = api;
    this.#sheet = sheet;
    this.#saved = saved;
  }

  /** @param {string} id */
  async open(id) {
    const turn = ++this.#turn;
    this.#sheet.open(say("camera.form"), el("div", { class: "person-loading shimmer", "aria-hidden": "true" }));
    try {
      const { data, tag } = await this.#api.read(`cameras/${id}`);
      if (turn === this.#turn) this.#show(data, tag);
    } catch (error) {
      if (turn !== this.#turn) return;
      const again = el("button", { class: "button", type: "button", text: say("again"), on: { click: () => this.open(id) } });
      this.#sheet.show(say("failed.title"), stateCard({ icon: "alert", title: say("failed.title"), text: inWords(error), action: again, tone: "state-failed" }));
    }
  }

  /** What was typed, a password perhaps, does not stay. */
  left() {
    this.#turn += 1;
    this.#sheet.show(say("camera.form"));
  }

  #show(camera, tag) {
    const { name, kind, role, source, subSource, enabled, clips, liveness } = camera;
    const on = el("input", { type: "checkbox", name: "enabled", checked: enabled });
    const filmed = el("input", { type: "checkbox", name: "clips", checked: clips });
    const hours = hoursFields(camera);
    const cancel = el("button", { class: "button", type: "button", text: say("cancel"), on: { click: () => this.#sheet.close() } });
    const form = workingForm(
      { label: name, submit: say("save"), busy: say("account.busy"), extra: [cancel], send: (...given) => this.#send(camera, tag, hours, ...given) },
      field({ id: "edit-name", name: "name", label: say("camera.name"), value: name, maxlength: 200 }),
      choice({ id: "edit-role", name: "role", label: say("camera.passes"), options: roleOptions(), value: role }),
      el("dl", { class: "pairs" }, el("div", {}, el("dt", { text: say("camera.kind") }), el("dd", { text: kindInWords(kind) }))),
      kind !== "push" && sourceField({ id: "edit-source", kind, value: source, keeps: HIDDEN.test(source) }),
      WITH_SUB_STREAM.includes(kind) && subSource !== undefined && subSourceField({ id: "edit-subSource", value: subSource ?? "" }),
      ...hours.parts,
      choice({ id: "edit-liveness", name: "liveness", label: say("camera.liveness"), options: livenessOptions(), value: liveness ?? "" }),
      el("label", { class: "check" }, filmed, el("span", {}, el("span", { text: say("camera.clips") }), el("span", { class: "quiet", text: say("camera.clips.hint") }))),
      el("label", { class: "check" }, on, el("span", { text: say("camera.enabled") })),
    );
    this.#sheet.show(name, form);
    form.elements.namedItem("name").focus();
  }

  async #send(camera, tag, hours, form, value) {
    if (!value("name")) return fieldError(form.elements.namedItem("name"), say("camera.name.missing"));
    if (hours.incomplete()) return tell(form, notice("red", say("hours.incomplete")));
    const changed = { name: value("name"), role: value("role"), enabled: form.elements.namedItem("enabled").checked, clips: form.elements.namedItem("clips").checked, liveness: value("liveness") || null, ...hours.value() };
    for (const part of ["source", "subSource"]) {
      if (form.elements.namedItem(part) && value(part) !== (camera[part] ?? "")) changed[part] = value(part);
    }
    const turn = this.#turn;
    try {
      const saved = await this.#api.put(`cameras/${camera.id}`, changed, { tag });
      if (turn === this.#turn) this.#sheet.close();
      this.#saved(saved);
    } catch (error) {
      this.#refused(form, error, camera.id);
    }
    return undefined;
  }

  #refused(form, error, id) {
    if (error instanceof ApiError && error.status === 412) {
      const load = el("button", { class: "button button-small", type: "button", text: say("camera.meanwhile.load"), on: { click: () => this.open(id) } });
      return tell(form, notice("amber", say("camera.meanwhile"), load));
    }
    if (error instanceof ApiError && error.code === "camera_name_taken") return fieldError(form.elements.namedItem("name"), error.message);
    const rest = error instanceof ApiError && error.details.length ? showFieldErrors(form, error) : inWords(error);
    return rest && tell(form, notice("red", rest));
  }
}
