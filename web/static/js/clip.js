/** The clip of a sighting: played in the place of its picture, or saved. */

import { el, icon } from "./dom.js";
import { inWords } from "./failure.js";
import { notice } from "./fields.js";
import { say } from "./text.js";

const AGAIN_MS = 5000;
const TRIES = 6;
const FRESH_MS = 60_000; // the clip of a sighting that is this young may still be in the making

export class SightingClip {
  #api;
  #sighting;
  #moment;
  #picture; // what the moment shows without the clip
  #clip = null;

  /**
   * @param {import("./api.js").Api} api
   * @param {any} sighting
   * @param {HTMLElement} moment what the clip takes the place of
   */
  constructor(api, sighting, moment) {
    this.#api = api;
    this.#sighting = sighting;
    this.#moment = moment;
    this.#picture = [...moment.childNodes];
    this.element = el("div", { class: "clip", hidden: true });
    this.#look(TRIES);
  }

  async #look(tries) {
    try {
      this.#clip = await this.#ask();
    } catch {
      return; // the evidence stands without it
    }
    if (this.#clip) this.#offer();
    else if (tries > 1 && Date.now() - Date.parse(this.#sighting.startedAt) < FRESH_MS) {
      setTimeout(() => { if (this.element.isConnected && this.#isSeen()) this.#look(tries - 1); }, AGAIN_MS);
    }
  }

  /** Its address is good for a while only, so it is asked for when it is needed. */
  async #ask() {
    const { data } = await this.#api.list("clips", { sightingId: this.#sighting.id, pageSize: 1 });
    return data[0] ?? null;
  }

  #isSeen() {
    return this.#moment.closest("dialog")?.open ?? true;
  }

  #offer(...notices) {
    const play = el("button", { class: "button button-small", type: "button" }, icon("play"), el("span", { text: say("clip.play", { seconds: Math.round(this.#clip.durationS) }) }));
    play.addEventListener("click", () => this.#play(play));
    this.#show(play, ...notices);
  }

  async #play(button) {
    button.disabled = true;
    let clip;
    try {
      clip = await this.#ask();
    } catch (error) {
      this.#offer(notice("red", inWords(error)));
      return;
    }
    if (!clip) {
      this.#show(el("p", { class: "quiet", role: "status", text: say("clip.gone") }));
      return;
    }
    // Of a film without sound browsers let the playing begin by itself.
    const video = el("video", { src: clip.url, controls: true, autoplay: true, playsinline: true, width: clip.width, height: clip.height, "aria-label": say("clip.label") });
    video.muted = true;
    const save = el("a", { class: "button button-small", href: clip.url, download: "" }, el("span", { text: say("clip.save") }));
    const back = el("button", { class: "button button-small", type: "button", text: say("clip.back"), on: { click: () => this.#back() } });
    video.addEventListener("error", () => this.#back(notice("amber", say("clip.not.playable"), save)));
    this.#moment.closest("dialog")?.addEventListener("close", () => video.pause(), { once: true });
    this.#moment.replaceChildren(video);
    this.#show(back, save, clip.masked && el("p", { class: "quiet", text: say("clip.masked") }));
    video.focus();
  }

  #back(...notices) {
    this.#moment.replaceChildren(...this.#picture);
    this.#offer(...notices);
    if (!notices.length) this.element.querySelector("button").focus();
  }

  #show(...content) {
    this.element.hidden = false;
    this.element.replaceChildren(...content.filter(Boolean));
  }
}
