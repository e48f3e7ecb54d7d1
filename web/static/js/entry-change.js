/** Forms of a day's sheet: an entry by hand, another time or direction, one that does not count; each with its reason. */

import { ApiError } from "./api.js";
import { el, fieldError, showFieldErrors } from "./dom.js";
import { inWords } from "./failure.js";
import { choice, field, notice, tell, workingForm } from "./fields.js";
import { say } from "./text.js";
import { clockIn, dateIn, instant } from "./zoned.js";

/**
 * @param {import("./api.js").Api} api
 * @param {{personId: string, zone: string, date: string, entry?: any, done: (answer: any) => void, cancel: () => void,
 *   failed: (sentence: string) => void}} of `failed`: tells what a form that is not shown any more cannot;
 *   without an entry a new one is made
 */
export function entryForm(api, { personId, zone, date, entry = null, done, cancel, failed }) {
  const was = entry ? { date: dateIn(zone, entry.at), time: clockIn(zone, entry.at), direction: entry.direction } : { date, time: "", direction: "in" };
  const send = async (form, value) => {
    if (!complete(form, value, ["date", "time", "reason"])) return;
    const at = instant(zone, value("date"), value("time"));
    const said = { direction: value("direction"), reason: value("reason") };
    const moved = !entry || value("date") !== was.date || value("time") !== was.time;
    if (entry && !moved && said.direction === was.direction) return complain(form, "time", "entry.unchanged");
    await work(form, failed, async () => done(entry ? await api.patch(`attendance/entries/${entry.id}`, { ...said, ...(moved ? { at } : {}) }) : await api.post("attendance/entries", { personId, at, ...said })));
  };
  return workingForm(
    { label: say(entry ? "entry.change.label" : "entry.add"), submit: say(entry ? "entry.change.submit" : "entry.add.submit"), busy: say("entry.busy"), extra: [cancelButton(cancel)], send },
    el("h4", { text: say(entry ? "entry.change.label" : "entry.add") }),
    el(
      "div",
      { class: "field-pair" },
      field({ id: "entry-date", name: "date", type: "date", label: say("entry.date"), value: was.date, required: true }),
      field({ id: "entry-time", name: "time", type: "time", label: say("entry.time"), hint: say("day.zone", { zone }), value: was.time, required: true }),
    ),
    choice({ id: "entry-direction", name: "direction", label: say("entry.direction"), options: [["in", say("person.entry.in")], ["out", say("person.entry.out")]], value: was.direction }),
    reason(),
  );
}

/**
 * @param {import("./api.js").Api} api
 * @param {{entry: any, zone: string, done: () => void, cancel: () => void, failed: (sentence: string) => void}} of
 */
export function removalForm(api, { entry, zone, done, cancel, failed }) {
  const words = say("entry.remove.sure", { way: say(`person.entry.${entry.direction}`), time: clockIn(zone, entry.at) });
  const send = async (form, value) => {
    if (!complete(form, value, ["reason"])) return;
    await work(form, failed, async () => done(await api.delete(`attendance/entries/${entry.id}`, { reason: value("reason") })));
  };
  return workingForm({ label: say("entry.remove"), submit: say("entry.remove"), busy: say("entry.busy"), extra: [cancelButton(cancel)], send }, el("p", { text: words }), reason());
}

function reason() {
  return field({ id: "entry-reason", name: "reason", label: say("entry.reason"), hint: say("entry.reason.hint"), maxlength: 500, required: true });
}

function cancelButton(cancel) {
  return el("button", { class: "button", type: "button", text: say("cancel"), on: { click: cancel } });
}

function complete(form, value, names) {
  const missing = names.filter((name) => !value(name));
  for (const name of missing) fieldError(form.elements.namedItem(name), say(`entry.missing.${name}`));
  return missing.length === 0;
}

function complain(form, name, key) {
  fieldError(form.elements.namedItem(name), say(key));
}

async function work(form, failed, run) {
  try {
    await run();
  } catch (error) {
    if (!form.getClientRects().length) return failed(inWords(error));
    const details = error instanceof ApiError ? error.details.map((one) => (one.field === "at" ? { ...one, field: "time" } : one)) : [];
    const rest = details.length ? showFieldErrors(form, { details, message: error.message }) : inWords(error);
    if (rest) tell(form, notice("red", rest));
  }
  return undefined;
}
