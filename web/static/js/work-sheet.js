/** The sheet of one shift, schedule, holiday, leave or site: new or changed, with what the server refused at its field. */

import { ApiError } from "./api.js";
import { el, fieldError, icon, showFieldErrors, stateCard } from "./dom.js";
import { inWords } from "./failure.js";
import { notice, tell, workingForm } from "./fields.js";
import { say } from "./text.js";

export class WorkSheet {
  #api;
  #sheet;
  #context;
  #may;
  #uses;
  #turn = 0;

  /**
   * @param {import("./api.js").Api} api
   * @param {import("./sheet.js").Sheet} sheet
   * @param {any} context
   * @param {(permission: string) => boolean} may
   * @param {{changed: (sentence: string) => void}} uses
   */
  constructor(api, sheet, context, may, uses) {
    this.#api = api;
    this.#sheet = sheet;
    this.#context = context;
    this.#may = may;
    this.#uses = uses;
  }

  /** @param {any} kind @param {string | null} [id] without one a new one is made */
  async open(kind, id = null) {
    const turn = ++this.#turn;
    const title = say(id ? `work.${kind.name}.change` : `work.${kind.name}.add`);
    this.#sheet.open(title, el("div", { class: "person-loading shimmer", role: "status", "aria-label": say("work.loading") }));
    try {
      const [{ data, tag }] = await Promise.all([id ? this.#api.read(`${kind.path}/${id}`) : { data: null, tag: null }, this.#context.prepare()]);
      if (data) await this.#context.learn([data]);
      if (turn === this.#turn) this.#show(kind, title, data, tag);
    } catch (error) {
      if (turn !== this.#turn) return;
      const again = el("button", { class: "button", type: "button", text: say("again"), on: { click: () => this.open(kind, id) } });
      this.#sheet.show(title, stateCard({ icon: "alert", title: say("failed.title"), text: inWords(error), action: again, tone: "state-failed" }));
    }
  }

  #show(kind, title, row, tag) {
    const { parts, value: bodyOf } = kind.form(row, this.#context, this.#api);
    const cancel = el("button", { class: "button", type: "button", text: say("cancel"), on: { click: () => this.#sheet.close() } });
    const send = async (form, value) => {
      const body = bodyOf(form, value);
      if (!body) return undefined; // it has said what is missing
      try {
        await (row ? this.#api.put(`${kind.path}/${row.id}`, body, { tag }) : this.#api.post(kind.path, body));
        this.#sheet.close();
        this.#uses.changed(say("saved"));
      } catch (error) {
        refused(kind, form, error, row && (() => this.open(kind, row.id)));
      }
      return undefined;
    };
    const form = workingForm({ label: title, submit: say(row ? "save" : `work.${kind.name}.add`), busy: say("account.busy"), extra: [cancel], send }, ...parts);
    const removal = row && this.#may("attendance:delete") ? this.#removal(kind, row, tag) : null;
    this.#sheet.show(title, form, ...(removal ? [removal] : []));
    form.querySelector("input, select")?.focus();
  }

  /** Asks once more in its place. */
  #removal(kind, row, tag) {
    const holder = el("div", { class: "removal" });
    const ask = el("button", { class: "button button-quiet-red", type: "button", on: { click: () => sure() } }, icon("trash"), el("span", { text: say(`work.${kind.name}.remove`) }));
    const sure = () => {
      const keep = el("button", { class: "button", type: "button", text: say("cancel"), on: { click: () => { holder.replaceChildren(ask); ask.focus(); } } });
      const remove = el("button", { class: "button button-red", type: "button", text: say("work.remove.yes"), on: { click: () => this.#remove(kind, row, tag, holder, ask) } });
      holder.replaceChildren(el("p", { text: say(`work.${kind.name}.remove.sure`) }), el("div", { class: "row" }, remove, keep));
      keep.focus();
    };
    holder.append(ask);
    return holder;
  }

  async #remove(kind, row, tag, holder, ask) {
    for (const button of holder.querySelectorAll("button")) button.disabled = true;
    try {
      await this.#api.delete(`${kind.path}/${row.id}`, undefined, { tag });
      this.#sheet.close();
      this.#uses.changed(say("work.removed"));
    } catch (error) {
      const again = error instanceof ApiError && error.status === 412 ? el("button", { class: "button button-small", type: "button", text: say("work.meanwhile.load"), on: { click: () => this.open(kind, row.id) } }) : null;
      const words = again ? say("work.meanwhile") : error instanceof ApiError && error.status === 404 ? say("work.gone") : inWords(error);
      holder.replaceChildren(notice(again ? "amber" : "red", words, ...(again ? [again] : [])), ask);
      ask.focus();
    }
  }
}

/** What the server said, at the field that it names. @param {any} kind @param {any} form @param {unknown} error @param {(() => void) | null} reload */
function refused(kind, form, error, reload) {
  if (!(error instanceof ApiError)) return tell(form, notice("red", inWords(error)));
  if (error.status === 412 && reload) {
    return tell(form, notice("amber", say("work.meanwhile"), el("button", { class: "button button-small", type: "button", text: say("work.meanwhile.load"), on: { click: reload } })));
  }
  if (error.status === 404) return tell(form, notice("red", say("work.gone")));
  const taken = kind.taken?.[error.code];
  if (taken) return atField(form, taken, error.message);
  const details = error.details.map((one) => ({ ...one, field: kind.renamed?.[one.field] ?? one.field, message: inSentence(one) }));
  const rest = details.length ? showFieldErrors(form, { details, message: details.map((one) => one.message).join(" ") }) : inWords(error);
  const folded = form.querySelector('[aria-invalid="true"]')?.closest("details");
  if (folded) folded.open = true;
  return rest ? tell(form, notice("red", rest)) : undefined;
}

/** The server's types of what is wrong, in words for people. */
function inSentence({ code, message }) {
  if (code === "string_pattern_mismatch") return say("work.wrong.time");
  if (code === "int_parsing" || code === "int_type" || code === "int_from_float") return say("work.wrong.number");
  return message;
}

function atField(form, name, sentence) {
  const input = form.elements.namedItem(name);
  if (!input) return tell(form, notice("red", sentence));
  fieldError(input, sentence);
  return input.focus();
}
