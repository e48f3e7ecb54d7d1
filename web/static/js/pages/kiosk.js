/** The screen at a door: finds out which kiosk it is, then greets. */

import { Api } from "../api.js";
import { el, icon } from "../dom.js";
import { Events } from "../events.js";
import { inWords } from "../failure.js";
import { Greeter } from "../greeter.js";
import { KioskCamera } from "../kiosk-camera.js";
import { Mirror } from "../mirror.js";
import { Pairing } from "../pairing.js";
import { say } from "../text.js";

const OFFLINE_AFTER_MS = 2000;
const OLD_GREETING_MS = 10_000; // what was missed while away is not greeted afterwards

class Kiosk {
  #root = document.querySelector("[data-kiosk]");
  #pairing = new Pairing();
  #signedIn = "signedIn" in document.body.dataset;
  #mayPublish = (document.body.dataset.permissions ?? "").split(" ").includes("cameras:control");
  #api = new Api();
  #events = null;
  /** @type {Mirror | null} */
  #mirror = null;
  /** @type {KioskCamera | null} */
  #own = null;
  /** @type {Greeter | null} */
  #greeter = null;
  #pictures = new Map();

  async start() {
    this.#root.querySelector("[data-pair-form]").addEventListener("submit", (event) => this.#pair(event));
    addEventListener("pageshow", (event) => event.persisted && location.reload()); // its connections ended when it was left
    this.#root.querySelector("[data-kiosk-retry]").addEventListener("click", () => location.reload());
    const kept = this.#pairing.kept();
    if (kept) return this.#open(kept);
    if (!this.#signedIn) return this.#section("pair");
    try {
      const { data } = await this.#api.list("kiosks", { pageSize: 50, sort: "name" });
      const wanted = new URLSearchParams(location.search).get("kiosk");
      const one = data.length === 1 ? data[0] : data.find((kiosk) => kiosk.id === wanted);
      if (one) return this.#open({ kiosk: one, token: null });
      if (!data.length) return this.#message("kiosk.none");
      return this.#choose(data);
    } catch (error) {
      return this.#message("kiosk.failed", inWords(error));
    }
  }

  #choose(kiosks) {
    const list = this.#root.querySelector("[data-kiosk-list]");
    list.replaceChildren(
      ...kiosks.map((kiosk) => {
        const cameras = kiosk.cameraIds?.length ?? 0;
        const choose = () => {
          history.replaceState(null, "", `/kiosk?kiosk=${encodeURIComponent(kiosk.id)}`);
          this.#open({ kiosk, token: null });
        };
        return el("li", {}, el("button", { class: "choice", type: "button", on: { click: choose } }, icon("kiosk"), el("span", {}, el("b", { text: kiosk.name }), el("small", { class: "quiet", text: cameras === 1 ? say("kiosk.cameras.one") : say("kiosk.cameras", { count: cameras }) })), icon("chevron-right")));
      }),
    );
    this.#section("choose");
  }

  async #pair(event) {
    event.preventDefault();
    const input = this.#root.querySelector("#pair-code");
    const line = this.#root.querySelector("#pair-error");
    line.hidden = true;
    input.removeAttribute("aria-invalid");
    try {
      this.#open(await this.#pairing.pair(input.value));
    } catch (error) {
      line.textContent = error.message;
      line.hidden = false;
      input.setAttribute("aria-invalid", "true");
      input.select();
    }
  }

  /** @param {import("../pairing.js").Place} place */
  #open({ kiosk, token }) {
    this.#api = new Api({ token });
    this.#root.querySelector("[data-kiosk-name]").textContent = kiosk.name;
    this.#section("door");
    this.#greeter ??= new Greeter(this.#root, (url) => this.#pictureOf(url));
    this.#events = token ? new Events({ token }) : new Events();
    this.#look(kiosk.cameraIds ?? [], token !== null || this.#mayPublish);
    this.#events.subscribe(`kiosks/${kiosk.id}`, {}, (event) => this.#told(event));
    let waiting = 0;
    let since = null;
    this.#events.onState((state) => {
      clearTimeout(waiting);
      if (state === "connected") {
        since = null;
        this.#greeter.offline(null);
      } else if (state === "stopped") this.#ended(token);
      else {
        since ??= new Date();
        waiting = setTimeout(() => this.#greeter.offline(since), OFFLINE_AFTER_MS);
      }
    });
  }

  /** The circle shows the kiosk's first camera or, where this device is one of them, what it sees itself. */
  async #look(cameraIds, mayPublish) {
    if (!cameraIds.length) return;
    const part = (name) => this.#root.querySelector(`[data-kiosk-${name}]`);
    this.#mirror = new Mirror(this.#api, part("live"), cameraIds[0]);
    const cameras = mayPublish ? await Promise.all(cameraIds.map((id) => this.#api.get(`cameras/${id}`).catch(() => null))) : [];
    const push = cameras.find((camera) => camera?.kind === "push");
    if (push && this.#events) {
      const parts = { bar: part("own"), button: part("own-button"), said: part("own-said"), video: part("own-video") };
      this.#own = new KioskCamera(this.#api, parts, push.id, (on) => {
        part("own-video").hidden = !on;
        if (on) this.#mirror?.stop();
        else if (this.#events) this.#mirror?.start();
      });
      await this.#own.resume();
    }
    if (this.#events && part("own-video").hidden) this.#mirror.start();
  }

  #told(event) {
    if (this.#events.serverNow - Date.parse(event.time) > OLD_GREETING_MS) return; // a tablet's own clock may be wrong
    if (event.type === "kiosk.greeting") this.#greeter.greet(event.data);
    else if (event.type === "kiosk.unknown") this.#greeter.refuse(event.data);
    else if (event.type === "kiosk.challenge") this.#greeter.ask(event.data);
  }

  /** The server does not want this screen any more. */
  #ended(token) {
    if (!this.#events) return undefined; // closing it is told as well
    const events = this.#events;
    this.#events = null;
    events.close();
    this.#own?.end();
    this.#mirror?.stop();
    this.#pairing.forget();
    if (!token && this.#signedIn) return location.assign("/login?next=/kiosk");
    const line = this.#root.querySelector("#pair-error");
    line.textContent = say("kiosk.ended");
    line.hidden = false;
    return this.#section("pair");
  }

  /** A paired screen has a token and no cookie, so an image cannot load its URL by itself. */
  async #pictureOf(url) {
    const kept = this.#pictures.get(url);
    if (kept) return kept;
    const shown = URL.createObjectURL((await this.#api.picture(url)).blob);
    this.#pictures.set(url, shown);
    if (this.#pictures.size > 20) {
      const [oldest, of] = this.#pictures.entries().next().value;
      URL.revokeObjectURL(of);
      this.#pictures.delete(oldest);
    }
    return shown;
  }

  #message(key, text) {
    this.#root.querySelector("[data-kiosk-message-title]").textContent = say(`${key}.title`);
    this.#root.querySelector("[data-kiosk-message-text]").textContent = text ?? say(`${key}.text`);
    this.#section("message");
  }

  #section(name) {
    for (const each of ["door", "pair", "choose", "message"]) this.#root.querySelector(`[data-kiosk-${each}]`).hidden = each !== name;
    this.#root.dataset.section = name;
    if (name === "pair") this.#root.querySelector("#pair-code").focus();
  }
}

new Kiosk().start();
