/** A kiosk at its door: greets whom the server recognises, takes codes and badges, and goes on without a network. */

import { Api } from "./api.js";
import { BadgeCamera } from "./badge-camera.js";
import { BadgeReader } from "./badge-reader.js";
import { CheckIns } from "./check-ins.js";
import { Events } from "./events.js";
import { Greeter } from "./greeter.js";
import { keepPage } from "./keep-page.js";
import { KioskCamera } from "./kiosk-camera.js";
import { Mirror } from "./mirror.js";
import { Outbox } from "./outbox.js";
import { digitOf, Pad } from "./pad.js";
import { Portraits } from "./portraits.js";
import { Reach } from "./reach.js";
import { isShutOut } from "./standing.js";
import { say } from "./text.js";

const OLD_GREETING_MS = 10_000; // what was missed while away is not greeted afterwards
const NEWS_MS = 30_000;
const LISTEN_AGAIN_MS = 60_000;
const ENDED = new Set([4501, 4503, 4510]); // each of them the server's own word; events.js has asked whether 4501 is one
const TYPED_BY_HAND_MS = 150; // a reader has typed all of a badge's next characters by then
const ALL = ["face", "pin", "badge"];

export class KioskDoor {
  #root;
  #uses;
  #kiosk;
  #token;
  #api;
  /** @type {Events | null} */
  #events = null;
  #reach;
  #greeter;
  /** @type {Pad | null} */
  #pad = null;
  /** @type {CheckIns | null} */
  #checkIns = null;
  /** @type {BadgeReader | null} */
  #reader = null;
  /** @type {BadgeCamera | null} */
  #scanner = null;
  /** @type {Mirror | null} */
  #mirror = null;
  /** @type {KioskCamera | null} */
  #own = null;
  #looked = false;
  #closed = false;
  #typed = "";
  #typing = 0;
  #news = 0;

  /**
   * @param {HTMLElement} root
   * @param {import("./pairing.js").Place} place
   * @param {{tones: import("./tones.js").Tones, wall: import("./wall-clock.js").WallClock, mayPublish: boolean,
   *   languages: string[], changed: (kiosk: any) => void, ended: () => void}} uses
   */
  constructor(root, { kiosk, token }, uses) {
    this.#root = root;
    this.#uses = uses;
    this.#kiosk = kiosk;
    this.#token = token;
    this.#api = new Api({ token });
    const portraits = new Portraits(this.#api);
    this.#greeter = new Greeter(root, { pictureOf: (url) => portraits.of(url), wall: uses.wall, tones: uses.tones, takesCodes: () => this.#takesCodes });
    this.#reach = new Reach((since) => this.#away(since));
  }

  start() {
    this.#name();
    if (this.#token) this.#takeCodes(); // a code counts at a paired screen alone, not at that of somebody signed in
    this.#listen();
  }

  #listen() {
    if (this.#closed) return;
    const events = new Events({ token: this.#token ?? undefined, self: this.#self });
    this.#events = events;
    events.subscribe(this.#self, {}, (event) => this.#told(event));
    events.onState((state, { code }) => {
      if (this.#closed) return;
      if (state === "stopped" && ENDED.has(code)) return this.#end();
      this.#reach.socket(state === "connected");
      if (state === "connected") this.#connected();
      // Nobody comes to a screen at a door to load its page again.
      if (state === "stopped") setTimeout(() => this.#listen(), LISTEN_AGAIN_MS);
    });
  }

  /** Both its topic and what may be read of it as long as it is paired. */
  get #self() {
    return `kiosks/${this.#kiosk.id}`;
  }

  /** The language has changed. */
  relabel() {
    this.#greeter.relabel();
    this.#pad?.relabel();
    this.#scanner?.relabel();
    this.#own?.relabel();
  }

  get #takesCodes() {
    return this.#pad !== null && (this.#may("pin") || this.#may("badge"));
  }

  #may(means) {
    return (this.#kiosk.means ?? ALL).includes(means);
  }

  async #connected() {
    this.#checkIns?.flush();
    if (this.#token) keepPage(this.#uses.languages).then((kept) => { this.#root.dataset.kept = kept ? "yes" : "no"; });
    const kiosk = await this.#api.get(this.#self).catch(() => null);
    if (this.#closed) return;
    if (kiosk) {
      this.#kiosk = kiosk;
      this.#uses.changed(kiosk);
      this.#name();
      this.#offer();
    }
    if (!this.#looked) this.#look(this.#kiosk.cameraIds ?? [], this.#token !== null || this.#uses.mayPublish);
  }

  #name() {
    this.#root.querySelector("[data-kiosk-name]").textContent = this.#kiosk.name;
  }

  // Codes and badges

  #takeCodes() {
    this.#checkIns = new CheckIns(this.#api, this.#kiosk.id, {
      away: () => this.#reach.awaySince !== null,
      waiting: (count) => this.#wait(count),
      done: (sent, refused) => this.#tellNews(sent, refused),
      isShutOut: () => isShutOut(this.#self, this.#token),
      ended: () => this.#end(),
    });
    this.#pad = new Pad(this.#part("pad"), { send: (pin) => this.#enter({ pin }), open: (isOpen) => { this.#root.toggleAttribute("data-typing", isOpen); } });
    this.#part("code").addEventListener("click", () => this.#pad?.open());
    document.addEventListener("keydown", this.#key);
    this.#reader = new BadgeReader((badge) => this.#badge(badge));
    const parts = { bar: this.#part("qr"), button: this.#part("qr-button"), said: this.#part("qr-said"), missing: this.#part("qr-missing"), video: this.#part("own-video") };
    this.#scanner = new BadgeCamera(this.#root, parts, { read: (badge) => this.#badge(badge), busy: () => this.#pad.isUsed, shows: (on) => this.#showOwn(on) });
    this.#offer();
    this.#checkIns.start();
  }

  /** What this kiosk takes. */
  #offer() {
    if (!this.#pad) return;
    this.#part("code").hidden = !this.#may("pin");
    this.#root.querySelector("[data-pad-badge]").hidden = !this.#may("badge");
    this.#scanner?.offer(this.#may("badge"));
  }

  /** Who has a keyboard just types; what a reader types is a badge, and opens nothing. */
  #key = (event) => {
    if (this.#pad.isOpen || !this.#may("pin") || event.ctrlKey || event.altKey || event.metaKey) return;
    const digit = digitOf(event);
    if (!digit || event.target.closest?.("input, [popover]")) return;
    this.#typed += digit;
    clearTimeout(this.#typing);
    this.#typing = setTimeout(() => {
      for (const one of this.#typed) this.#pad.begin(one);
      this.#typed = "";
    }, TYPED_BY_HAND_MS);
  };

  /** Whether it may be one. @param {string} badge @returns {Promise<boolean>} */
  async #badge(badge) {
    clearTimeout(this.#typing);
    this.#typed = "";
    if (!this.#may("badge")) return true;
    this.#pad.close();
    return (await this.#enter({ badge })) !== "wrong";
  }

  /** What became of it. @param {import("./check-ins.js").Means} means */
  async #enter(means) {
    const outcome = await this.#checkIns.enter(means).catch(() => ({ kind: "failed" }));
    if (!this.#closed) this.#show(outcome, "pin" in means);
    return outcome.kind;
  }

  #show(outcome, isPin) {
    switch (outcome.kind) {
      case "greeted":
        this.#pad.close();
        return this.#greeter.greet(outcome.greeting);
      case "kept":
        this.#pad.close();
        return this.#greeter.kept(outcome.at);
      case "wait":
        this.#uses.tones.play("refused");
        if (!this.#pad.isOpen) this.#pad.open();
        return this.#pad.lock(outcome.seconds);
      case "ended":
        return this.#end();
      default:
        return this.#refused(isPin, { wrong: isPin ? "kiosk.code.wrong" : "kiosk.code.badge.wrong", full: "kiosk.kept.full", unable: "kiosk.kept.unable" }[outcome.kind] ?? "kiosk.code.failed");
    }
  }

  #refused(isPin, key) {
    if (!isPin || !this.#pad.isOpen) return this.#greeter.refuseBadge(say(key));
    this.#uses.tones.play("refused");
    return this.#pad.refuse(say(key));
  }

  #wait(count) {
    this.#root.dataset.waiting = String(count);
    if (count) this.#say(say("kiosk.kept.count", { count }), "");
    else if (this.#part("news").dataset.tone === "") this.#part("news").hidden = true;
  }

  /** A count, and no names: whoever it was has left. */
  #tellNews(sent, refused) {
    const words = [sent && say("kiosk.sent", { count: sent }), refused && say("kiosk.refused", { count: refused })];
    this.#say(words.filter((word) => word).join(" "), refused ? "red" : "green");
    clearTimeout(this.#news);
    this.#news = setTimeout(() => { this.#part("news").hidden = true; }, refused ? NEWS_MS * 4 : NEWS_MS);
  }

  #say(sentence, tone) {
    clearTimeout(this.#news);
    const line = this.#part("news");
    line.textContent = sentence;
    line.dataset.tone = tone;
    line.hidden = false;
  }

  // What the server tells

  #away(since) {
    if (this.#closed) return;
    this.#greeter.offline(since, this.#takesCodes && Outbox.isPossible);
    if (since === null) this.#checkIns?.flush();
  }

  #told(event) {
    if (this.#events.serverNow - Date.parse(event.time) > OLD_GREETING_MS) return; // a tablet's own clock may be wrong
    if (event.type === "kiosk.greeting") {
      // Who types goes on; a pad that nobody has touched gives way, and so does one whose own code is greeted.
      const own = event.source.startsWith("kiosks/") && this.#pad?.isBusy;
      const aside = !own && (this.#pad?.isUsed ?? false);
      if (this.#pad?.isOpen && !aside) this.#pad.close();
      this.#greeter.greet(event.data, { aside });
    } else if (this.#pad?.isOpen) return;
    else if (event.type === "kiosk.unknown") this.#greeter.refuse(event.data);
    else if (event.type === "kiosk.challenge") this.#greeter.ask(event.data);
  }

  /** The circle shows the kiosk's first camera or, where this device is one of them, what it sees itself. */
  async #look(cameraIds, mayPublish) {
    if (!cameraIds.length || !this.#may("face")) return;
    this.#looked = true;
    this.#mirror = new Mirror(this.#api, this.#part("live"), cameraIds[0]);
    const cameras = mayPublish ? await Promise.all(cameraIds.map((id) => this.#api.get(`cameras/${id}`).catch(() => null))) : [];
    const push = cameras.find((camera) => camera?.kind === "push");
    if (push && !this.#closed) {
      const parts = { bar: this.#part("own"), button: this.#part("own-button"), said: this.#part("own-said"), video: this.#part("own-video") };
      this.#own = new KioskCamera(this.#api, parts, push.id, (on) => {
        this.#scanner?.follow(on);
        this.#showOwn(on);
      });
      await this.#own.resume();
    }
    if (!this.#closed && this.#part("own-video").hidden) this.#mirror.start();
  }

  #showOwn(on) {
    this.#part("own-video").hidden = !on;
    if (on) this.#mirror?.stop();
    else if (!this.#closed) this.#mirror?.start();
  }

  /** The server does not want this screen any more. */
  #end() {
    if (this.#closed) return; // closing it is told as well
    this.#closed = true;
    this.#reach.close();
    this.#checkIns?.close();
    this.#reader?.close();
    this.#scanner?.close();
    this.#events?.close();
    this.#own?.end();
    this.#mirror?.stop();
    document.removeEventListener("keydown", this.#key);
    this.#pad?.close();
    this.#part("code").hidden = true;
    this.#uses.ended();
  }

  #part(name) {
    return this.#root.querySelector(`[data-kiosk-${name}]`);
  }
}
