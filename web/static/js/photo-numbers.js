/** What was measured on a photo, for those who want to see it: closed at first. */

import { el } from "./dom.js";
import { say } from "./text.js";

const percent = (share) => `${Math.round(share * 100)} %`;
const degrees = (angle) => `${Math.round(angle)}°`;

/** Name, and how its number is written. */
const NUMBERS = [
  ["faceCount", (count) => String(count)],
  ["sizePx", (px) => say("person.photo.size", { px: Math.round(px) })],
  ["sharpness", (value) => value.toFixed(2)],
  ["yaw", degrees],
  ["pitch", degrees],
  ["roll", degrees],
  ["brightness", percent],
  ["occlusion", percent],
  ["similarityToOwn", (value) => value.toFixed(2)],
  ["similarityToOthers", (value) => value.toFixed(2)],
];

/** @param {Record<string, any>} quality as the API gives it */
export function photoNumbers(quality) {
  const known = NUMBERS.filter(([name]) => typeof quality?.[name] === "number");
  if (!known.length) return null;
  const rows = known.flatMap(([name, written]) => [el("dt", { class: "quiet", text: say(`person.number.${name}`) }), el("dd", { class: "figures", text: written(quality[name]) })]);
  return el("details", { class: "photo-numbers" }, el("summary", { text: say("person.numbers") }), el("dl", {}, ...rows));
}
