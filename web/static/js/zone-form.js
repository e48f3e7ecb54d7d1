/** The form of the one zone that is worked on: its name, its kind, what a direction means, and its corners. */

import { ApiError } from "./api.js";
import { el, fieldError } from "./dom.js";
import { inWords } from "./failure.js";
import { choice, field, notice, tell, workingForm } from "./fields.js";
import { say, sayOr } from "./text.js";
import { fewest, hasDirection, isLine, KINDS, most, wayIn, wayName } from "./zone-shapes.js";

const DIRECTIONS = ["in", "out"];

export class ZoneForm {
  #draft;
  #hands;
  #uses;
  #direction = el("div", { class: "zone-direction" });
  #corners = el("p", { class: "quiet" });
  #tools = el("div", { class: "row" });
  #buttons;
  #kind;

  /**
   * @param {any} draft changed in place
   * @param {import("./zone-hands.js").ZoneHands} hands
   * @param {{save: (draft: any) => Promise<void>, cancel: () => void, turned: (isOther: boolean) => void, redraw: () => void, reload: () => void}} uses
   *   `turned`: the kind or the direction is another, and whether other corners belong to it; `redraw`: its corners are to be set anew
   */
  constructor(draft, hands, uses) {
    this.#draft = draft;
    this.#hands = hands;
    this.#uses = uses;
    this.#kind = choice({ id: "zone-kind", name: "kind", label: say("zones.kind"), hint: say(`zones.hint.${draft.kind}`), value: draft.kind, options: KINDS.map((kind) => [kind, say(`zones.kind.${kind}`)]) });
    this.#kind.querySelector("select").addEventListener("change", (event) => this.#turn(event.target.value));
    this.#buttons = this.#makeTools();
    const cancel = el("button", { class: "button", type: "button", text: say("cancel"), on: { click: uses.cancel } });
    this.element = workingForm(
      { label: draft.id ? say("zones.edit", { name: draft.name }) : say("zones.new"), submit: say("save"), busy: say("account.busy"), extra: [cancel], send: (form, value) => this.#send(form, value) },
      field({ id: "zone-name", name: "name", label: say("camera.name"), value: draft.name, maxlength: 100 }),
      this.#kind,
      this.#direction,
      el(
        "div", { class: "field zone-shape", role: "group", tabindex: -1, "aria-labelledby": "zone-points", "aria-describedby": "zone-points-error" },
        el("div", { class: "zone-shape-head" }, el("span", { id: "zone-points", class: "zone-shape-title", text: say("zones.shape") }), this.#corners),
        this.#tools,
        el("p", { class: "field-error", id: "zone-points-error", role: "alert", hidden: true }),
      ),
    );
    this.element.elements.namedItem("name").addEventListener("input", (event) => { draft.name = event.target.value.trim(); });
    this.#showDirection();
    this.update();
  }

  /** The name is chosen as a whole: what is typed takes its place. */
  focusName() {
    const name = this.element.elements.namedItem("name");
    name.focus({ preventScroll: true });
    name.select();
    (this.element.closest(".zone-open") ?? this.element).scrollIntoView({ block: "nearest" });
  }

  get isBusy() {
    return this.element.querySelector("fieldset").disabled;
  }

  /** As the corners are now. @param {boolean} [moved] whether they are others than before */
  update(moved = false) {
    const { kind, points } = this.#draft;
    const { isDrawing, current } = this.#hands;
    const { middle, back, close, add, remove, redraw } = this.#buttons;
    const wanted = (isDrawing ? [middle, back, !isLine(kind) && close] : [!isLine(kind) && add, !isLine(kind) && remove, redraw]).filter(Boolean);
    if (wanted.length !== this.#tools.children.length || wanted.some((button, at) => this.#tools.children[at] !== button)) this.#tools.replaceChildren(...wanted);
    middle.hidden = isDrawing && points.length > 0;
    back.hidden = !points.length;
    close.hidden = points.length < fewest(kind);
    disable(add, points.length >= most(kind));
    disable(remove, points.length <= fewest(kind));
    const words = say("zones.remove.corner", { number: current + 1 });
    if (remove.textContent !== words) remove.textContent = words;
    this.#corners.textContent = isDrawing ? say("zones.drawing") : say(isLine(kind) ? "zones.ends" : "zones.corners", { count: points.length });
    this.#nameWays();
    if (moved) this.wrong("");
  }

  /** A sentence above the buttons. @param {"red" | "amber"} tone @param {string} sentence @param {...Node} more */
  tell(tone, sentence, ...more) {
    tell(this.element, notice(tone, sentence, ...more));
  }

  #makeTools() {
    const button = (key, run) => el("button", { class: "button button-small", type: "button", text: say(key), on: { click: run } });
    const open = (run) => (event) => event.currentTarget.getAttribute("aria-disabled") !== "true" && run();
    return {
      middle: button("zones.middle", () => this.#hands.middle()),
      back: button("zones.back", () => { this.#hands.takeBack(); if (document.activeElement === document.body) this.#tools.querySelector("button:not([hidden])")?.focus(); }),
      close: button("zones.close", () => this.#hands.close("key")),
      add: button("zones.add.corner", open(() => this.#hands.add())),
      remove: button("zones.remove.corner", open(() => this.#hands.remove())),
      redraw: button("zones.redraw", () => this.#uses.redraw()),
    };
  }

  /** Another kind: what was drawn stays where a polygon stays one; otherwise each keeps its own. */
  #turn(kind) {
    const draft = this.#draft;
    const isOther = isLine(kind) !== isLine(draft.kind);
    if (isOther) {
      const other = draft.other ?? [];
      draft.other = this.#hands.isDrawing ? [] : draft.points;
      draft.points = other;
    }
    draft.kind = kind;
    draft.direction = isLine(kind) ? draft.direction ?? "in" : hasDirection(kind) ? draft.direction : null;
    this.element.querySelector("#zone-kind-hint").textContent = say(`zones.hint.${kind}`);
    this.#showDirection();
    this.#uses.turned(isOther);
  }

  #showDirection() {
    const { kind, direction } = this.#draft;
    this.#direction.hidden = !hasDirection(kind);
    if (this.#direction.hidden) return this.#direction.replaceChildren();
    const options = isLine(kind) ? DIRECTIONS.map((one) => [one, ""]) : ["", ...DIRECTIONS].map((one) => [one, say(`zones.enter.${one || "none"}`)]);
    const shown = choice({ id: "zone-direction", name: "direction", label: say(isLine(kind) ? "zones.way" : "zones.enter"), hint: say("zones.decides"), value: direction ?? "", options });
    shown.querySelector("select").addEventListener("change", (event) => {
      this.#draft.direction = event.target.value || null;
      this.#uses.turned(false);
    });
    this.#direction.replaceChildren(shown);
    this.#nameWays();
    return undefined;
  }

  /** The two ways across a line are named as they lie in the picture. */
  #nameWays() {
    const { kind, points } = this.#draft;
    if (!isLine(kind) || this.#direction.hidden) return;
    for (const option of this.#direction.querySelectorAll("option")) {
      const words = points.length === 2 ? say(`zones.way.${wayName(wayIn(this.#hands.inPixels(points), option.value))}`) : say(`zones.way.${option.value}`);
      if (option.textContent !== words) option.textContent = words;
    }
  }

  async #send(form, value) {
    const draft = this.#draft;
    this.wrong("");
    if (!value("name")) return fieldError(form.elements.namedItem("name"), say("zones.name.missing"));
    if (this.#hands.isDrawing) return this.wrong(say(isLine(draft.kind) ? "zones.draw.line" : "zones.draw.more"), true);
    try {
      await this.#uses.save({ name: value("name"), kind: draft.kind, points: draft.points, direction: draft.direction });
    } catch (error) {
      this.#refused(form, error);
    }
    return undefined;
  }

  #refused(form, error) {
    if (!(error instanceof ApiError)) return this.tell("red", inWords(error));
    if (error.status === 412 || error.code === "zone_not_found") {
      const load = el("button", { class: "button button-small", type: "button", text: say("camera.meanwhile.load"), on: { click: this.#uses.reload } });
      return this.tell("amber", say(error.status === 412 ? "zones.meanwhile" : "zones.gone"), load);
    }
    if (error.code === "zone_name_taken") return fieldError(form.elements.namedItem("name"), error.message);
    const rest = error.details.filter((detail) => !this.#beside(form, detail));
    if (rest.length || !error.details.length) this.tell("red", inWords(error));
    return undefined;
  }

  /** Whether the error has a place beside what it is about. */
  #beside(form, { field: name, code, message }) {
    if (name.split(".")[0] === "points") {
      this.wrong(sayOr(`zones.points.${code}`, message), true);
      return true;
    }
    const input = form.elements.namedItem(name);
    if (input) fieldError(input, message);
    return Boolean(input);
  }

  /** What is wrong with the shape, beside it. @param {string} sentence nothing where nothing is @param {boolean} [focus] */
  wrong(sentence, focus = false) {
    const line = this.element.querySelector("#zone-points-error");
    line.textContent = sentence;
    line.hidden = !sentence;
    if (focus) line.parentElement.focus();
  }
}

/** A button that keeps the focus though it does nothing just now. */
function disable(button, yes) {
  button.setAttribute("aria-disabled", String(yes));
}
