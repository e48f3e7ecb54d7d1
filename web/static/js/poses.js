/** Three photos with this device's camera: straight, left, right; a ring fills as each is accepted. */

import { el, icon } from "./dom.js";
import { refusalInWords, warningInWords } from "./failure.js";
import { say } from "./text.js";

const POSES = ["straight", "left", "right"];
const TURNED_DEGREES = 9;

export class Poses {
  #api;
  #dialog;
  #video;
  #hint;
  #steps;
  #stage;
  #shutter;
  #person = null;
  #changed = () => undefined;
  /** @type {MediaStream | null} */
  #stream = null;
  #step = 0;
  #opening = 0;

  /** @param {import("./api.js").Api} api @param {HTMLDialogElement} dialog */
  constructor(api, dialog) {
    this.#api = api;
    this.#dialog = dialog;
    this.#video = dialog.querySelector("[data-poses-video]");
    this.#hint = dialog.querySelector("[data-poses-hint]");
    this.#steps = dialog.querySelector("[data-poses-steps]");
    this.#stage = dialog.querySelector("[data-poses-stage]");
    this.#shutter = dialog.querySelector("[data-poses-shutter]");
    this.#shutter.addEventListener("click", () => this.#take());
    for (const button of dialog.querySelectorAll("[data-close]")) button.addEventListener("click", () => dialog.close());
    dialog.addEventListener("close", () => this.#stop());
  }

  /** @param {any} person @param {() => void} changed after each photo that was accepted */
  async open(person, changed) {
    this.#person = person;
    this.#changed = changed;
    this.#step = 0;
    this.#show();
    this.#say("poses.asking");
    this.#shutter.disabled = true;
    this.#stage.classList.remove("is-live");
    this.#dialog.showModal();
    const turn = ++this.#opening;
    if (!navigator.mediaDevices?.getUserMedia) return this.#say("poses.insecure", {}, "red");
    try {
      const stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "user", width: { ideal: 1280 }, height: { ideal: 720 } }, audio: false });
      if (turn !== this.#opening || !this.#dialog.open) return stream.getTracks().forEach((track) => track.stop());
      this.#stream = stream;
      this.#video.srcObject = stream;
      await this.#video.play();
      this.#stage.classList.add("is-live");
      this.#shutter.disabled = false;
      this.#shutter.focus();
      this.#say(`poses.hint.${POSES[0]}`);
    } catch (error) {
      this.#say(error.name === "NotFoundError" ? "poses.missing" : "poses.denied", {}, "red");
    }
    return undefined;
  }

  async #take() {
    this.#shutter.disabled = true;
    this.#say("poses.sending");
    const pose = POSES[this.#step];
    try {
      const photo = await this.#api.upload(`people/${this.#person.id}/photos`, await this.#still(), `${pose}.jpg`);
      this.#changed();
      this.#step += 1;
      this.#show();
      if (this.#step === POSES.length) {
        this.#say("poses.done", { name: this.#person.fullName }, "green");
        this.#release();
        return;
      }
      const yaw = Math.abs(photo.quality?.yaw ?? TURNED_DEGREES);
      const next = say(`poses.hint.${POSES[this.#step]}`);
      const remark = pose !== "straight" && yaw < TURNED_DEGREES ? say("poses.more") : (photo.warnings ?? []).map(warningInWords).join(" ");
      this.#words(remark ? `${remark} ${next}` : next, remark ? "amber" : "");
    } catch (error) {
      this.#say("poses.again", { why: refusalInWords(error) }, "red");
    }
    this.#shutter.disabled = false;
  }

  /** The frame as the camera sees it: the preview alone is mirrored. */
  #still() {
    const canvas = el("canvas", { width: this.#video.videoWidth, height: this.#video.videoHeight });
    canvas.getContext("2d").drawImage(this.#video, 0, 0);
    return new Promise((resolve, reject) => {
      canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new Error("The picture could not be taken."))), "image/jpeg", 0.92);
    });
  }

  #show() {
    this.#steps.replaceChildren(
      ...POSES.map((pose, index) => {
        const state = index < this.#step ? "done" : index === this.#step ? "now" : "next";
        const mark = state === "done" ? icon("check") : el("span", { class: "figures", text: String(index + 1) });
        return el("li", { class: `pose pose-${state}`, "aria-current": state === "now" ? "step" : null }, el("span", { class: "pose-mark" }, mark), el("span", { text: say(`poses.${pose}`) }));
      }),
    );
    this.#stage.style.setProperty("--filled", String(this.#step));
    this.#stage.dataset.pose = POSES[this.#step] ?? "done";
  }

  #say(key, values = {}, tone = "") {
    this.#words(say(key, values), tone);
  }

  #words(text, tone) {
    this.#hint.textContent = text;
    this.#hint.className = `poses-hint ${tone ? `tone-${tone}` : ""}`.trim();
  }

  #release() {
    for (const track of this.#stream?.getTracks() ?? []) track.stop();
    this.#stream = null;
    this.#video.srcObject = null;
    this.#stage.classList.remove("is-live");
    this.#shutter.disabled = true;
  }

  #stop() {
    this.#opening += 1;
    this.#release();
  }
}
