/** A new badge as a QR code: printed or saved now, for nobody gets to see it again. */

import { el } from "./dom.js";
import { say } from "./text.js";

/** @param {{svg: string, badge: string | null, name: string, label: string}} of @returns {HTMLElement} */
export function badgeCard({ svg, badge, name, label }) {
  const url = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(svg)}`;
  const card = el(
    "figure",
    { class: "badge-card" },
    el("img", { src: url, width: 176, height: 176, alt: say("codes.badge.qr", { name }) }),
    el("figcaption", {}, el("b", { text: name }), label && el("span", { text: label }), badge && el("code", { text: badge })),
  );
  return el(
    "div",
    { class: "badge-made" },
    card,
    el(
      "div",
      { class: "row" },
      el("button", { class: "button button-small", type: "button", text: say("codes.badge.print"), on: { click: () => print(card) } }),
      el("a", { class: "button button-small", href: url, download: "badge.svg", text: say("codes.badge.save") }),
    ),
  );
}

/** The card alone is on the paper. @param {HTMLElement} card */
async function print(card) {
  const sheet = el("div", { class: "print-sheet" }, card.cloneNode(true));
  document.body.append(sheet);
  document.body.classList.add("is-printing");
  await sheet.querySelector("img").decode().catch(() => undefined);
  window.addEventListener(
    "afterprint",
    () => {
      sheet.remove();
      document.body.classList.remove("is-printing");
    },
    { once: true },
  );
  window.print();
}
