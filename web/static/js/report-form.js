/** The sheet of a report: a new one, or one that there is. */

import { ApiError } from "./api.js";
import { el, fieldError, showFieldErrors, stateCard } from "./dom.js";
import { inWords } from "./failure.js";
import { choice, field, notice, tell, workingForm } from "./fields.js";
import { say } from "./text.js";
import { WEEK } from "./work-parts.js";

const KINDS = ["day", "exceptions", "month"];
const FREQUENCIES = ["daily", "weekly", "monthly"];
const MOST_ADDRESSES = 20;
const NEW = Object.freeze({ name: "", kind: "day", format: "xlsx", recipients: [], frequency: "daily", weekday: null, monthDay: null, time: "07:30", timeZone: "", siteId: null, departmentId: null, enabled: true });

/** What was typed as addresses: one a line, or with commas; each once. @param {string} typed */
export function addressesIn(typed) {
  const found = new Map();
  for (const one of typed.split(/[\n,;]+/).map((part) => part.trim()).filter(Boolean)) {
    if (!found.has(one.toLowerCase())) found.set(one.toLowerCase(), one);
  }
  return [...found.values()];
}

export class ReportForm {
  #api;
  #sheet;
  #saved;
  #zone;
  #turn = 0; // an answer about what was opened before is not shown
  /** @type {Map<string, {name: string, timezone: string}>} */
  #sites = new Map();
  /** @type {Map<string, string>} */
  #departments = new Map();

  /** @param {import("./api.js").Api} api @param {import("./sheet.js").Sheet} sheet @param {string} zone where no site is named @param {(report: any) => void} saved */
  constructor(api, sheet, zone, saved) {
    this.#api = api;
    this.#sheet = sheet;
    this.#zone = zone;
    this.#saved = saved;
  }

  /** What it can be limited to, by id. @param {Map<string, any>} sites @param {Map<string, string>} departments */
  names(sites, departments) {
    [this.#sites, this.#departments] = [sites, departments];
  }

  /** A new one. */
  begin() {
    this.#turn += 1;
    const key = crypto.randomUUID?.() ?? String(Math.random()); // the same answer again, if the first one was lost
    const send = (body) => this.#api.post("reports", body, { key });
    this.#sheet.open(say("reports.add"), this.#form({ ...NEW, timeZone: this.#zone }, say("reports.create"), send));
    document.getElementById("report-name").focus();
  }

  /** @param {string} id */
  async open(id) {
    const turn = ++this.#turn;
    this.#sheet.open(say("reports.form"), el("div", { class: "person-loading shimmer", "aria-hidden": "true" }));
    try {
      const { data, tag } = await this.#api.read(`reports/${id}`);
      if (turn !== this.#turn) return;
      const send = (body) => this.#api.patch(`reports/${id}`, body, { tag });
      this.#sheet.show(data.name, this.#form(data, say("save"), send));
      document.getElementById("report-name").focus();
    } catch (error) {
      if (turn !== this.#turn) return;
      const again = el("button", { class: "button", type: "button", text: say("again"), on: { click: () => this.open(id) } });
      this.#sheet.show(say("failed.title"), stateCard({ icon: "alert", title: say("failed.title"), text: inWords(error), action: again, tone: "state-failed" }));
    }
  }

  /** Addresses do not stay. */
  left() {
    this.#turn += 1;
    this.#sheet.show(say("reports.form"));
  }

  #form(report, submit, send) {
    const cancel = el("button", { class: "button", type: "button", text: say("cancel"), on: { click: () => this.#sheet.close() } });
    const kind = choice({ id: "report-kind", name: "kind", label: say("reports.kind"), hint: say(`reports.kind.${report.kind}.hint`), options: KINDS.map((one) => [one, say(`reports.kind.${one}`)]), value: report.kind });
    const often = choice({ id: "report-frequency", name: "frequency", label: say("reports.frequency"), hint: say(`reports.of.${report.frequency}`), options: FREQUENCIES.map((one) => [one, say(`reports.frequency.${one}`)]), value: report.frequency });
    const weekday = choice({ id: "report-weekday", name: "weekday", label: say("reports.weekday"), options: WEEK.map(([day, , name]) => [String(day), name]), value: String(report.weekday ?? 1) });
    const monthDay = field({ id: "report-monthDay", name: "monthDay", type: "number", min: 1, max: 28, step: 1, inputmode: "numeric", label: say("reports.monthDay"), hint: say("reports.monthDay.hint"), value: report.monthDay ?? 1 });
    const form = workingForm(
      { label: report.name || say("reports.add"), submit, busy: say("account.busy"), extra: [cancel], send: (made, value) => this.#send(report, send, made, value) },
      field({ id: "report-name", name: "name", label: say("reports.name"), value: report.name, maxlength: 200 }),
      kind,
      choice({ id: "report-format", name: "format", label: say("reports.format"), options: ["xlsx", "csv"].map((one) => [one, say(`reports.format.${one}`)]), value: report.format }),
      addresses(report.recipients),
      often,
      weekday,
      monthDay,
      el("div", { class: "field-pair" },
        field({ id: "report-time", name: "time", type: "time", label: say("reports.time"), value: report.time }),
        zone(report.timeZone),
      ),
      this.#limit("siteId", say("reports.site"), say("reports.sites.all"), new Map([...this.#sites].map(([id, site]) => [id, site.name])), report.siteId, say("reports.sites.other")),
      this.#limit("departmentId", say("reports.department"), say("reports.departments.all"), this.#departments, report.departmentId, say("reports.departments.other")),
      el("label", { class: "check" }, el("input", { type: "checkbox", name: "enabled", role: "switch", checked: report.enabled }), el("span", { text: say("reports.enabled") })),
    );
    this.#follow(form, { kind, often, weekday, monthDay });
    return form;
  }

  /** What is named stays, also where whoever looks cannot see it. */
  #limit(name, label, all, names, present, other) {
    const options = new Map([["", all], ...(present ? [[present, other]] : []), ...names]);
    return options.size > 1 && choice({ id: `report-${name}`, name, label, options: [...options], value: present ?? "" });
  }

  /** Fields that depend on others: days by how often, a month's table only monthly, the zone by the site. */
  #follow(form, { kind, often, weekday, monthDay }) {
    const of = (name) => form.elements.namedItem(name);
    const turn = () => {
      const monthly = of("kind").value === "month";
      if (monthly) of("frequency").value = "monthly";
      for (const option of of("frequency").options) option.disabled = monthly && option.value !== "monthly";
      kind.querySelector(".field-hint").textContent = say(`reports.kind.${of("kind").value}.hint`);
      often.querySelector(".field-hint").textContent = say(`reports.of.${of("frequency").value}`);
      weekday.hidden = of("frequency").value !== "weekly";
      monthDay.hidden = of("frequency").value !== "monthly";
    };
    for (const name of ["kind", "frequency"]) of(name).addEventListener("change", turn);
    let site = of("siteId")?.value ?? "";
    of("siteId")?.addEventListener("change", ({ target }) => {
      const before = this.#sites.get(site)?.timezone ?? this.#zone;
      site = target.value;
      const after = this.#sites.get(site)?.timezone ?? this.#zone;
      if ([before, ""].includes(of("timeZone").value.trim())) of("timeZone").value = after; // one that was typed stays
    });
    turn();
  }

  async #send(report, send, form, value) {
    const of = (name) => form.elements.namedItem(name);
    const recipients = addressesIn(of("recipients").value);
    const weekly = value("frequency") === "weekly";
    const monthly = value("frequency") === "monthly";
    const day = Number(value("monthDay"));
    const wrong = {
      name: !value("name") && say("reports.name.missing"),
      recipients: wrongAddresses(recipients),
      monthDay: monthly && !(Number.isInteger(day) && day >= 1 && day <= 28) && say("reports.monthDay.wrong"),
      time: !value("time") && say("reports.time.missing"),
    };
    for (const [name, sentence] of Object.entries(wrong)) if (sentence) fieldError(of(name), sentence);
    if (Object.values(wrong).some(Boolean)) return undefined;
    const body = {
      name: value("name"), kind: value("kind"), format: value("format"), recipients, frequency: value("frequency"),
      weekday: weekly ? Number(value("weekday")) : null, monthDay: monthly ? day : null, time: value("time"), timeZone: value("timeZone") || null,
      siteId: of("siteId") ? value("siteId") || null : report.siteId, departmentId: of("departmentId") ? value("departmentId") || null : report.departmentId,
      enabled: of("enabled").checked,
    };
    const turn = this.#turn;
    try {
      const saved = await send(body);
      if (turn === this.#turn) this.#sheet.close();
      this.#saved(saved);
    } catch (error) {
      this.#refused(form, error, recipients, report.id);
    }
    return undefined;
  }

  #refused(form, error, recipients, id) {
    if (!(error instanceof ApiError)) return tell(form, notice("red", inWords(error)));
    if (error.status === 412) {
      const load = el("button", { class: "button button-small", type: "button", text: say("camera.meanwhile.load"), on: { click: () => this.open(id) } });
      return tell(form, notice("amber", say("reports.meanwhile"), load));
    }
    const details = gathered(error.details, recipients);
    const rest = details.length ? showFieldErrors(form, { details, message: inWords(error) }) : inWords(error);
    return rest && tell(form, notice("red", rest));
  }
}

/** One a line, with its errors below. @param {string[]} recipients */
function addresses(recipients) {
  const text = el("textarea", { id: "report-recipients", name: "recipients", rows: 4, maxlength: 6000, spellcheck: "false", autocomplete: "off", autocapitalize: "off", dir: "ltr", "aria-describedby": "report-recipients-hint report-recipients-error" });
  text.value = recipients.join("\n");
  return el(
    "div",
    { class: "field" },
    el("label", { for: "report-recipients", text: say("reports.recipients") }),
    text,
    el("p", { class: "field-hint", id: "report-recipients-hint", text: say("reports.recipients.hint", { most: MOST_ADDRESSES }) }),
    el("p", { class: "field-error field-lines", id: "report-recipients-error", hidden: true }),
  );
}

function zone(value) {
  const known = Intl.supportedValuesOf ? Intl.supportedValuesOf("timeZone") : [];
  return el(
    "div",
    {},
    field({ id: "report-timeZone", name: "timeZone", label: say("reports.zone"), value, maxlength: 64, list: "report-zones", spellcheck: "false" }),
    el("datalist", { id: "report-zones" }, ...known.map((one) => el("option", { value: one }))),
  );
}

/** A sentence a line, or nothing. @param {string[]} recipients */
function wrongAddresses(recipients) {
  if (!recipients.length) return say("reports.recipients.missing");
  if (recipients.length > MOST_ADDRESSES) return say("reports.recipients.many", { most: MOST_ADDRESSES, count: recipients.length });
  const wrong = recipients.filter((one) => !/^[^\s@<>]+@[^\s@<>]+$/.test(one));
  return wrong.map((address) => say("reports.recipients.wrong", { address })).join("\n");
}

/** What the server says of single addresses becomes one error of their field, a line for each. */
function gathered(details, recipients) {
  const lines = [];
  const others = [];
  for (const { field: name, code, message } of details) {
    const address = recipients[Number(/^recipients\.(\d+)/.exec(name)?.[1] ?? Number.NaN)];
    if (address) lines.push(code === "string_pattern_mismatch" ? say("reports.recipients.wrong", { address }) : say("reports.recipients.refused", { address, message }));
    else others.push({ field: name, message });
  }
  return lines.length ? [{ field: "recipients", message: lines.join("\n") }, ...others] : others;
}
