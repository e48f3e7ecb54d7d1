/** Elements without markup in strings: text is always text. */

const SVG = "http://www.w3.org/2000/svg";

/**
 * A new element. Keys of `props`: `class`, `text`, `on` (listeners), `data` (dataset), `vars` (custom properties);
 * anything else is an attribute, left out where false or null, empty where true.
 * @param {string} tag
 * @param {Record<string, any>} [props]
 * @param {...(Node | string | null | false | undefined)} children
 * @returns {any}
 */
export function el(tag, props = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (value === null || value === undefined || value === false) continue;
    if (name === "class") element.className = value;
    else if (name === "text") element.textContent = value;
    else if (name === "on") for (const [type, run] of Object.entries(value)) element.addEventListener(type, run);
    else if (name === "data") Object.assign(element.dataset, value);
    else if (name === "vars") for (const [key, of] of Object.entries(value)) element.style.setProperty(key, String(of));
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  element.append(...children.filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

/** The rows of a list in this order, the same elements as before: a button in one of them keeps the focus.
 * @param {Element} list @param {Element[]} rows */
export function inOrder(list, rows) {
  if (list.children.length === rows.length && rows.every((row, index) => list.children[index] === row)) return;
  const focused = /** @type {HTMLElement} */ (document.activeElement);
  list.replaceChildren(...rows);
  if (list.contains(focused)) focused.focus();
}

/** One symbol of the sprite, hidden from screen readers. @param {string} name @param {string} [extra] */
export function icon(name, extra = "") {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("class", `icon ${extra}`.trim());
  svg.setAttribute("aria-hidden", "true");
  svg.setAttribute("width", "20");
  svg.setAttribute("height", "20");
  const use = document.createElementNS(SVG, "use");
  use.setAttribute("href", `/static/icons.svg#${name}`);
  svg.append(use);
  return svg;
}

/**
 * A face in a circle or, where there is none or it does not load, initials or a quiet figure.
 * @param {string | null | undefined} url
 * @param {string} size class such as `face-48`
 * @param {string} [name] for the initials
 */
export function face(url, size, name = "") {
  const holder = el("span", { class: `face ${size}` });
  const blank = () => {
    holder.classList.add("face-blank");
    const initials = name.split(/\s+/).filter(Boolean).map((word) => word[0]).slice(0, 2).join("").toUpperCase();
    holder.replaceChildren(initials ? el("span", { "aria-hidden": "true", text: initials }) : icon("person"));
  };
  if (url) holder.append(el("img", { src: url, alt: "", loading: "lazy", decoding: "async", on: { error: blank } }));
  else blank();
  return holder;
}

/**
 * A list's empty or failed state: a figure, what it is, what to do.
 * @param {{icon: string, title: string, text?: string, action?: Node | null, tone?: string}} of
 */
export function stateCard({ icon: name, title, text = "", action = null, tone = "" }) {
  return el(
    "div",
    { class: `state ${tone}`.trim(), role: tone === "state-failed" ? "alert" : null },
    el("span", { class: "state-icon" }, icon(name)),
    el("p", { class: "state-title", text: title }),
    text && el("p", { class: "quiet", text }),
    action,
  );
}

/** Marks the fields that an ApiError names, and gives back what belongs to no field. */
export function showFieldErrors(form, error) {
  clearFieldErrors(form);
  let first = null;
  const rest = [];
  for (const detail of error.details) {
    const input = form.elements.namedItem(detail.field);
    if (!input) rest.push(detail.message);
    else {
      fieldError(input, detail.message);
      first ??= input;
    }
  }
  first?.focus();
  return first ? rest.join(" ") : error.message;
}

export function fieldError(input, sentence) {
  input.setAttribute("aria-invalid", "true");
  const line = document.getElementById(input.getAttribute("aria-describedby")?.split(" ").at(-1) ?? ""); // after the hint
  if (line) {
    line.textContent = sentence;
    line.hidden = false;
  }
}

export function clearFieldErrors(form) {
  for (const input of form.elements) input.removeAttribute("aria-invalid");
  for (const line of form.querySelectorAll(".field-error")) line.hidden = true;
}
