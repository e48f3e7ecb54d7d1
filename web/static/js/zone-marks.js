/** How zones look on a picture and beside it: each kind has a colour, a pattern and an outline of its own. */

import { say } from "./text.js";
import { centre, isLine, wayIn } from "./zone-shapes.js";

const SVG = "http://www.w3.org/2000/svg";
const HALO = "#0a0e10";
const LOOKS = Object.freeze({
  count: { stroke: "#8df09a", fill: "url(#zone-dots)", dash: null },
  ignore: { stroke: "#ffc861", fill: "url(#zone-stripes)", dash: "9 5" },
  mask: { stroke: "#ffffff", fill: "url(#zone-crosses)", dash: null },
  line: { stroke: "#7fd4ff", fill: "none", dash: null },
});
const ARROW_PX = 38;
const LETTERS = Object.freeze({ fill: "#ffffff", stroke: HALO, "stroke-width": 3.5, "stroke-opacity": 0.85, "paint-order": "stroke", "font-weight": 650, "stroke-linejoin": "round", "pointer-events": "none", "aria-hidden": "true" });

/** An element of SVG. @param {string} tag @param {Record<string, any>} [attributes] @param {...Node} children @returns {any} */
export function svg(tag, attributes = {}, ...children) {
  const element = document.createElementNS(SVG, tag);
  put(element, attributes);
  element.append(...children);
  return element;
}

/** @param {Element} element @param {Record<string, any>} attributes null takes one away */
export function put(element, attributes) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null) element.removeAttribute(name);
    else if (element.getAttribute(name) !== String(value)) element.setAttribute(name, String(value));
  }
}

/** What the fills refer to: once on a page. */
export function patterns() {
  const pattern = (id, size, ...parts) => svg("pattern", { id, width: size, height: size, patternUnits: "userSpaceOnUse" }, ...parts);
  const ground = (size, fill, opacity) => svg("rect", { width: size, height: size, fill, "fill-opacity": opacity });
  return svg(
    "defs", {},
    pattern("zone-dots", 12, ground(12, "#8df09a", 0.14), svg("circle", { cx: 6, cy: 6, r: 1.3, fill: "#8df09a", "fill-opacity": 0.75 })),
    pattern("zone-stripes", 10, ground(10, "#ffc861", 0.14), svg("path", { d: "M-2 12 12 -2M-2 2 2 -2M8 12 12 8", stroke: "#ffc861", "stroke-opacity": 0.7, "stroke-width": 1.6 })),
    pattern("zone-crosses", 14, ground(14, "#14191b", 0.66), svg("path", { d: "M0 0 14 14M14 0 0 14", stroke: "#ffffff", "stroke-opacity": 0.34, "stroke-width": 1.2 })),
  );
}

/** A zone on the picture; `place` puts it where it belongs. */
export class Mark {
  #halo = svg("path", { fill: "none", stroke: HALO, "stroke-opacity": 0.7, "stroke-linejoin": "round", "stroke-linecap": "round" });
  #shape = svg("path", { "stroke-linejoin": "round", "stroke-linecap": "round" });
  #reach = svg("path", { fill: "none", stroke: "transparent", "stroke-width": 22, "pointer-events": "stroke" });
  #arrow = new Arrow();
  #label = svg("text", { ...LETTERS, "font-size": 13, "text-anchor": "middle" });

  constructor() {
    this.element = svg("g", {}, this.#halo, this.#shape, this.#reach, this.#arrow.element, this.#label);
  }

  /**
   * @param {{kind: string, points: number[][], direction: string | null, name?: string}} zone
   * @param {{width: number, height: number}} size of what is shown, in pixels
   * @param {{lit?: boolean, open?: boolean}} [how] lit: it is the one that is meant; open: its last edge is not there yet
   */
  place({ kind, points, direction, name = "" }, { width, height }, { lit = false, open = false } = {}) {
    const pixels = points.map(([x, y]) => [x * width, y * height]);
    const { stroke, fill, dash } = LOOKS[kind];
    const isOpen = open || isLine(kind);
    const d = path(pixels, isOpen);
    const thick = (isLine(kind) ? 3 : 2) + (lit ? 1 : 0);
    put(this.#halo, { d, "stroke-width": thick + 2.5 });
    put(this.#shape, { d, stroke, fill: isOpen ? "none" : fill, "stroke-width": thick, "stroke-dasharray": dash });
    put(this.#reach, { d });
    this.#arrow.place(isLine(kind) && pixels.length === 2 ? pixels : null, direction);
    this.#label.textContent = open ? "" : name;
    if (this.#label.textContent) this.#named(pixels, isLine(kind), { width, height });
  }

  #named(pixels, line, { width, height }) {
    const [x, y] = line ? pixels.toSorted((a, b) => b[1] - a[1])[0] : centre(pixels);
    const name = this.#label.textContent;
    const half = Math.min(width / 2, name.length * 4 + 6);
    put(this.#label, { x: Math.min(width - half, Math.max(half, x)), y: Math.min(height - 8, Math.max(16, y + (line ? 22 : 5))) });
  }
}

/** Across a line: the way that counts as in. */
class Arrow {
  #halo = svg("path", { fill: "none", stroke: HALO, "stroke-width": 7, "stroke-opacity": 0.7, "stroke-linejoin": "round", "stroke-linecap": "round" });
  #line = svg("path", { fill: "none", stroke: "#ffffff", "stroke-width": 3, "stroke-linejoin": "round", "stroke-linecap": "round" });
  #word = svg("text", { ...LETTERS, "font-size": 14, "text-anchor": "middle" });

  constructor() {
    this.#word.textContent = say("zones.arrow");
    this.element = svg("g", { "pointer-events": "none" }, this.#halo, this.#line, this.#word);
  }

  place(ends, direction) {
    put(this.element, { visibility: ends ? null : "hidden" });
    if (!ends) return;
    const [x, y] = centre(ends);
    const [dx, dy] = wayIn(ends, direction);
    const at = (along, across) => `${round(x + dx * along - dy * across)} ${round(y + dy * along + dx * across)}`;
    const d = `M${at(0, 0)} ${at(ARROW_PX, 0)}M${at(ARROW_PX - 9, -8)} ${at(ARROW_PX, 0)} ${at(ARROW_PX - 9, 8)}`;
    put(this.#halo, { d });
    put(this.#line, { d });
    put(this.#word, { x: round(x + dx * (ARROW_PX + 14)), y: round(y + dy * (ARROW_PX + 14) + 5) });
  }
}

/** The look of a kind, small, for lists. @param {string} kind */
export function swatch(kind) {
  const points = isLine(kind) ? [[0.28, 0.85], [0.28, 0.15]] : [[0.12, 0.18], [0.88, 0.18], [0.88, 0.82], [0.12, 0.82]];
  const { stroke, fill, dash } = LOOKS[kind];
  const d = path(points.map(([x, y]) => [x * 36, y * 26]), isLine(kind));
  const arrow = isLine(kind) ? [svg("path", { d: "M11 13h15m-5-5 5 5-5 5", fill: "none", stroke: "#ffffff", "stroke-width": 2 })] : [];
  return svg(
    "svg", { class: "zone-swatch", width: 36, height: 26, viewBox: "0 0 36 26", "aria-hidden": "true" },
    svg("rect", { width: 36, height: 26, rx: 5, fill: "#39474c" }),
    svg("path", { d, fill, stroke, "stroke-width": 2, "stroke-dasharray": dash && "5 3" }),
    ...arrow,
  );
}

const round = (value) => Math.round(value * 10) / 10;

function path(pixels, isOpen) {
  return pixels.length ? `M${pixels.map(([x, y]) => `${round(x)} ${round(y)}`).join("L")}${isOpen ? "" : "Z"}` : null;
}
