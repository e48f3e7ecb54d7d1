/** Similarity in words: how far a match lies above what is needed, as a word, a tone and a bar. */

import { el } from "./dom.js";
import { say } from "./text.js";

const SURE = 0.1; // above the threshold
const LIKELY = 0.04;
const SPAN = 0.8; // of similarity from one end of the bar to the other

/**
 * @param {{personId: string | null, similarity: number | null, threshold: number | null}} sighting
 * @returns {"sure" | "likely" | "unsure" | "none"}
 */
export function certainty({ personId, similarity, threshold }) {
  if (!personId || similarity === null || similarity === undefined) return "none";
  const above = similarity - (threshold ?? 0);
  if (above >= SURE) return "sure";
  return above >= LIKELY ? "likely" : "unsure";
}

/** The bar with its word (or another that is known better), and a mark at the threshold where there is room for it. */
export function certaintyBar(sighting, { mark = false, word = certainty(sighting) } = {}) {
  const share = (value) => Math.min(1, Math.max(0, (value ?? 0) / SPAN));
  return el(
    "span",
    { class: `certainty certainty-${word}` },
    el(
      "span",
      { class: "meter", "aria-hidden": "true", vars: { "--share": share(sighting.similarity), "--mark": share(sighting.threshold) } },
      el("span", { class: "meter-fill" }),
      mark && sighting.threshold ? el("span", { class: "meter-mark" }) : null,
    ),
    el("span", { class: "certainty-word", text: say(`certainty.${word}`) }),
  );
}
