/** What the kiosk says: a greeting that stays three seconds and shrinks into a strip, or what to do instead. */

import { say, sayOr } from "./text.js";
import { face } from "./dom.js";
import { clock, fullTime, longDay } from "./times.js";

const GREETING_MS = 3000;
const UNKNOWN_MS = 5000;
const CHALLENGE_MS = 10_000;
const STRIP_MS = 30_000; // the name of the last one does not stay for the next
const ICONS = { in: "check", out: "check", unknown: "question" };

export class Greeter {
  #root;
  #pictureOf;
  #timer = 0;
  #strip = 0;
  #turn = 0; // a portrait that arrives late is not shown under the next name
  #offlineSince = null;

  /** @param {HTMLElement} root @param {(url: string) => Promise<string>} pictureOf a URL that an image may show */
  constructor(root, pictureOf) {
    this.#root = root;
    this.#pictureOf = pictureOf;
    this.#tick();
    setInterval(() => this.#tick(), 1000);
    this.#idle();
  }

  /** @param {{name: string, photoUrl: string | null, direction: "in" | "out" | null, at: string, hint: string | null}} greeting */
  greet({ name, photoUrl, direction, at, hint }) {
    clearTimeout(this.#timer);
    const turn = ++this.#turn;
    let picture = null;
    this.#show("greeting", this.#hello(direction), name, say(`kiosk.${direction ?? "seen"}`), clock(at));
    this.#root.dataset.direction = direction ?? "seen";
    this.#hint(hint && sayOr(`kiosk.hint.${hint}`, ""));
    this.#noFace();
    if (photoUrl) this.#portrait(photoUrl, turn).then((shown) => { picture = shown; }, () => undefined);
    this.#badge(ICONS[direction] ?? "check");
    this.#fit();
    this.#timer = setTimeout(() => {
      this.#last(name, say(`kiosk.last.${direction ?? "seen"}`, { time: clock(at) }), picture);
      this.#idle();
    }, GREETING_MS);
  }

  /** @param {{hint: string | null}} unknown */
  refuse({ hint }) {
    if (this.#root.dataset.state === "greeting") return; // a greeting is not cut short by who stands behind
    clearTimeout(this.#timer);
    this.#show("unknown", say("kiosk.unknown.lead"), say("kiosk.unknown"), sayOr(`kiosk.unknown.${hint}`, say("kiosk.unknown.hint")));
    this.#hint(null);
    this.#noFace();
    this.#badge(ICONS.unknown);
    this.#fit();
    this.#timer = setTimeout(() => this.#idle(), UNKNOWN_MS);
  }

  /** What to do before the camera, so that it sees a living face. @param {{hint: string | null, step?: number, of?: number, at?: string, deadline?: string | null}} challenge */
  ask({ hint, step: number, of, at, deadline }) {
    if (this.#root.dataset.state === "greeting") return;
    clearTimeout(this.#timer);
    const step = sayOr(`kiosk.challenge.${hint}`, "") ? hint : "turn_head";
    const lead = number ? say("kiosk.challenge.lead.step", { step: number, of }) : say("kiosk.challenge.lead");
    this.#show("challenge", lead, say(`kiosk.challenge.${step}`), sayOr(`kiosk.challenge.${step}.line`, ""));
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

  /** @param {Date | null} since */
  offline(since) {
    this.#offlineSince = since;
    const line = this.#part("offline");
    line.hidden = since === null;
    this.#part("offline-text").textContent = since ? say("kiosk.offline", { time: clock(since) }) : "";
    if (this.#root.dataset.state !== "greeting") this.#idle();
  }

  #idle() {
    this.#turn += 1;
    const off = this.#offlineSince !== null;
    if (off) this.#show("offline", "", say("kiosk.offline.big"), say("kiosk.offline.line"));
    else this.#show("idle", clock(new Date()), say("kiosk.look"), say("kiosk.waiting"));
    delete this.#root.dataset.direction;
    this.#hint(null);
    this.#noFace();
    this.#badge(off ? "offline" : null);
    this.#fit();
  }

  #show(state, lead, big, line, time = "") {
    this.#root.dataset.state = state;
    delete this.#root.dataset.limited;
    this.#part("lead").textContent = lead;
    this.#part("big").textContent = big;
    this.#part("line").textContent = line;
    this.#part("time").textContent = time;
  }

  #hello(direction) {
    if (direction === "out") return say("kiosk.bye");
    const hour = new Date().getHours();
    return say(hour < 11 ? "kiosk.hello.morning" : hour < 17 ? "kiosk.hello.day" : "kiosk.hello.evening");
  }

  /** The name does not wait for the face: it is added when it is there, while its greeting is still shown. */
  async #portrait(url, turn) {
    const shown = await this.#pictureOf(url);
    if (turn !== this.#turn) return null;
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

  #last(name, what, picture) {
    const strip = this.#part("strip");
    this.#root.querySelector("[data-strip-face]").replaceChildren(face(picture, "face-56", name));
    this.#root.querySelector("[data-strip-who]").textContent = say("kiosk.last", { name, what });
    strip.hidden = false;
    clearTimeout(this.#strip);
    this.#strip = setTimeout(() => { strip.hidden = true; }, STRIP_MS);
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
    const date = this.#part("date");
    date.textContent = longDay(now);
    date.title = fullTime(now);
    if (this.#root.dataset.state === "idle" && this.#part("lead").textContent !== clock(now)) this.#part("lead").textContent = clock(now);
  }

  #part(name) {
    return this.#root.querySelector(`[data-kiosk-${name}]`);
  }
}
