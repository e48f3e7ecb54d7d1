/** "Use this device's camera": asks which camera it shall be, publishes, and says that it is live until it is stopped. */

import { DeviceCamera } from "./device-camera.js";
import { clearFieldErrors, el, fieldError, showFieldErrors } from "./dom.js";
import { ApiError } from "./api.js";
import { inWords } from "./failure.js";
import { say, sayOr } from "./text.js";
import { Whip } from "./whip.js";

const NEW = "";

export class OwnCamera {
  #api;
  #open;
  #dialog;
  #form;
  #bar;
  #mayCreate;
  #cameras;
  /** @type {"off" | "asking" | "on"} */
  #state = "off";
  #device = new DeviceCamera({ ended: () => this.#lost() });
  /** @type {Whip | null} */
  #whip = null;
  #name = "";

  /**
   * @param {import("./api.js").Api} api
   * @param {{open: HTMLButtonElement, dialog: HTMLDialogElement, live: HTMLElement}} parts
   * @param {{mayCreate: boolean, cameras: () => any[]}} uses the cameras that there are
   */
  constructor(api, { open, dialog, live }, { mayCreate, cameras }) {
    this.#api = api;
    this.#open = open;
    this.#dialog = dialog;
    this.#form = dialog.querySelector("form");
    this.#bar = live;
    this.#mayCreate = mayCreate;
    this.#cameras = cameras;
    open.addEventListener("click", () => this.#ask());
    this.#form.addEventListener("submit", (event) => this.#submit(event));
    this.#form.elements.namedItem("camera").addEventListener("change", () => this.#choose());
    for (const button of dialog.querySelectorAll("[data-close]")) button.addEventListener("click", () => dialog.close());
    dialog.addEventListener("close", () => this.#closed());
    live.querySelector("[data-own-stop]").addEventListener("click", () => this.#stop());
  }

  /** Cameras that wait for a publisher come first; a new one is always possible for who may make one. */
  #ask() {
    const free = this.#cameras().filter((camera) => camera.kind === "push" && camera.enabled !== false && camera.status?.reason === "no_publisher");
    const options = free.map((camera) => el("option", { value: camera.id, text: camera.name }));
    if (this.#mayCreate) options.push(el("option", { value: NEW, text: say("own.new") }));
    const select = this.#form.elements.namedItem("camera");
    select.replaceChildren(...options);
    select.closest(".field").hidden = !free.length;
    this.#error(options.length ? "" : say("own.none"));
    this.#form.querySelector("[type=submit]").disabled = !options.length;
    clearFieldErrors(this.#form);
    this.#choose();
    this.#dialog.showModal();
  }

  #choose() {
    const isNew = this.#mayCreate && this.#form.elements.namedItem("camera").value === NEW;
    for (const part of this.#form.querySelectorAll("[data-own-new]")) part.hidden = !isNew;
  }

  async #submit(event) {
    event.preventDefault();
    if (this.#state !== "off") return undefined;
    clearFieldErrors(this.#form);
    this.#error("");
    const field = (name) => this.#form.elements.namedItem(name);
    const isNew = field("camera").value === NEW;
    const name = field("name").value.trim();
    if (isNew && !name) {
      fieldError(field("name"), say("own.name.missing"));
      field("name").focus();
      return undefined;
    }
    this.#state = "asking";
    this.#busy(true);
    try {
      const track = await this.#device.open(); // first: without it there is no camera to add
      if (!this.#dialog.open) return this.#closed(); // thought better of it
      const camera = isNew ? await this.#api.post("cameras", { name, kind: "push", role: field("role").value }) : this.#cameras().find((one) => one.id === field("camera").value);
      if (!this.#dialog.open) return this.#closed();
      this.#start(camera, track);
      return this.#dialog.close();
    } catch (error) {
      this.#device.close();
      this.#state = "off";
      return this.#error(error instanceof ApiError ? (error.details.length ? showFieldErrors(this.#form, error) : inWords(error)) : error.message);
    } finally {
      this.#busy(false);
    }
  }

  #start(camera, track) {
    this.#state = "on";
    this.#name = camera.name;
    this.#open.hidden = true;
    this.#bar.hidden = false;
    const video = this.#bar.querySelector("video");
    video.srcObject = this.#device.stream;
    video.play().catch(() => undefined);
    this.#whip = new Whip(this.#api, camera.id, { track, onState: (state, reason) => this.#say(state, reason) });
    this.#whip.start();
  }

  #say(state, reason) {
    if (this.#state !== "on" || state === "idle" || state === "stopped") return;
    const shown = state === "asking" ? "connecting" : state;
    if (shown === "connecting" && this.#bar.dataset.own === "waiting") return; // the reason stays in sight until it works
    this.#bar.dataset.own = shown;
    const why = reason && (state === "waiting" || state === "refused") ? ` ${sayOr(`publish.${reason}`, say(state === "refused" ? "publish.refused" : "publish.lost"))}` : "";
    this.#bar.querySelector("[data-own-text]").textContent = say(`own.${shown}`, { name: this.#name }) + why;
  }

  #lost() {
    if (this.#state !== "on") return;
    this.#whip?.stop();
    this.#bar.dataset.own = "refused";
    this.#bar.querySelector("[data-own-text]").textContent = say("device.gone");
  }

  #stop() {
    this.#whip?.stop();
    this.#whip = null;
    this.#device.close();
    this.#state = "off";
    this.#bar.querySelector("video").srcObject = null;
    delete this.#bar.dataset.own;
    this.#bar.hidden = true;
    this.#open.hidden = false;
    this.#open.focus();
  }

  #closed() {
    if (this.#state === "on") return this.#bar.querySelector("[data-own-stop]").focus();
    this.#device.close();
    this.#state = "off";
    return undefined;
  }

  #busy(yes) {
    const button = this.#form.querySelector("[type=submit]");
    button.disabled = yes;
    button.querySelector("span").textContent = say(yes ? "own.busy" : "own.submit");
  }

  #error(sentence) {
    const line = this.#form.querySelector("[data-own-error]");
    line.textContent = sentence;
    line.hidden = !sentence;
  }
}
