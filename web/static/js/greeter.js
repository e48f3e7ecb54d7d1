/** What the kiosk says: greetings that stay three seconds and shrink into a strip, or what to do instead. */

import { face } from "./dom.js";
import { GreetingCards } from "./greeting-cards.js";
import { say, sayOr } from "./text.js";

const GREETING_MS = 3000;
const BESIDE_MS = 4000; // among several, who reads has more to read
const UNKNOWN_MS = 5000;
const KEPT_MS = 5000;
const CHALLENGE_MS = 10_000;
const STRIP_MS = 30_000; // the name of the last one does not stay for the next
const TWICE_MS = 10_000; // the answer to a code and its event tell the same
const HEARD = 4;
const AGAIN_MS = 60_000; // not recognised again so soon is told what else to try
const ADVICE = ["step_closer", "take_off_mask", "use_code"];

/**
 * @typedef {{name: string, photoUrl: string | null, direction: "in" | "out" | null, at: string, hint: string | null,
 *   shift?: {name?: string, lateMinutes?: number | null} | null, lateMinutes?: number | null}} Greeting
 */

export class Greeter {
  #root;
  #uses;
  #cards;
  #timer = 0;
  #strip = 0;
  #turn = 0; // a portrait that arrives late is not shown under the next name
  /** @type {import("./greeting-cards.js").Said | null} */
  #single = null;
  #singleUntil = 0;
  #offlineSince = null;
  #takesCodes = false;
  #refusals = 0;
  #refusedAt = Number.NEGATIVE_INFINITY;
  /** @type {Map<string, number>} */
  #greeted = new Map();

  /**
   * @param {HTMLElement} root
   * @param {{pictureOf: (url: string) => Promise<string>, wall: import("./wall-clock.js").WallClock,
   *   tones: import("./tones.js").Tones, takesCodes?: () => boolean}} uses `pictureOf`: a URL that an image may show
   */
  constructor(root, uses) {
    this.#root = root;
    this.#uses = uses;
    this.#cards = new GreetingCards(this.#part("cards"), (last) => this.#over(last));
    this.#tick();
    setInterval(() => this.#tick(), 1000);
    this.#idle();
  }

  /** The language has changed. */
  relabel() {
    this.#tick();
    this.#part("strip").hidden = true;
    if (["idle", "offline"].includes(this.#root.dataset.state)) this.#idle();
    this.#hint(null);
    this.#offlineLine();
  }

  /** @param {Greeting} greeting @param {{aside?: boolean}} [how] `aside`: in the strip alone, because somebody types */
  greet(greeting, { aside = false } = {}) {
    if (this.#isTwice(greeting)) return;
    this.#refusedAt = Number.NEGATIVE_INFINITY; // somebody else stands there next
    const said = this.#inWords(greeting);
    this.#uses.tones.play("greeting");
    this.#hear(say("kiosk.said", { greeting: said.hello, name: said.name, what: said.what, time: said.time, shift: said.shift }));
    if (aside) this.#last(said);
    else if (this.#cards.count || this.#single) this.#beside(said, greeting);
    else this.#alone(said, greeting);
  }

  #alone(said, { photoUrl, hint }) {
    clearTimeout(this.#timer);
    const turn = ++this.#turn;
    this.#single = said;
    this.#singleUntil = performance.now() + GREETING_MS;
    this.#show("greeting", said.hello, said.name, said.what, said.time);
    this.#root.dataset.direction = said.direction;
    this.#shift(said);
    this.#hint(hint && sayOr(`kiosk.hint.${hint}`, ""));
    this.#noFace();
    if (photoUrl) this.#portrait(photoUrl, turn).then((shown) => this.#cards.picture(said, shown), () => undefined);
    this.#badge("check");
    this.#fit();
    this.#timer = setTimeout(() => this.#over(said), GREETING_MS);
  }

  /** Nobody's greeting is cut short by the next: from two on each has a card. */
  #beside(said, { photoUrl }) {
    if (this.#single) {
      clearTimeout(this.#timer);
      const left = this.#singleUntil - performance.now();
      this.#cards.add(this.#single, Math.max(left, BESIDE_MS / 2));
      this.#single = null;
      this.#turn += 1;
      this.#show("greeting", "", "", "");
      this.#root.dataset.several = "";
    }
    this.#cards.add(said, BESIDE_MS);
    if (photoUrl) this.#uses.pictureOf(photoUrl).then((shown) => this.#cards.picture(said, shown), () => undefined);
  }

  #over(said) {
    this.#single = null;
    this.#last(said);
    this.#idle();
  }

  #isTwice({ name, at }) {
    const now = performance.now();
    for (const [key, when] of this.#greeted) if (now - when > TWICE_MS) this.#greeted.delete(key);
    const key = `${at} ${name}`;
    if (this.#greeted.has(key)) return true;
    this.#greeted.set(key, now);
    return false;
  }

  /** @param {Greeting} greeting @returns {import("./greeting-cards.js").Said} */
  #inWords({ name, direction, at, shift, lateMinutes }) {
    const way = direction ?? "seen";
    const late = lateMinutes ?? shift?.lateMinutes ?? null;
    const state = way !== "in" || !shift || late === null ? "" : late > 0 ? say("kiosk.late", { count: late }) : say("kiosk.ontime");
    const words = [shift?.name, state].filter((word) => word).join(" · ");
    return {
      name, direction: way, at, hello: this.#hello(direction), what: say(`kiosk.${way}`), time: this.#uses.wall.clock(at),
      shift: words, late: way === "in" && late > 0, picture: null,
    };
  }

  /** @param {{hint: string | null}} unknown */
  refuse({ hint }) {
    if (this.#root.dataset.state === "greeting") return;
    const advice = hint === ADVICE[0] ? this.#advice() : hint;
    this.#instead("unknown", say("kiosk.unknown.lead"), say("kiosk.unknown"), sayOr(`kiosk.unknown.${advice}`, say("kiosk.unknown.hint")), "question", UNKNOWN_MS);
  }

  /** One thing after the other, for whoever is not recognised again and again; then what always helps. */
  #advice() {
    const now = performance.now();
    this.#refusals = now - this.#refusedAt < AGAIN_MS ? this.#refusals + 1 : 0;
    this.#refusedAt = now;
    const advice = ADVICE[Math.min(this.#refusals, ADVICE.length - 1)];
    return advice === "use_code" && !this.#uses.takesCodes?.() ? null : advice;
  }

  /** A badge was not taken. @param {string} sentence */
  refuseBadge(sentence) {
    this.#instead("unknown", say("kiosk.unknown.lead"), say("kiosk.unknown"), sentence, "question", UNKNOWN_MS);
  }

  /** It waits for the network. @param {Date} at */
  kept(at) {
    this.#instead("kept", "", say("kiosk.kept"), say("kiosk.kept.line"), "check", KEPT_MS, this.#uses.wall.clock(at));
  }

  #instead(state, lead, big, line, badge, ms, time = "") {
    if (this.#root.dataset.state === "greeting" && state === "unknown") return; // a greeting is not cut short by who stands behind
    this.#cut();
    this.#uses.tones.play(state === "unknown" ? "refused" : "greeting");
    this.#show(state, lead, big, line, time);
    this.#hear([big, time, line].filter((word) => word).join(". "));
    this.#hint(null);
    this.#noFace();
    this.#badge(badge);
    this.#fit();
    this.#timer = setTimeout(() => this.#idle(), ms);
  }

  /** What to do before the camera, so that it sees a living face. @param {{hint: string | null, step?: number, of?: number, at?: string, deadline?: string | null}} challenge */
  ask({ hint, step: number, of, at, deadline }) {
    if (this.#root.dataset.state === "greeting") return;
    clearTimeout(this.#timer);
    const step = sayOr(`kiosk.challenge.${hint}`, "") ? hint : "turn_head";
    const lead = number ? say("kiosk.challenge.lead.step", { step: number, of }) : say("kiosk.challenge.lead");
    const [big, line] = [say(`kiosk.challenge.${step}`), sayOr(`kiosk.challenge.${step}.line`, "")];
    this.#uses.tones.play("asked");
    this.#show("challenge", lead, big, line);
    this.#hear(`${big}. ${line}`);
    this.#hint(null);
    this.#noFace();
    this.#badge(null);
    this.#fit();
    // By the server's clock alone: that of a screen may be wrong.
    const left = deadline ? Date.parse(deadline) - (at ? Date.parse(at) : Date.now()) : CHALLENGE_MS;
    const ms = Math.min(Math.max(left, 1000), 30_000);
    this.#timer = setTimeout(() => this.#idle(), ms + 1000);
    if (deadline) this.#drain(ms);
  }

  /** The ring empties until the time is over. */
  #drain(ms) {
    this.#root.style.setProperty("--left", `${ms}ms`);
    void this.#root.offsetWidth; // so that it begins anew with each step
    this.#root.dataset.limited = "";
  }

  /** @param {Date | null} since @param {boolean} takesCodes whether codes are kept meanwhile */
  offline(since, takesCodes) {
    const news = (since === null) !== (this.#offlineSince === null);
    this.#offlineSince = since;
    this.#takesCodes = takesCodes;
    this.#offlineLine();
    if (!["greeting", "kept"].includes(this.#root.dataset.state)) this.#idle();
    if (news && since) this.#hear(`${say("kiosk.offline.big")}. ${say(takesCodes ? "kiosk.offline.line" : "kiosk.offline.desk")}`);
  }

  #offlineLine() {
    const since = this.#offlineSince;
    this.#part("offline").hidden = since === null;
    this.#part("offline-text").textContent = since ? say("kiosk.offline", { time: this.#uses.wall.clock(since) }) : "";
  }

  #cut() {
    clearTimeout(this.#timer);
    this.#cards.clear();
    this.#single = null;
    this.#turn += 1;
  }

  #idle() {
    this.#cut();
    const off = this.#offlineSince !== null;
    if (off) this.#show("offline", "", say("kiosk.offline.big"), say(this.#takesCodes ? "kiosk.offline.line" : "kiosk.offline.desk"));
    else this.#show("idle", this.#uses.wall.clock(new Date()), say("kiosk.look"), say("kiosk.waiting"));
    delete this.#root.dataset.direction;
    this.#hint(null);
    this.#noFace();
    this.#badge(off ? "offline" : null);
    this.#fit();
  }

  #show(state, lead, big, line, time = "") {
    this.#root.dataset.state = state;
    delete this.#root.dataset.limited;
    delete this.#root.dataset.several;
    this.#part("lead").textContent = lead;
    this.#part("big").textContent = big;
    this.#part("line").textContent = line;
    this.#part("time").textContent = time;
    this.#part("shift").textContent = "";
  }

  #shift({ shift, late }) {
    this.#part("shift").textContent = shift;
    this.#part("shift").classList.toggle("is-late", late);
  }

  #hello(direction) {
    if (direction === "out") return say("kiosk.bye");
    const hour = this.#uses.wall.hour(new Date());
    return say(hour < 11 ? "kiosk.hello.morning" : hour < 17 ? "kiosk.hello.day" : "kiosk.hello.evening");
  }

  /** The name does not wait for the face: it is added when it is there, while its greeting is still shown. */
  async #portrait(url, turn) {
    const shown = await this.#uses.pictureOf(url);
    if (turn !== this.#turn) return shown;
    const picture = this.#part("face");
    picture.src = shown;
    await picture.decode();
    if (turn === this.#turn) picture.hidden = false;
    return shown;
  }

  #noFace() {
    this.#part("face").hidden = true;
  }

  #badge(name) {
    this.#part("badge").hidden = !name;
    if (name) this.#part("badge-icon").setAttribute("href", `/static/icons.svg#${name}`);
  }

  #hint(words) {
    this.#part("hint").textContent = words || say("kiosk.hint");
  }

  #last({ name, direction, time, picture }) {
    const strip = this.#part("strip");
    this.#root.querySelector("[data-strip-face]").replaceChildren(face(picture, "face-56", name));
    this.#root.querySelector("[data-strip-who]").textContent = say("kiosk.last", { name, what: say(`kiosk.last.${direction}`, { time }) });
    strip.hidden = false;
    clearTimeout(this.#strip);
    this.#strip = setTimeout(() => {
      strip.hidden = true;
      strip.querySelectorAll("span").forEach((part) => part.replaceChildren());
    }, STRIP_MS);
  }

  /** For who does not see the screen: one after the other, so that nothing is lost when several come. */
  #hear(sentence) {
    const region = this.#part("said");
    const line = document.createElement("p");
    line.textContent = sentence;
    region.append(line);
    while (region.childElementCount > HEARD) region.firstElementChild.remove();
    setTimeout(() => line.remove(), STRIP_MS); // who comes hours later is not to find it by a screen reader
  }

  /** A single word wider than the screen gets smaller letters; everything else wraps. */
  #fit() {
    const big = this.#part("big");
    big.style.removeProperty("--fit");
    const over = big.scrollWidth / Math.max(1, big.clientWidth);
    if (over > 1) big.style.setProperty("--fit", String(1 / over));
  }

  #tick() {
    const now = new Date();
    this.#part("date").textContent = this.#uses.wall.day(now);
    const time = this.#uses.wall.clock(now);
    if (this.#root.dataset.state === "idle" && this.#part("lead").textContent !== time) this.#part("lead").textContent = time;
  }

  #part(name) {
    return this.#root.querySelector(`[data-kiosk-${name}]`);
  }
}
