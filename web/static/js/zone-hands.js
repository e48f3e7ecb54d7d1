/** What a mouse, a finger or a keyboard does to the one zone that is worked on: drawn corner by corner, moved, changed. */

import { say } from "./text.js";
import { Mark, put, svg } from "./zone-marks.js";
import { fewest, inTheMiddle, isLine, longestEdge, middles, most, shifted, withCorner, within } from "./zone-shapes.js";

const ARROWS = Object.freeze({ ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] });
const STEP = 0.01;
const BIG_STEP = 0.05;
const REACH_PX = { mouse: 12, pen: 16, touch: 24 };
const SAME_PX = 5; // the second click of a double click
const ROOM_PX = 56; // a shorter edge has no handle in its middle

export class ZoneHands {
  #surface;
  #uses;
  #zone = null;
  #isDrawing = false;
  #current = 0; // the corner that was touched last
  #held = null;
  #size = { width: 1, height: 1 };
  #mark = new Mark();
  #whole;
  #band = [["#0a0e10", 4, null], ["#ffffff", 2, "5 5"]].map(([stroke, width, dash]) => svg("path", { fill: "none", stroke, "stroke-width": width, "stroke-dasharray": dash, "stroke-opacity": dash ? 1 : 0.45, "pointer-events": "none" }));
  #dots = svg("g", { "pointer-events": "none" });
  #middles = svg("g", { "aria-hidden": "true" });
  #corners = svg("g");

  /**
   * @param {SVGElement} surface lies exactly over the picture
   * @param {{changed: (moved: boolean) => void, closed: (by: string) => void, told: (sentence: string) => void, refused: (sentence: string) => void}} uses
   *   `changed`: it has other corners, or another one of them is meant; `closed`: the shape is whole, by `mouse`, `touch`, `pen`, `key` or, from the middle, `middle`; `told`: for who does not see it;
   *   `refused`: why nothing was done
   */
  constructor(surface, uses) {
    this.#surface = surface;
    this.#uses = uses;
    this.#whole = svg("g", { class: "zone-whole", tabindex: 0, role: "button", "data-whole": "" }, svg("path", { fill: "transparent", "stroke-width": 22 }));
    this.element = svg("g", {}, this.#mark.element, this.#whole, ...this.#band, this.#dots, this.#middles, this.#corners);
    this.#corners.addEventListener("focusin", (event) => this.#reached(event.target));
    surface.addEventListener("pointerdown", (event) => this.#down(event));
    surface.addEventListener("pointermove", (event) => this.#move(event));
    surface.addEventListener("pointerup", (event) => this.#up(event));
    surface.addEventListener("pointercancel", () => this.undo());
    surface.addEventListener("pointerleave", () => this.#stretch(null));
    surface.addEventListener("mousedown", (event) => this.#zone && event.preventDefault()); // would take the focus away
    surface.addEventListener("keydown", (event) => this.#key(event));
    this.end();
  }

  get isHolding() {
    return this.#zone !== null;
  }

  get isDrawing() {
    return this.#isDrawing;
  }

  get current() {
    return this.#current;
  }

  /** @param {any} zone its `points` are changed in place @param {boolean} isDrawing its corners are yet to be set */
  begin(zone, isDrawing) {
    this.#zone = zone;
    this.#isDrawing = isDrawing;
    this.#current = 0;
    this.#held = null;
    put(this.element, { visibility: null });
    this.place();
  }

  end() {
    this.#zone = null;
    this.#held = null;
    this.#isDrawing = false;
    put(this.element, { visibility: "hidden" });
    for (const layer of [this.#corners, this.#middles, this.#dots]) layer.replaceChildren();
    this.#stretch(null);
    put(this.#whole, { tabindex: -1 });
  }

  /** @param {{width: number, height: number}} size of the picture as it is shown */
  resize(size) {
    this.#size = size;
    if (this.#zone) this.place();
  }

  /** As the zone is now. */
  place() {
    const { kind, points } = this.#zone;
    const isOpen = this.#isDrawing;
    this.#mark.place({ ...this.#zone, name: "" }, this.#size, { lit: true, open: isOpen });
    put(this.#whole, { tabindex: isOpen ? -1 : 0, "aria-label": say("zones.whole"), visibility: isOpen ? "hidden" : null });
    const d = points.length ? `M${points.map((point) => this.#pixels(point).join(" ")).join("L")}${isLine(kind) ? "" : "Z"}` : null;
    put(this.#whole.firstChild, { d, "pointer-events": isLine(kind) ? "stroke" : "fill", stroke: isLine(kind) ? "transparent" : null });
    this.#placeCorners(isOpen ? [] : points);
    this.#placeMiddles(isOpen ? [] : points);
    this.#dots.replaceChildren(...(isOpen ? points : []).map((point, index) => this.#dot(point, !index && points.length >= fewest(kind))));
    if (!isOpen) this.#stretch(null);
  }

  /** @param {number} [index] */
  focus(index = this.#current) {
    this.#corners.children[Math.min(index, this.#corners.children.length - 1)]?.focus();
  }

  /** What is being dragged goes back to where it was. @returns {boolean} whether something was */
  undo() {
    const held = this.#held;
    this.#held = null;
    if (!held?.before) return false;
    this.#set(held.before);
    return true;
  }

  /** The shape is whole, if it has corners enough. @param {string} by */
  close(by) {
    if (!this.#isDrawing) return;
    if (this.#zone.points.length < fewest(this.#zone.kind)) return this.#uses.refused(say(isLine(this.#zone.kind) ? "zones.draw.line" : "zones.draw.more"));
    this.#isDrawing = false;
    this.#held = null;
    this.place();
    this.#uses.closed(by);
  }

  takeBack() {
    if (this.#isDrawing) this.#set(this.#zone.points.slice(0, -1));
  }

  /** Points as they are shown, where a picture is wider than high. @param {any[]} points */
  inPixels(points) {
    return points.map((point) => this.#pixels(point));
  }

  /** A shape to begin with instead of one that is drawn. */
  middle() {
    this.#zone.points = inTheMiddle(this.#zone.kind);
    this.#isDrawing = true;
    this.close("middle");
  }

  /** Halfway along the longest edge, or along the one after a corner. @param {number} [after] */
  add(after = longestEdge(this.#zone.points)) {
    const { kind, points } = this.#zone;
    if (points.length >= most(kind)) return this.#uses.refused(say("zones.most"));
    this.#set(withCorner(points, after));
    this.focus(after + 1);
  }

  /** @param {number} [index] */
  remove(index = this.#current) {
    const { kind, points } = this.#zone;
    if (points.length <= fewest(kind)) return this.#uses.refused(say("zones.fewest"));
    this.#set(points.toSpliced(index, 1));
    this.focus(index);
  }

  #set(points) {
    this.#zone.points = points;
    this.#current = Math.max(0, Math.min(this.#current, points.length - 1));
    this.place();
    this.#uses.changed(true);
  }

  // ---- Handles ----

  #placeCorners(points) {
    const layer = this.#corners;
    while (layer.children.length > points.length) layer.lastChild.remove(); // the others stay the same elements, and keep the focus
    while (layer.children.length < points.length) layer.append(cornerHandle(layer.children.length));
    points.forEach((point, index) => {
      const handle = layer.children[index];
      const [x, y] = this.#pixels(point);
      put(handle, { transform: `translate(${x} ${y})`, "aria-label": this.#named(index), class: `zone-corner${index === this.#current ? " is-current" : ""}` });
    });
  }

  #named(index) {
    const { kind, points } = this.#zone;
    return say(isLine(kind) ? "zones.end" : "zones.corner", { number: index + 1, count: points.length, place: spot(points[index]) });
  }

  #placeMiddles(points) {
    const found = middles(this.#zone.kind, points);
    this.#middles.replaceChildren(...found.map((point, index) => {
      const [x, y] = this.#pixels(point);
      const hasRoom = this.#pixelsBetween(points[index], points[(index + 1) % points.length]) > ROOM_PX;
      return svg("circle", { cx: x, cy: y, r: 4, fill: "#0a0e10", stroke: "#ffffff", "stroke-width": 1.5, visibility: hasRoom ? null : "hidden", class: "zone-middle" });
    }));
  }

  #dot(point, closes) {
    const [cx, cy] = this.#pixels(point);
    return svg("circle", { cx, cy, r: closes ? 9 : 5, fill: closes ? "#0a0e10" : "#ffffff", "fill-opacity": closes ? 0.5 : 1, stroke: closes ? "#ffffff" : "#0a0e10", "stroke-width": 2 });
  }

  #reached(target) {
    const handle = target.closest("[data-corner]");
    if (!handle) return;
    this.#current = Number(handle.getAttribute("data-corner"));
    for (const other of this.#corners.children) other.classList.toggle("is-current", other === handle);
    this.#uses.changed(false);
  }

  // ---- Pointers ----

  #down(event) {
    if (!this.#zone || event.button !== 0 || this.#held) return;
    const at = this.#at(event);
    const { points } = this.#zone;
    if (this.#isDrawing) {
      this.#surface.focus({ preventScroll: true });
      this.#held = { sets: true };
    } else this.#held = this.#grasp(event, at, points);
    if (this.#held) this.#surface.setPointerCapture(event.pointerId);
  }

  #grasp(event, at, points) {
    const reach = REACH_PX[event.pointerType] ?? REACH_PX.mouse;
    const corner = this.#nearest(points, at, reach);
    if (corner >= 0) {
      this.#corners.children[corner].focus({ preventScroll: true });
      return { corner, at, from: points, before: points };
    }
    const edge = this.#nearest(middles(this.#zone.kind, points), at, reach);
    if (edge >= 0 && this.#pixelsBetween(points[edge], points[(edge + 1) % points.length]) > ROOM_PX) {
      this.#set(withCorner(points, edge));
      this.#corners.children[edge + 1].focus({ preventScroll: true });
      return { corner: edge + 1, at, from: this.#zone.points, before: points };
    }
    if (!event.target.closest("[data-whole]")) return null;
    this.#whole.focus({ preventScroll: true });
    return { whole: true, at, from: points, before: points };
  }

  #move(event) {
    if (!this.#zone) return;
    const at = this.#at(event);
    if (this.#isDrawing) return this.#stretch(event.pointerType === "touch" ? null : at);
    const held = this.#held;
    if (!held) return;
    const { corner, from } = held;
    const [dx, dy] = [at[0] - held.at[0], at[1] - held.at[1]];
    this.#set(held.whole ? shifted(from, dx, dy) : from.with(corner, within(from[corner][0] + dx, from[corner][1] + dy)));
  }

  #up(event) {
    const held = this.#held;
    this.#held = null;
    if (this.#zone && held?.sets && this.#isDrawing) this.#click(this.#at(event), event.pointerType);
  }

  #click(at, by) {
    const { kind, points } = this.#zone;
    const enough = points.length >= fewest(kind);
    const [first, last] = [points[0], points.at(-1)];
    const closes = enough && this.#pixelsBetween(first, at) <= (REACH_PX[by] ?? REACH_PX.mouse);
    if (closes || (last && this.#pixelsBetween(last, at) <= SAME_PX)) return closes || enough ? this.close(by) : undefined;
    this.#set([...points, at]);
    if (this.#zone.points.length >= most(kind)) this.close(by);
  }

  /** A line from the last corner to the mouse. */
  #stretch(at) {
    const last = at && this.#zone.points.at(-1);
    const d = last ? `M${this.#pixels(last).join(" ")}L${this.#pixels(at).join(" ")}` : null;
    for (const path of this.#band) put(path, { d });
  }

  #nearest(points, at, reach) {
    const far = points.map((point) => this.#pixelsBetween(point, at));
    const least = Math.min(...far);
    return least <= reach ? far.indexOf(least) : -1;
  }

  #at({ clientX, clientY }) {
    const { left, top, width, height } = this.#surface.getBoundingClientRect();
    return within((clientX - left) / width, (clientY - top) / height);
  }

  #pixels([x, y]) {
    return [Math.round(x * this.#size.width * 10) / 10, Math.round(y * this.#size.height * 10) / 10];
  }

  #pixelsBetween(a, b) {
    return Math.hypot((a[0] - b[0]) * this.#size.width, (a[1] - b[1]) * this.#size.height);
  }

  // ---- Keys ----

  #key(event) {
    if (!this.#zone || event.ctrlKey || event.metaKey || event.altKey) return;
    if (this.#isDrawing ? this.#keyOfDrawing(event) : this.#keyOfHandle(event)) event.preventDefault();
  }

  #keyOfDrawing({ key, repeat }) {
    if (key === "Backspace" || key === "Delete") this.takeBack();
    else if (key !== "Enter") return false;
    else if (!repeat) this.#zone.points.length ? this.close("key") : this.middle();
    return true;
  }

  #keyOfHandle({ key, shiftKey, target }) {
    const handle = target.closest("[data-corner], [data-whole]");
    if (!handle) return false;
    const isWhole = handle === this.#whole;
    const index = Number(handle.getAttribute("data-corner"));
    if (key in ARROWS) this.#nudge(isWhole ? null : index, ARROWS[key], shiftKey ? BIG_STEP : STEP);
    else if (isWhole) return false;
    else if (key === "Delete" || key === "Backspace") this.remove(index);
    else if (key === "Insert" || key === "+") this.add(index);
    else return false;
    return true;
  }

  #nudge(index, [right, down], by) {
    const { points } = this.#zone;
    const [dx, dy] = [right * by, down * by];
    if (index === null) this.#set(shifted(points, dx, dy));
    else this.#set(points.with(index, within(points[index][0] + dx, points[index][1] + dy)));
    this.#uses.told(spot(this.#zone.points[index ?? 0]));
  }
}

function cornerHandle(index) {
  return svg(
    "g", { tabindex: 0, role: "button", "data-corner": index },
    svg("circle", { r: 13, fill: "#0a0e10", "fill-opacity": 0.45, stroke: "#ffffff", "stroke-width": 2, class: "zone-ring" }),
    svg("circle", { r: 6, fill: "#ffffff", stroke: "#0a0e10", "stroke-width": 2, class: "zone-knob" }),
  );
}

/** A place in words. */
const spot = ([x, y]) => say("zones.spot", { x: Math.round(x * 100), y: Math.round(y * 100) });
