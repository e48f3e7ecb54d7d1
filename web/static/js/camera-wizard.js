/** Adding a camera: by finding it, by its address, or from a device; its picture is looked at before it is kept. */

import { ApiError } from "./api.js";
import { factList, isForBrowsers, kindOptions, roleOptions, sourceField, subSourceField, WITH_SUB_STREAM } from "./camera-facts.js";
import { CameraFinder } from "./camera-finder.js";
import { el, fieldError, icon, showFieldErrors } from "./dom.js";
import { inWords } from "./failure.js";
import { choice, field, notice, tell, workingForm } from "./fields.js";
import { say } from "./text.js";

const WAYS = Object.freeze({ find: "search", address: "cctv", device: "camera" });

export class CameraWizard {
  #api;
  #sheet;
  #added;
  #finder;
  #key = "";
  #turn = 0; // what is answered after the sheet was left, or a step taken back, is not shown

  /** @param {import("./api.js").Api} api @param {import("./sheet.js").Sheet} sheet @param {(camera: any) => void} added */
  constructor(api, sheet, added) {
    this.#api = api;
    this.#sheet = sheet;
    this.#added = added;
    this.#finder = new CameraFinder(api, {
      step: (heading, ...content) => this.#step(heading, ...content),
      back: (run) => this.#back(run),
      ways: () => this.#ways(),
      address: () => this.#address(),
      chosen: (form, of, back) => this.#found(form, of, back),
    });
  }

  open() {
    this.#key = newKey();
    this.#ways();
  }

  /** Addresses and passwords are nowhere but in the steps: nothing of them stays. */
  left() {
    this.#turn += 1;
    this.#finder.leave();
    this.#sheet.show(say("wizard.title"));
  }

  #step(heading, ...content) {
    this.#turn += 1;
    const section = el("section", { class: "edit step" }, el("h3", { text: heading, tabindex: -1 }), ...content);
    if (this.#sheet.isOpen) this.#sheet.show(say("wizard.title"), section);
    else this.#sheet.open(say("wizard.title"), section);
    (section.querySelector("input, select, .choice:not([aria-hidden])") ?? section.querySelector("h3")).focus();
  }

  #back(run) {
    return el("button", { class: "button", type: "button", on: { click: run } }, el("span", { text: say("wizard.back") }));
  }

  #ways() {
    this.#finder.leave();
    const runs = { find: () => this.#finder.find(), address: () => this.#address(), device: () => this.#device() };
    this.#step(
      say("wizard.ways"),
      ...Object.entries(WAYS).map(([way, figure]) =>
        el("button", { class: "choice", type: "button", on: { click: runs[way] } }, icon(figure), el("span", {}, el("b", { text: say(`wizard.${way}`) }), el("span", { class: "quiet", text: say(`wizard.${way}.text`) })), icon("chevron-right")),
      ),
    );
  }

  /** @param {{kind?: string, source?: string, error?: ApiError}} [of] what was entered before, and what was wrong with it */
  #address({ kind = "rtsp", source = "", error } = {}) {
    this.#finder.leave();
    const where = el("div", {}, sourceField({ id: "add-source", kind, value: source }));
    const form = workingForm(
      { label: say("wizard.where"), submit: say("wizard.check"), busy: say("wizard.check.busy"), extra: [this.#back(() => this.#ways())], send: (...given) => this.#check(...given) },
      choice({ id: "add-kind", name: "kind", label: say("camera.kind"), options: kindOptions(), value: kind }),
      where,
    );
    const select = form.elements.namedItem("kind");
    select.addEventListener("change", () => where.replaceChildren(sourceField({ id: "add-source", kind: select.value })));
    this.#step(say("wizard.where"), form);
    if (error) showFieldErrors(form, error);
    else if (source) form.elements.namedItem("source").focus();
  }

  async #check(form, value) {
    const input = form.elements.namedItem("source");
    if (!value("source")) return fieldError(input, say("camera.source.missing"));
    const of = { kind: value("kind"), source: value("source"), subSource: "", name: "" };
    return this.#found(form, of, () => this.#address(of));
  }

  /** Looks at the stream and goes on; says why not beside the address, or below where there is none to see. */
  async #found(form, of, back) {
    const turn = this.#turn;
    try {
      const found = await this.#api.post("cameras/probe", { kind: of.kind, source: of.source, picture: true });
      if (turn === this.#turn) this.#details({ ...of, found, back });
    } catch (error) {
      if (turn !== this.#turn) return;
      const input = form.elements.namedItem("source");
      const anyway = mayWork(error) && el("button", { class: "button button-small", type: "button", text: say("wizard.check.anyway"), on: { click: () => this.#details({ ...of, found: null, back }) } });
      if (input) {
        fieldError(input, inWords(error));
        tell(form, ...(anyway ? [anyway] : []));
      } else tell(form, notice("red", inWords(error), ...(anyway ? [anyway] : [])));
    }
  }

  #details({ kind, source, subSource, name, found, back }) {
    const asksSub = !subSource && WITH_SUB_STREAM.includes(kind);
    const send = async (form, value) => {
      const sub = asksSub ? value("subSource") : subSource;
      await this.#create(form, { name: value("name"), kind, role: value("role"), source, ...(sub ? { subSource: sub } : {}) }, (camera) => this.#finish(camera), (error) => this.#address({ kind, source, error }));
    };
    this.#step(
      say("wizard.details"),
      ...(found ? this.#picture(found) : [notice("amber", say("wizard.unchecked"))]),
      workingForm(
        { label: say("wizard.details"), submit: say("wizard.add"), busy: say("wizard.add.busy"), extra: [this.#back(back)], send },
        field({ id: "add-name", name: "name", label: say("camera.name"), value: name, maxlength: 200 }),
        choice({ id: "add-role", name: "role", label: say("camera.passes"), options: roleOptions(), value: "both" }),
        asksSub && subSourceField({ id: "add-subSource" }),
      ),
    );
  }

  #picture(found) {
    const image = found.picture && el("img", { src: `data:image/jpeg;base64,${found.picture}`, alt: say("camera.shown") });
    return [
      image ? el("div", { class: "moment" }, image) : el("p", { class: "moment moment-none quiet", text: say("camera.shown.none") }),
      factList(found),
      isForBrowsers(found) ? notice("green", say("camera.browsers.yes")) : notice("blue", say("camera.browsers.no")),
    ];
  }

  #device() {
    const send = (form, value) => this.#create(form, { name: value("name"), kind: "push", role: value("role") }, (camera) => this.#published(camera), () => undefined);
    this.#step(
      say("wizard.device.name"),
      el("p", { class: "quiet", text: say("wizard.device.name.text") }),
      workingForm(
        { label: say("wizard.device.name"), submit: say("wizard.add"), busy: say("wizard.add.busy"), extra: [this.#back(() => this.#ways())], send },
        field({ id: "add-name", name: "name", label: say("camera.name"), maxlength: 200 }),
        choice({ id: "add-role", name: "role", label: say("camera.passes"), options: roleOptions(), value: "monitor" }),
      ),
    );
  }

  #published(camera) {
    this.#added(camera);
    const done = el("button", { class: "button", type: "button", text: say("wizard.done"), on: { click: () => this.#sheet.close() } });
    this.#step(
      say("wizard.published", { name: camera.name }),
      el("p", { text: say("wizard.published.text", { name: camera.name }) }),
      el("div", { class: "row row-end" }, done, el("a", { class: "button button-primary", href: "/", text: say("wizard.published.wall") })),
    );
  }

  async #create(form, camera, made, elsewhere) {
    if (!camera.name) return fieldError(form.elements.namedItem("name"), say("camera.name.missing"));
    const turn = this.#turn;
    try {
      const stored = await this.#api.post("cameras", camera, { key: this.#key });
      if (turn === this.#turn) made(stored);
      else this.#added(stored);
    } catch (error) {
      if (turn === this.#turn) this.#refused(form, error, elsewhere);
    }
    return undefined;
  }

  #refused(form, error, elsewhere) {
    if (!(error instanceof ApiError)) return tell(form, notice("red", inWords(error)));
    if (error.code === "camera_name_taken") return fieldError(form.elements.namedItem("name"), error.message);
    if (error.details.some((detail) => detail.field === "source")) return elsewhere(error);
    const rest = error.details.length ? showFieldErrors(form, error) : inWords(error);
    return rest && tell(form, notice("red", rest));
  }

  #finish(camera) {
    this.#sheet.close();
    this.#added(camera);
  }
}

/** A camera that is away may come back; an address that is refused for itself cannot be kept. */
function mayWork(error) {
  return error instanceof ApiError && error.status === 503;
}

/** `crypto.randomUUID` is there only on HTTPS. */
function newKey() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
