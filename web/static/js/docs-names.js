/** Names for the controls that Swagger UI leaves without one: a screen reader finds them by these. */

import { say } from "./text.js";

const UNNAMED = "select, input, textarea, button";
const NAMED = "[aria-label], [aria-labelledby]";

/**
 * Names what is there and what comes later.
 * @param {Element} root where Swagger UI draws
 */
export function nameControls(root) {
  const name = () => {
    for (const drawing of root.querySelectorAll(".svg-assets:not([aria-hidden])")) drawing.setAttribute("aria-hidden", "true");
    // A link within a button, which does the same as the button.
    for (const link of root.querySelectorAll(".opblock-summary-control a[href]")) link.removeAttribute("href");
    for (const example of root.querySelectorAll(".microlight:not([tabindex])")) example.setAttribute("tabindex", "0"); // it scrolls
    for (const control of root.querySelectorAll(UNNAMED)) {
      const found = control.matches(NAMED) ? null : nameOf(control);
      if (found) control.setAttribute("aria-label", found);
    }
  };
  new MutationObserver(name).observe(root, { childList: true, subtree: true });
  name();
}

/** @param {Element} control @returns {string | null} null for what has a name already */
function nameOf(control) {
  if (control.tagName === "BUTTON") {
    if (control.textContent?.trim()) return null;
    if (control.matches(".close-modal")) return say("close");
    return control.closest(".copy-to-clipboard") ? say("docs.copy") : null;
  }
  if (control.id === "servers") return say("docs.server");
  if (control.matches(".body-param__text")) return say("docs.body");
  const of = control.closest("tr[data-param-name]")?.getAttribute("data-param-name");
  return of ?? control.closest(".auth-container")?.querySelector("h4")?.textContent?.trim() ?? null;
}
