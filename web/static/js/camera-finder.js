/** The wizard's first way: cameras that answer on the network, a login to one of them, and which streams to take. */

import { ApiError } from "./api.js";
import { bitrate, format, size } from "./camera-facts.js";
import { el, fieldError, icon, stateCard } from "./dom.js";
import { inWords } from "./failure.js";
import { choice, field, notice, tell, workingForm } from "./fields.js";
import { say } from "./text.js";

export class CameraFinder {
  #api;
  #uses;
  #turn = 0;

  /**
   * @param {import("./api.js").Api} api
   * @param {{
   *   step: (heading: string, ...content: Node[]) => void, back: (run: () => void) => HTMLElement, ways: () => void, address: () => void,
   *   chosen: (form: any, of: {kind: string, source: string, subSource: string, name: string}, back: () => void) => Promise<void>,
   * }} uses `chosen` looks at the stream and goes on
   */
  constructor(api, uses) {
    this.#api = api;
    this.#uses = uses;
  }

  /** What is on its way is not shown any more. */
  leave() {
    this.#turn += 1;
  }

  async find() {
    const turn = ++this.#turn;
    const { step, back, ways } = this.#uses;
    const bones = Array.from({ length: 3 }, () => el("div", { class: "choice", "aria-hidden": "true" }, el("span", { class: "bone" })));
    step(say("wizard.find"), el("p", { class: "quiet", role: "status", text: say("wizard.find.busy") }), ...bones, el("div", { class: "row" }, back(ways)));
    try {
      const { data: found } = await this.#api.list("cameras/discover", { pageSize: 200 });
      if (turn === this.#turn) this.#show(found);
    } catch (error) {
      if (turn !== this.#turn) return;
      const text = isMissing(error) ? say("wizard.find.missing") : inWords(error);
      this.#state("alert", say("wizard.find.failed"), text, !isMissing(error));
    }
  }

  #show(found) {
    if (!found.length) {
      this.#state("search", say("wizard.found.none"), say("wizard.found.none.text"), true);
      return;
    }
    const list = el("ul", { class: "edit" }, ...found.map((device) => el("li", {}, this.#device(device, found))));
    const words = found.length === 1 ? say("wizard.found.one") : say("wizard.found", { count: found.length });
    this.#uses.step(say("wizard.find"), el("p", { class: "quiet", role: "status", text: words }), list, this.#ends(true));
  }

  #state(figure, title, text, mayAgain) {
    this.#uses.step(say("wizard.find"), stateCard({ icon: figure, title, text }), this.#ends(mayAgain));
  }

  #ends(mayAgain) {
    const { back, ways, address } = this.#uses;
    const button = (key, run) => el("button", { class: "button", type: "button", text: say(key), on: { click: run } });
    return el("div", { class: "row row-end" }, back(ways), mayAgain && button("wizard.find.again", () => this.find()), button("wizard.find.address", address));
  }

  #device(device, found) {
    const facts = [device.hardware, device.location, device.name && host(device.address)].filter(Boolean).join(" · ");
    return el("button", { class: "choice", type: "button", on: { click: () => this.#login(device, found) } }, icon("cctv"), el("span", {}, el("b", { text: named(device) }), el("span", { class: "quiet", text: facts })), icon("chevron-right"));
  }

  /** What is typed here is held by this form alone. */
  #login(device, found) {
    const { step, back } = this.#uses;
    const heading = say("wizard.login", { name: named(device) });
    const send = async (form, value) => {
      const turn = ++this.#turn;
      try {
        const password = form.elements.namedItem("password").value;
        const profiles = await this.#api.post("cameras/profiles", { address: device.address, username: value("username"), password });
        if (turn !== this.#turn) return;
        const whole = profiles.map((profile) => ({ ...profile, source: withPassword(profile.source, password) }));
        this.#streams(device, whole, () => this.#login(device, found));
      } catch (error) {
        if (turn === this.#turn) this.#refused(form, error);
      }
    };
    step(
      heading,
      el("p", { class: "quiet", text: say("wizard.login.text") }),
      workingForm(
        { label: heading, submit: say("wizard.login.submit"), busy: say("wizard.login.busy"), extra: [back(() => { this.#turn += 1; this.#show(found); })], send },
        field({ id: "login-username", name: "username", label: say("wizard.login.user"), maxlength: 200, dir: "ltr", autocapitalize: "none", spellcheck: "false" }),
        field({ id: "login-password", name: "password", label: say("wizard.login.password"), type: "password", autocomplete: "new-password", maxlength: 200 }),
      ),
    );
  }

  #refused(form, error) {
    if (isMissing(error)) return tell(form, notice("red", say("wizard.login.missing")));
    const detail = error instanceof ApiError ? error.details.find(({ field: name }) => form.elements.namedItem(name)) : null;
    if (detail) return fieldError(form.elements.namedItem(detail.field), detail.message);
    if (error instanceof ApiError && error.code === "unauthorized") return fieldError(form.elements.namedItem("password"), inWords(error));
    return tell(form, notice("red", inWords(error)));
  }

  /** Two of its streams: one to be shown, and a smaller one to be analysed. */
  #streams(device, profiles, again) {
    const { step, back, chosen } = this.#uses;
    const heading = say("wizard.streams", { name: named(device) });
    if (!profiles.length) {
      this.#state("alert", heading, say("wizard.login.none"), false);
      return;
    }
    const options = profiles.map((profile, index) => [String(index), inOneLine(profile)]);
    const suggested = (role) => profiles.findIndex((profile) => profile.suggested === role);
    const send = (form, value) => {
      const source = profiles[Number(value("main"))].source;
      const subSource = value("sub") === "" ? "" : profiles[Number(value("sub"))].source;
      const kind = /^https?:/i.test(source) ? "http" : "rtsp";
      return chosen(form, { kind, source, subSource: subSource === source ? "" : subSource, name: device.name ?? "" }, () => this.#streams(device, profiles, again));
    };
    step(
      heading,
      workingForm(
        { label: heading, submit: say("wizard.check"), busy: say("wizard.check.busy"), extra: [back(again)], send },
        choice({ id: "streams-main", name: "main", label: say("wizard.streams.main"), options, value: String(Math.max(0, suggested("main"))) }),
        choice({ id: "streams-sub", name: "sub", label: say("wizard.streams.sub"), hint: say("camera.sub.hint"), options: [["", say("wizard.streams.same")], ...options], value: suggested("sub") < 0 ? "" : String(suggested("sub")) }),
      ),
    );
  }
}

/** The API leaves the password out of what it shows: the one that was typed is put back, where there is none. */
function withPassword(source, password) {
  return password ? source.replace(/^([a-z]+:\/\/[^:@/?#]+)@/i, (_, before) => `${before}:${encodeURIComponent(password)}@`) : source;
}

/** A server without this part of the API, or without the package that it needs. */
function isMissing(error) {
  return error instanceof ApiError && (error.status === 404 || error.status === 405 || error.code === "not_installed");
}

const named = (device) => device.name || host(device.address) || say("wizard.found.unnamed");

function host(address) {
  try {
    return new URL(address).host;
  } catch {
    return address;
  }
}

function inOneLine(profile) {
  return [size(profile), format(profile.codec), bitrate(profile.bitrateKbps), profile.name].filter(Boolean).join(" · ");
}
