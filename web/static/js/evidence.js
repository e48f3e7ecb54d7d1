/** Why a sighting has its name, or none: the moment with its box, the figures, and what may be done about it. */

import { certaintyBar } from "./certainty.js";
import { SightingClip } from "./clip.js";
import { el, face, icon } from "./dom.js";
import { inWords } from "./failure.js";
import { refusalWords } from "./feed.js";
import { Naming } from "./naming.js";
import { say, sayOr } from "./text.js";
import { clock, clockSeconds, fullTime, spoken } from "./times.js";

export class Evidence {
  #api;
  #sheet;
  #may;
  #uses;
  #shown = null;
  /** @type {HTMLElement[]} the picture and its clip */
  #pictured = [];

  /**
   * @param {import("./api.js").Api} api
   * @param {import("./sheet.js").Sheet} sheet
   * @param {(permission: string) => boolean} may
   * @param {{entryOf: (id: string) => any, cameraName: (id: string | null) => string | null,
   *   corrected: (sighting: any) => void, said: (sentence: string, tone?: "green" | "red") => void}} uses
   */
  constructor(api, sheet, may, uses) {
    this.#api = api;
    this.#sheet = sheet;
    this.#may = may;
    this.#uses = uses;
  }

  /** @param {any} sighting */
  open(sighting, lines = []) {
    this.#shown = sighting;
    const known = Boolean(sighting.personId);
    const camera = this.#cameraOf(sighting);
    const naming = !known && this.#may("sightings:write") && this.#may("people:write")
      ? new Naming(this.#api, sighting, (changed, told) => { this.#uses.corrected(changed); this.open(changed, told); }).element
      : null;
    this.#pictured = this.#pictures(sighting, camera);
    this.#sheet.open(
      say(known ? "evidence.title" : "evidence.unknown"),
      ...this.#pictured,
      ...this.#refusal(sighting),
      ...lines.map((line) => el("p", { class: `notice notice-${line.tone}`, role: "status" }, icon(line.tone === "green" ? "check" : "alert"), el("span", { text: line.text }))),
      this.#who(sighting, camera),
      ...(naming ? [naming] : []),
      this.#why(sighting, known),
      this.#facts(sighting, camera),
      ...(known && sighting.snapshotUrl && this.#may("sightings:write") && this.#may("people:write") ? [this.#keep(sighting)] : []),
      ...(known && this.#may("sightings:write") ? [this.#wrong(sighting)] : []),
    );
  }

  /** An event about the sighting that is open. */
  refresh(sighting) {
    if (!this.#sheet.isOpen || this.#shown?.id !== sighting.id) return;
    const same = this.#shown.personId === sighting.personId && (this.#shown.refusal ?? null) === (sighting.refusal ?? null);
    if (!same) return this.open(sighting);
    // The picture may be kept after what was told first. What somebody is writing below stays as it is.
    if (sighting.snapshotUrl && !this.#shown.snapshotUrl) this.#picture(sighting);
    return undefined;
  }

  #picture(sighting) {
    this.#shown = sighting;
    const [first, ...others] = this.#pictured;
    for (const other of others) other.remove();
    this.#pictured = this.#pictures(sighting, this.#cameraOf(sighting));
    first.replaceWith(...this.#pictured);
  }

  #pictures(sighting, camera) {
    const moment = this.#moment(sighting, camera);
    return [moment, new SightingClip(this.#api, sighting, moment).element];
  }

  #cameraOf(sighting) {
    return sighting.cameraName ?? this.#uses.cameraName(sighting.cameraId) ?? say("feed.camera.gone");
  }

  #refusal(sighting) {
    if (!sighting.refusal || this.#uses.entryOf(sighting.id)) return [];
    return [el("p", { class: "notice notice-red" }, icon("alert"), el("span", { text: say("evidence.refused", { why: refusalWords(sighting.refusal) }) }))];
  }

  #moment(sighting, camera) {
    if (!sighting.snapshotUrl) return el("p", { class: "moment moment-none quiet", text: say("evidence.no.snapshot") });
    const picture = el("img", { src: sighting.snapshotUrl, alt: say("evidence.snapshot", { camera }) });
    const frame = el("figure", { class: "moment" }, picture);
    if (sighting.box?.length === 4) {
      const [x, y, w, h] = sighting.box;
      frame.append(el("span", { class: sighting.personId ? "moment-box" : "moment-box moment-box-unknown", "aria-hidden": "true", vars: { "--x": x, "--y": y, "--w": w, "--h": h } }));
    }
    picture.addEventListener("error", () => frame.replaceChildren(el("figcaption", { class: "quiet", text: say("evidence.no.snapshot") })));
    return frame;
  }

  #who(sighting, camera) {
    const time = el("time", { datetime: sighting.startedAt, title: fullTime(sighting.startedAt), text: spoken(sighting.startedAt) });
    return el(
      "div",
      { class: "who" },
      face(sighting.faceUrl, "face-56"),
      sighting.person && el("span", { class: "who-versus" }, face(sighting.person.photoUrl, "face-56", sighting.person.fullName)),
      el(
        "div",
        { class: "who-words" },
        el("p", { class: "who-name", text: sighting.person?.fullName ?? camera }),
        el("p", { class: "quiet" }, ...(sighting.person ? [camera, " · "] : []), time),
      ),
      sighting.person && this.#may("people:read") && el("a", { class: "icon-button", href: `/people?person=${encodeURIComponent(sighting.person.id)}`, "aria-label": say("evidence.person", { name: sighting.person.fullName }) }, icon("chevron-right")),
    );
  }

  #why(sighting, known) {
    const { similarity, threshold, margin, votes } = sighting;
    const number = (value) => (value === null || value === undefined ? say("person.none") : value.toFixed(2));
    const rows = [];
    if (similarity !== null && similarity !== undefined) {
      const needed = threshold === null || threshold === undefined ? number(similarity) : say("evidence.similarity.of", { value: number(similarity), threshold: number(threshold) });
      rows.push(["evidence.similarity", el("span", { class: "figures", text: needed })]);
    }
    if (known && margin !== null && margin !== undefined) rows.push(["evidence.margin", el("span", { class: "figures", text: number(margin) })]);
    rows.push(...this.#bar(sighting, number));
    if (typeof sighting.liveness === "number" || sighting.livenessVerdict) rows.push(["evidence.liveness", el("span", { class: "figures", text: this.#liveness(sighting, number) })]);
    rows.push([known ? "evidence.votes" : "evidence.votes.unknown", el("span", { class: "figures", text: String(votes ?? 0) })]);
    return el(
      "section",
      { class: "block" },
      el("h3", { text: say(known ? "evidence.why" : "evidence.why.unknown") }),
      known || similarity ? el("div", { class: "why-bar" }, certaintyBar(sighting, { mark: true })) : null,
      !known && el("p", { class: "quiet", text: say(similarity ? "evidence.below" : "evidence.nobody") }),
      this.#pairs(rows),
    );
  }

  #liveness({ liveness, livenessVerdict }, number) {
    const word = sayOr(`evidence.liveness.${livenessVerdict}`, say("evidence.liveness.null"));
    return typeof liveness === "number" ? say("evidence.liveness.number", { value: number(liveness), word }) : word;
  }

  /** What the threshold is made of, and what the frames weighed. */
  #bar({ evidence }, number) {
    if (!evidence) return [];
    const parts = [say("evidence.threshold.base", { base: number(evidence.base), people: evidence.people })];
    if (evidence.raisedFor) parts.push(say(`evidence.threshold.${evidence.raisedFor}`, { raised: `+ ${number(evidence.raised)}` }));
    if (evidence.refusedSimilarity !== null && evidence.threshold > evidence.base + evidence.raised) parts.push(say("evidence.threshold.refused", { value: number(evidence.refusedSimilarity) }));
    const rows = [["evidence.threshold", el("span", { class: "figures", text: parts.join(" ") })]];
    if (evidence.weights?.length) rows.push(["evidence.weights", el("span", { class: "figures", text: evidence.weights.map(number).join(" ") })]);
    return rows;
  }

  #keep(sighting) {
    const button = el("button", { class: "button button-wide", type: "button", text: say("evidence.keep") });
    button.addEventListener("click", async () => {
      button.disabled = true;
      try {
        const answer = await this.#api.patch(`sightings/${sighting.id}`, { personId: sighting.personId, keepView: true });
        const why = answer.viewRefused?.message ?? "";
        const line = answer.viewKept ? { tone: "green", text: say("evidence.keep.done") } : { tone: "amber", text: say("evidence.keep.not", { why }) };
        this.open({ ...sighting, ...answer }, [line]);
      } catch (error) {
        button.disabled = false;
        this.#uses.said(inWords(error), "red");
      }
    });
    return button;
  }

  #facts(sighting, camera) {
    const entry = this.#uses.entryOf(sighting.id);
    const at = (time) => el("time", { class: "figures", datetime: time, title: fullTime(time), text: clockSeconds(time) });
    const last = sighting.endedAt ?? sighting.lastSeenAt;
    const rows = [
      entry && ["evidence.entry", el("span", { class: `chip chip-${entry.direction}` }, icon(entry.direction), el("span", { text: say(`evidence.entry.${entry.direction}`, { time: clock(entry.at) }) }))],
      ["evidence.camera", el("span", { text: camera })],
      ["evidence.from", at(sighting.startedAt)],
      ["evidence.to", sighting.state === "open" ? el("span", { class: "feed-here", text: say("evidence.here") }) : last ? at(last) : el("span", { text: say("person.none") })],
      sighting.pack && ["evidence.pack", el("span", { text: sighting.pack })],
    ].filter(Boolean);
    return el("section", { class: "block" }, el("h3", { text: say("person.details") }), this.#pairs(rows));
  }

  #pairs(rows) {
    return el("dl", { class: "pairs" }, ...rows.map(([key, value]) => el("div", {}, el("dt", { text: say(key) }), el("dd", {}, value))));
  }

  #wrong(sighting) {
    const name = sighting.person?.fullName ?? say("unknown");
    const button = el("button", { class: "button button-quiet-red", type: "button", text: say("evidence.wrong", { name }) });
    button.addEventListener("click", async () => {
      button.disabled = true;
      try {
        const answer = await this.#api.patch(`sightings/${sighting.id}`, { personId: null });
        const changed = { ...sighting, ...answer, personId: null, person: null };
        this.#uses.corrected(changed);
        const lines = [say("evidence.wrong.done"), ...(answer.refusalRemembered ? [say("evidence.wrong.remembered", { name })] : [])];
        this.open(changed, lines.map((text) => ({ tone: "green", text })));
      } catch (error) {
        button.disabled = false;
        this.#uses.said(inWords(error), "red");
      }
    });
    return button;
  }
}
