/** All, or only some: a set of boxes, with a search where there are many. */

import { el } from "./dom.js";
import { say } from "./text.js";

const SEARCHED_FROM = 9;
const PAGE_SIZE = 200;
const MOST_PAGES = 10;

/**
 * Everything of a collection by its name; none where it is not for whoever looks.
 * @param {import("./api.js").Api} api @param {string} path
 * @returns {Promise<{names: Map<string, string>, all: boolean}>} `all`: what is not in it is gone
 */
export async function namesOf(api, path) {
  const names = new Map();
  for (let page = 1; page <= MOST_PAGES; page += 1) {
    const { data, meta } = await api.list(path, { pageSize: PAGE_SIZE, page, sort: "name" }).catch(() => ({ data: [], meta: null }));
    for (const { id, name } of data) names.set(id, name);
    if (!meta || names.size >= meta.total) return { names, all: meta !== null };
  }
  return { names, all: false };
}

/**
 * Of the words, `{key}.label` and so on are sentences: `label`, `search`, `missing`, `other`.
 * @param {{name: string, key: string, names: Map<string, string>, all: boolean, chosen: string[] | null}} of
 *   `chosen` is null where all are; one that is not among the names stays, unless `all` are there and so it is gone
 */
export function someOf({ name, key, names, all, chosen }) {
  const kept = (chosen ?? []).filter((id) => names.has(id) || !all);
  const gone = (chosen?.length ?? 0) - kept.length;
  const options = [...new Set([...kept.filter((id) => !names.has(id)), ...names.keys()])].map((id) => [id, names.get(id) ?? say(`${key}.other`)]);
  const scope = (value, checked) => el("label", {}, el("input", { type: "radio", name: `${name}-scope`, value, checked }), el("span", { text: say(`some.${value}`) }));
  const boxes = options.map(([id, words]) => el("label", { class: "check" }, el("input", { type: "checkbox", name: `${name}-one`, value: id, checked: kept.includes(id) }), el("span", { text: words })));
  const search = el("input", { type: "search", autocomplete: "off", placeholder: say(`${key}.search`), "aria-label": say(`${key}.search`) });
  const none = el("p", { class: "quiet", text: say("some.none"), hidden: true });
  const count = el("p", { class: "quiet", role: "status" });
  const inner = el(
    "div",
    { class: "some-inner" },
    options.length >= SEARCHED_FROM && search,
    el("div", { class: "some-boxes", role: "group", "aria-label": say(`${key}.label`) }, ...boxes, none),
    count,
  );
  const element = el(
    "fieldset",
    { class: "some", name, tabindex: "-1", "aria-describedby": `some-${name}-error` },
    el("legend", { text: say(`${key}.label`) }),
    el("div", { class: "segments" }, scope("all", chosen === null), scope("some", chosen !== null)),
    inner,
    gone > 0 && el("p", { class: "field-hint", text: say(gone === 1 ? "some.gone.one" : "some.gone", { count: gone }) }),
    el("p", { class: "field-error", id: `some-${name}-error`, hidden: true }),
  );
  const checked = () => [...element.querySelectorAll(`input[name="${name}-one"]:checked`)].map((box) => box.value);
  const isSome = () => element.querySelector(`input[name="${name}-scope"][value="some"]`).checked;
  const turn = () => {
    inner.hidden = !isSome();
    count.textContent = say("some.count", { count: checked().length, total: options.length });
  };
  element.addEventListener("change", turn);
  search.addEventListener("input", () => {
    const words = search.value.trim().toLowerCase();
    for (const box of boxes) box.hidden = !box.textContent.toLowerCase().includes(words);
    none.hidden = boxes.some((box) => !box.hidden);
  });
  search.addEventListener("keydown", (event) => {
    if (event.key === "Enter") event.preventDefault(); // it looks, and sends nothing
  });
  turn();
  return {
    element,
    /** The ids that are chosen, or null for all. */
    value: () => (isSome() ? checked() : null),
    /** Whether something is chosen; else what is missing. */
    get missing() {
      return isSome() && !checked().length ? say(`${key}.missing`) : "";
    },
  };
}

/** In words, where not all are meant. @param {string} key @param {string[] | null} ids @param {Map<string, string>} names */
export function someInWords(key, ids, names) {
  if (ids === null) return "";
  if (ids.length === 1) return say("some.only", { name: names.get(ids[0]) ?? say(`${key}.other`) });
  return say(`${key}.only`, { count: ids.length });
}
