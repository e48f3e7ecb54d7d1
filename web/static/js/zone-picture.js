/** The picture of a camera with its zones over it. Where there is no picture, the zones lie on a plain ground. */

import { el, icon } from "./dom.js";
import { say } from "./text.js";
import { ZoneHands } from "./zone-hands.js";
import { Mark, patterns, put, svg } from "./zone-marks.js";

const ORDER = ["mask", "ignore", "count", "line"];

export class ZonePicture {
  #uses;
  #image = el("img", { alt: "", hidden: true });
  #blank = el("div", { class: "zones-blank shimmer" });
  #surface;
  #marks = svg("g");
  #hands;
  /** @type {Map<string, {zone: any, mark: Mark, element: SVGElement}>} */
  #shown = new Map();
  #without = /** @type {string | null} */ (null); // the hands have it
  #lit = /** @type {string | null} */ (null);
  #size = { width: 1, height: 1 };
  #name = "";
  #address = ""; // of the blob that is shown
  #watch = new ResizeObserver(() => this.#measured());

  /**
   * @param {{chosen: (id: string) => void, changed: (moved: boolean) => void, closed: (by: string) => void, told: (sentence: string) => void, refused: (sentence: string) => void}} uses
   */
  constructor(uses) {
    this.#uses = uses;
    this.#surface = svg("svg", { class: "zones-surface", tabindex: -1 });
    this.#hands = new ZoneHands(this.#surface, { ...uses, closed: (by) => { this.#describe(); uses.closed(by); } });
    this.#surface.append(patterns(), this.#marks, this.#hands.element);
    this.#surface.addEventListener("click", (event) => this.#clicked(event));
    this.element = el("div", { class: "zones-stage" }, this.#image, this.#blank, this.#surface);
    this.#watch.observe(this.element);
  }

  get hands() {
    return this.#hands;
  }

  get hasPicture() {
    return this.#address !== "";
  }

  /** @param {string} name of the camera */
  begin(name) {
    this.#name = name;
    this.#image.alt = say("cameras.picture", { name });
    this.#blank.className = "zones-blank shimmer";
    this.#blank.replaceChildren();
    this.#blank.hidden = false;
    this.show([]);
    this.release();
  }

  end() {
    this.release();
    this.show([]);
    this.#forget();
  }

  /** @param {Blob} blob */
  async picture(blob) {
    const address = URL.createObjectURL(blob);
    const loading = new Image();
    loading.src = address;
    try {
      await loading.decode();
    } catch (error) {
      URL.revokeObjectURL(address);
      throw error;
    }
    this.#forget();
    this.#address = address;
    this.#image.src = address;
    this.#image.hidden = false;
    this.#blank.hidden = true;
    this.element.style.setProperty("--ratio", String(loading.naturalWidth / loading.naturalHeight));
  }

  /** No picture, and why. @param {string} reason */
  nothing(reason) {
    this.#forget();
    this.#blank.className = "zones-blank";
    this.#blank.replaceChildren(icon("cctv"), el("p", { class: "zones-blank-title", text: say("zones.picture.none") }), el("p", { text: reason }));
    this.#blank.hidden = false;
  }

  #forget() {
    if (this.#address) URL.revokeObjectURL(this.#address);
    this.#address = "";
    this.#image.hidden = true;
    this.#image.removeAttribute("src");
  }

  /** The zones as they are stored, lines on top. @param {any[]} zones */
  show(zones) {
    const order = (zone) => ORDER.indexOf(zone.kind);
    this.#shown = new Map(zones.toSorted((a, b) => order(a) - order(b)).map((zone) => {
      const mark = new Mark();
      const element = svg("g", { "data-zone": zone.id, class: "zone-mark" }, mark.element);
      return [zone.id, { zone, mark, element }];
    }));
    this.#marks.replaceChildren(...[...this.#shown.values()].map(({ element }) => element));
    this.#place();
  }

  /** This zone is worked on: others are only to be seen. @param {any} zone @param {boolean} isDrawing */
  hold(zone, isDrawing) {
    this.#without = zone.id;
    this.#lit = null;
    this.#hands.begin(zone, isDrawing);
    this.#place();
  }

  release() {
    this.#without = null;
    this.#hands.end();
    this.#place();
  }

  /** The shape that is worked on has changed from outside. */
  again() {
    this.#hands.place();
    this.#describe();
  }

  /** @param {string | null} id the zone that is meant just now */
  light(id) {
    this.#lit = id;
    this.#place();
  }

  /** The keyboard is on the picture: Enter and Escape mean the shape. */
  focus() {
    this.#surface.focus({ preventScroll: true });
    this.element.scrollIntoView({ block: "nearest" });
  }

  #clicked(event) {
    const id = event.target.closest("[data-zone]")?.getAttribute("data-zone");
    if (id && !this.element.classList.contains("is-held")) this.#uses.chosen(id);
  }

  #measured() {
    const { clientWidth: width, clientHeight: height } = this.element;
    if (!width || !height) return;
    this.#size = { width, height };
    put(this.#surface, { viewBox: `0 0 ${width} ${height}` });
    this.#hands.resize(this.#size);
    this.#place();
  }

  #place() {
    for (const [id, { zone, mark, element }] of this.#shown) {
      put(element, { visibility: id === this.#without ? "hidden" : null, "data-lit": id === this.#lit ? "" : null });
      mark.place(zone, this.#size, { lit: id === this.#lit });
    }
    this.#describe();
  }

  /** Held, the keys belong to the corners; otherwise it is a picture with a name. */
  #describe() {
    const isHeld = this.#hands.isHolding;
    this.element.classList.toggle("is-held", isHeld);
    this.element.classList.toggle("is-drawing", this.#hands.isDrawing);
    const names = [...this.#shown.values()].map(({ zone }) => zone.name);
    put(this.#surface, {
      role: isHeld ? "application" : "img",
      tabindex: this.#hands.isDrawing ? 0 : -1,
      "aria-label": isHeld ? say(this.#hands.isDrawing ? "zones.surface.draw" : "zones.surface.edit", { name: this.#name }) : say(names.length ? "zones.surface" : "zones.surface.none", { name: this.#name, zones: names.join(", ") }),
      "aria-describedby": isHeld ? "zones-keys" : null,
    });
  }
}
