/** Where somebody was seen and when they came and went: lists in a person's sheet, paged, each with its picture. */

import { certaintyBar } from "./certainty.js";
import { el, face, icon } from "./dom.js";
import { inWords } from "./failure.js";
import { say, sayOr } from "./text.js";
import { fullTime, spoken } from "./times.js";

const PAGE_SIZE = 5;

/** @param {any} sighting @param {(sighting: any) => void} open its evidence */
function seenItem(sighting, open) {
  const camera = sighting.cameraName ?? say("feed.camera.gone");
  const time = spoken(sighting.startedAt);
  return el(
    "li",
    {},
    el(
      "button",
      { class: "found-button", type: "button", "aria-label": say("feed.open", { name: sighting.person?.fullName ?? say("unknown"), camera, time }), on: { click: () => open(sighting) } },
      face(sighting.faceUrl, "face-40"),
      el("span", { class: "seen-words" }, el("b", { text: camera }), certaintyBar(sighting)),
      el("time", { class: "quiet figures", datetime: sighting.startedAt, title: fullTime(sighting.startedAt), text: time }),
      icon("chevron-right", "people-go"),
    ),
  );
}

/** @param {any} entry */
function entryItem(entry) {
  const way = entry.direction === "in" ? "in" : "out";
  const where = entry.cameraName ?? (entry.origin === "camera" ? say("feed.camera.gone") : sayOr(`origin.${entry.origin}`, entry.origin));
  return el(
    "li",
    { class: "seen-item" },
    el("span", { class: `chip chip-${way}` }, icon(way), el("span", { text: say(`person.entry.${way}`) })),
    el("span", { class: "seen-words" }, el("b", { text: where }), entry.reason && el("span", { class: "quiet", text: entry.reason })),
    el("time", { class: "quiet figures", datetime: entry.at, title: fullTime(entry.at), text: spoken(entry.at) }),
  );
}

/**
 * A block with a heading, the newest first, and a button for older ones.
 * @param {import("./api.js").Api} api
 * @param {string} path
 * @param {any} person
 * @param {{title: string, empty: string, sort: string, item: (row: any) => HTMLElement}} of
 */
function history(api, path, person, { title, empty, sort, item }) {
  const list = el("ul", { class: "seen" });
  const more = el("button", { class: "button button-small", type: "button", hidden: true, text: say("person.older") });
  let page = 0;
  const load = async () => {
    more.disabled = true;
    try {
      const { data, meta } = await api.list(path, { personId: person.id, pageSize: PAGE_SIZE, page: page + 1, sort });
      page += 1;
      list.append(...data.map(item));
      if (!meta.total) list.append(el("li", { class: "none quiet" }, icon("clock"), el("span", { text: say(empty, { name: person.fullName }) })));
      more.hidden = page * PAGE_SIZE >= meta.total;
    } catch (error) {
      list.append(el("li", { class: "none quiet", role: "alert" }, icon("alert"), el("span", { text: inWords(error) })));
    }
    more.disabled = false;
  };
  more.addEventListener("click", load);
  load();
  return el("section", { class: "block" }, el("h3", { text: say(title) }), list, more);
}

/**
 * @param {import("./api.js").Api} api
 * @param {any} person
 * @param {(permission: string) => boolean} may
 * @param {(sighting: any) => void} open the evidence of a sighting
 * @returns {HTMLElement[]}
 */
export function histories(api, person, may, open) {
  const blocks = [];
  if (may("sightings:read")) blocks.push(history(api, "sightings", person, { title: "person.seen", empty: "person.seen.empty", sort: "-startedAt", item: (row) => seenItem(row, open) }));
  if (may("attendance:read")) blocks.push(history(api, "attendance/entries", person, { title: "person.entries", empty: "person.entries.empty", sort: "-at", item: entryItem }));
  return blocks;
}
