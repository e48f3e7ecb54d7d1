/** A correction as a line: what it was, what it shall be, who, why; and a second person's word on one that waits. */

import { ApiError } from "./api.js";
import { el, face, icon } from "./dom.js";
import { inWords } from "./failure.js";
import { notice } from "./fields.js";
import { say } from "./text.js";
import { fullTime, spoken } from "./times.js";
import { clockOn, dateIn, fullIn, longDate } from "./zoned.js";

const TONES = { pending: "amber", applied: "green", refused: "red" };

/**
 * @param {any} correction
 * @param {{date?: string, person?: boolean, decide?: ((agreed: boolean) => Promise<void>) | null}} of `date` is that of
 *   the day around it; `decide` where the reader may
 */
export function correctionItem(correction, { date = "", person = false, decide = null } = {}) {
  const { before, after, kind, state, timezone } = correction;
  const day = date || dateIn(timezone, (after ?? before).at);
  const problem = el("div");
  const item = el(
    "li",
    { class: "correction", data: { correction: correction.id } },
    person && el("div", { class: "people-who" }, face(correction.person.photoUrl, "face-40", correction.person.fullName), el("span", { class: "people-words" }, el("b", { text: correction.person.fullName }), el("span", { class: "quiet", text: say("correction.day", { date: longDate(day), zone: timezone }) }))),
    el(
      "div",
      { class: "row" },
      el("b", { text: say(`correction.${kind}`) }),
      before && said(before, timezone, day, kind !== "add"),
      before && after && icon("chevron-right", "flips"),
      after && said(after, timezone, day, false),
      el("span", { class: `chip chip-${TONES[state]}`, text: say(`correction.state.${state}`) }),
    ),
    el("p", {}, el("q", { text: correction.reason })),
    el("p", { class: "quiet" }, say("correction.by", { name: correction.askedByName }), " ", el("time", { datetime: correction.createdAt, title: fullTime(correction.createdAt), text: spoken(correction.createdAt) })),
    correction.decidedByName && el("p", { class: "quiet", text: say(`correction.decided.${state}`, { name: correction.decidedByName, note: correction.note }) }),
    problem,
  );
  if (state === "pending" && decide) item.append(decision(decide, problem));
  return item;
}

function said(what, zone, day, old) {
  const words = [icon(what.direction), el("span", { text: say(`person.entry.${what.direction}`) }), el("time", { class: "figures", datetime: what.at, title: fullIn(zone, what.at), text: clockOn(zone, what.at, day) })];
  return el(old ? "s" : "span", { class: `chip chip-${what.direction}` }, ...words);
}

function decision(decide, problem) {
  const button = (agreed, words, look) => el("button", { class: `button button-small ${look}`, type: "button", text: say(words), on: { click: () => take(agreed) } });
  const row = el("div", { class: "row" }, button(true, "correction.approve", "button-primary"), button(false, "correction.refuse", "button-quiet-red"));
  const take = async (agreed) => {
    for (const one of row.children) one.disabled = true;
    problem.replaceChildren();
    try {
      await decide(agreed);
    } catch (error) {
      const own = error instanceof ApiError && error.code === "same_person";
      problem.replaceChildren(notice(own ? "amber" : "red", own ? say("correction.own") : inWords(error)));
      for (const one of row.children) one.disabled = false;
      row.querySelector("button").focus();
    }
  };
  return row;
}
