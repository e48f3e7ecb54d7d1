/** The screen at a door: finds out which kiosk it is, and in which language it speaks; then it is that kiosk. */

import { Api, ApiError } from "../api.js";
import { Display } from "../display.js";
import { el, icon } from "../dom.js";
import { KioskDoor } from "../kiosk-door.js";
import { Languages } from "../languages.js";
import { Pairing } from "../pairing.js";
import { say } from "../text.js";
import { Tones } from "../tones.js";
import { WallClock } from "../wall-clock.js";

class Kiosk {
  #root = document.querySelector("[data-kiosk]");
  #pairing = new Pairing();
  #signedIn = "signedIn" in document.body.dataset;
  #mayPublish = (document.body.dataset.permissions ?? "").split(" ").includes("cameras:control");
  #languages = new Languages(this.#part("languages"));
  #tones = new Tones(this.#part("sound"));
  #display = new Display(this.#root, this.#part("full"));
  #wall = new WallClock(this.#root.dataset.timeZone);
  /** @type {KioskDoor | null} */
  #door = null;
  /** Those to choose from. */
  #kiosks = [];
  /** The keys of what the message says. */
  #told = ["", ""];
  #wasPaired = false;

  async start() {
    this.#root.querySelector("[data-pair-form]").addEventListener("submit", (event) => this.#pair(event));
    addEventListener("pageshow", (event) => event.persisted && location.reload()); // its connections ended when it was left
    this.#part("retry").addEventListener("click", () => location.reload());
    const kept = this.#pairing.kept();
    await this.#languages.start(kept?.kiosk.language);
    this.#languages.onChange(() => this.#relabel());
    if (kept) return this.#open(kept);
    if (!this.#signedIn) return this.#section("pair");
    try {
      const { data } = await new Api().list("kiosks", { pageSize: 50, sort: "name" });
      const wanted = new URLSearchParams(location.search).get("kiosk");
      const one = data.length === 1 ? data[0] : data.find((kiosk) => kiosk.id === wanted);
      if (one) return this.#open({ kiosk: one, token: null });
      if (!data.length) return this.#message("kiosk.none.title", "kiosk.none.text");
      return this.#choose(data);
    } catch (error) {
      return this.#message("kiosk.failed.title", error instanceof ApiError && error.status === 0 ? "failed.network" : "failed.other");
    }
  }

  #choose(kiosks) {
    this.#kiosks = kiosks;
    this.#part("list").replaceChildren(
      ...kiosks.map((kiosk) => {
        const choose = () => {
          history.replaceState(null, "", `/kiosk?kiosk=${encodeURIComponent(kiosk.id)}`);
          this.#open({ kiosk, token: null });
        };
        const cameras = say("kiosk.cameras", { count: kiosk.cameraIds?.length ?? 0 });
        return el("li", {}, el("button", { class: "choice", type: "button", on: { click: choose } }, icon("kiosk"), el("span", {}, el("b", { text: kiosk.name }), el("small", { class: "quiet", text: cameras })), icon("chevron-right")));
      }),
    );
    this.#section("choose");
  }

  async #pair(event) {
    event.preventDefault();
    const input = this.#root.querySelector("#pair-code");
    this.#complain("");
    try {
      const place = await this.#pairing.pair(input.value);
      if (this.#wasPaired) return location.reload(); // a new door begins with a new page
      input.value = "";
      this.#open(place);
    } catch (error) {
      this.#complain(error.message);
      input.select();
    }
    return undefined;
  }

  /** @param {import("../pairing.js").Place} place */
  #open(place) {
    this.#section("door");
    this.#suit(place.kiosk);
    this.#display.stayAwake();
    this.#door = new KioskDoor(this.#root, place, {
      tones: this.#tones,
      wall: this.#wall,
      mayPublish: this.#mayPublish,
      languages: [...this.#part("languages").querySelectorAll("[lang]")].map((button) => button.lang),
      changed: (kiosk) => {
        if (place.token) this.#pairing.keep({ ...place, kiosk });
        this.#suit(kiosk);
      },
      ended: () => this.#ended(place.token),
    });
    this.#door.start();
  }

  /** The language and the clock that this kiosk begins with. */
  #suit(kiosk) {
    this.#wall.use(kiosk.timeZone);
    this.#languages.prefer(kiosk.language).catch(() => undefined); // what is spoken stays
  }

  #ended(token) {
    this.#door = null;
    this.#wasPaired = true;
    this.#display.rest();
    this.#pairing.forget();
    if (!token && this.#signedIn) return location.assign("/login?next=/kiosk");
    this.#complain(say("kiosk.ended"));
    return this.#section("pair");
  }

  #complain(sentence) {
    const line = this.#root.querySelector("#pair-error");
    line.textContent = sentence;
    line.hidden = !sentence;
    const input = this.#root.querySelector("#pair-code");
    if (sentence) input.setAttribute("aria-invalid", "true");
    else input.removeAttribute("aria-invalid");
  }

  #message(title, text) {
    this.#told = [title, text];
    this.#part("message-title").textContent = say(title);
    this.#part("message-text").textContent = say(text);
    this.#section("message");
  }

  #relabel() {
    this.#door?.relabel();
    if (this.#root.dataset.section === "pair") this.#complain("");
    else if (this.#root.dataset.section === "message") this.#message(...this.#told);
    else if (this.#root.dataset.section === "choose") this.#choose(this.#kiosks);
  }

  #section(name) {
    for (const each of ["door", "pair", "choose", "message"]) this.#part(each).hidden = each !== name;
    this.#root.dataset.section = name;
    if (name === "pair") this.#root.querySelector("#pair-code").focus();
  }

  #part(name) {
    return this.#root.querySelector(`[data-kiosk-${name}]`);
  }
}

new Kiosk().start();
