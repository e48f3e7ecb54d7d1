/** The zones of a camera in words, beside its picture. */

import { el, icon } from "./dom.js";
import { say } from "./text.js";
import { swatch } from "./zone-marks.js";
import { hasDirection, isLine, KINDS } from "./zone-shapes.js";

/**
 * One zone of the list, with what may be done with it.
 * @param {any} zone
 * @param {{edit: (() => void) | null, remove: ((button: any) => void) | null, light: (yes: boolean) => void}} uses
 */
export function zoneItem(zone, { edit, remove, light }) {
  const { id, name, kind, direction } = zone;
  const item = el(
    "li", { class: "zone-item", data: { zone: id } },
    swatch(kind),
    el("div", { class: "zone-words" }, el("b", { text: name }), el("span", { class: "quiet", text: inWords(kind, direction) })),
    edit && el("button", { class: "icon-button", type: "button", title: say("zones.edit", { name }), "aria-label": say("zones.edit", { name }), data: { edit: "" }, on: { click: edit } }, icon("pencil")),
    remove && trash(name, remove),
  );
  for (const [type, yes] of Object.entries({ mouseenter: true, focusin: true, mouseleave: false, focusout: false })) item.addEventListener(type, () => light(yes));
  return item;
}

function inWords(kind, direction) {
  const words = say(`zones.kind.${kind}`);
  return direction && hasDirection(kind) && !isLine(kind) ? say("zones.words", { kind: words, means: say(`zones.means.${direction}`) }) : words;
}

/** A second press removes it: one that was not meant does no harm. */
function trash(name, remove) {
  const words = say("zones.remove", { name });
  const button = el("button", { type: "button" });
  const reset = () => {
    button.className = "icon-button";
    button.title = words;
    button.setAttribute("aria-label", words);
    button.replaceChildren(icon("trash"));
  };
  reset();
  button.addEventListener("blur", reset);
  button.addEventListener("click", () => {
    if (button.disabled) return;
    if (!button.classList.contains("icon-button")) return remove(button);
    button.className = "button button-small button-quiet-red";
    button.title = "";
    button.setAttribute("aria-label", say("zones.remove.yes", { name }));
    button.replaceChildren(el("span", { text: say("cameras.remove.yes") }));
    return undefined;
  });
  return button;
}

/** The four kinds to begin with. @param {(kind: string) => void} begin */
export function kindButtons(begin) {
  return KINDS.map((kind) =>
    el("button", { class: "zone-kind", type: "button", data: { kind }, on: { click: () => begin(kind) } }, swatch(kind), el("span", {}, el("b", { text: say(`zones.kind.${kind}`) }), el("span", { class: "quiet", text: say(`zones.does.${kind}`) }))),
  );
}
