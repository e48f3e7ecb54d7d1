/** Parts of a form that a module builds: a control tied to its label, hint and error; a notice; a wait. */

import { clearFieldErrors, el, icon } from "./dom.js";
import { say } from "./text.js";

/**
 * @typedef {{id: string, name: string, label: string, hint?: string, optional?: boolean, [attribute: string]: any}} Of
 * @param {Of} of anything else is an attribute of the input
 */
export function field({ id, name, label, hint = "", optional = false, ...more }) {
  return tied({ id, label, hint, optional }, (described) => el("input", { id, name, type: "text", autocomplete: "off", "aria-describedby": described, ...more }));
}

/**
 * The same with a list to choose from.
 * @param {Of & {options: [string, string][], value?: string}} of `options` are values with their words
 */
export function choice({ id, name, label, hint = "", options, value, ...more }) {
  const made = options.map(([of, words]) => el("option", { value: of, text: words, selected: of === value }));
  return tied({ id, label, hint, optional: false }, (described) => el("select", { id, name, "aria-describedby": described, ...more }, ...made));
}

function tied({ id, label, hint, optional }, control) {
  return el(
    "div",
    { class: "field" },
    el("label", { for: id }, label, optional && " ", optional && el("span", { class: "quiet", text: say("camera.optional") })),
    control(hint ? `${id}-hint ${id}-error` : `${id}-error`),
    hint && el("p", { class: "field-hint", id: `${id}-hint`, text: hint }),
    el("p", { class: "field-error", id: `${id}-error`, hidden: true }),
  );
}

/** A sentence with its colour and figure. @param {"red" | "amber" | "green" | "blue"} tone @param {string} sentence @param {...Node} more */
export function notice(tone, sentence, ...more) {
  const role = tone === "red" || tone === "amber" ? "alert" : null;
  return el("div", { class: `notice notice-${tone}`, role }, icon(tone === "green" ? "check" : "alert"), el("div", { class: "notice-words" }, el("span", { text: sentence }), ...more));
}

/**
 * A form whose submit works: meanwhile nothing in it can be changed, and a line says what is waited for. `send` shows
 * what went wrong.
 * @param {{label: string, submit: string, busy: string, extra?: Node[], send: (form: any, value: (name: string) => string) => Promise<void>}} of
 * @param {...(Node | false | null)} content
 */
export function workingForm({ label, submit, busy, extra = [], send }, ...content) {
  const wait = el("div", { role: "status" });
  const notices = el("div", { data: { notices: "" } });
  const button = el("button", { class: "button button-primary", type: "submit", text: submit });
  const set = el("fieldset", { class: "edit", role: "presentation" }, ...content, notices, el("div", { class: "row row-end" }, ...extra, button));
  const form = el("form", { novalidate: true, "aria-label": label }, set, wait);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    clearFieldErrors(form);
    notices.replaceChildren();
    const value = (name) => form.elements.namedItem(name)?.value.trim() ?? "";
    set.disabled = true;
    wait.replaceChildren(el("p", { class: "waiting quiet" }, el("span", { class: "spinner", "aria-hidden": "true" }), el("span", { text: busy })));
    try {
      await send(form, value);
    } finally {
      set.disabled = false;
      wait.replaceChildren();
      if (form.isConnected && !form.contains(document.activeElement)) (form.querySelector('[aria-invalid="true"]') ?? button).focus();
    }
  });
  return form;
}

/** Below the fields of such a form. @param {any} form @param {...Node} notices */
export function tell(form, ...notices) {
  form.querySelector("[data-notices]").replaceChildren(...notices);
}
