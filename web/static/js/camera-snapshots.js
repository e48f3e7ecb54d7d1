/** The sheet with the stored snapshots of a camera: looked at, taken, saved and removed. */

import { el, icon, stateCard } from "./dom.js";
import { inWords } from "./failure.js";
import { notice } from "./fields.js";
import { say } from "./text.js";
import { clockSeconds, fullTime, isToday, spoken } from "./times.js";

const PAGE_SIZE = 24;

export class CameraSnapshots {
  #api;
  #sheet;
  #may;
  #said;
  #camera = null;
  #turn = 0; // an answer about a camera that was open before is not shown
  #page = 1;
  #parts = null;

  /**
   * @param {import("./api.js").Api} api
   * @param {import("./sheet.js").Sheet} sheet
   * @param {(permission: string) => boolean} may
   * @param {(sentence: string, tone?: "green" | "red") => void} said
   */
  constructor(api, sheet, may, said) {
    this.#api = api;
    this.#sheet = sheet;
    this.#may = may;
    this.#said = said;
  }

  /** @param {any} camera */
  open(camera) {
    this.#camera = camera;
    this.#page = 1;
    const take = this.#may("cameras:control") && el("button", { class: "button button-primary", type: "button" }, icon("camera"), el("span", { text: say("snapshots.take") }));
    const more = el("button", { class: "button", type: "button", text: say("snapshots.more"), hidden: true });
    this.#parts = {
      take,
      more,
      notices: el("div", { role: "status" }),
      count: el("p", { class: "quiet" }),
      list: el("ul", { class: "snapshots", "aria-busy": "true" }, ...Array.from({ length: 4 }, () => el("li", { "aria-hidden": "true" }, el("span", { class: "snapshot-picture shimmer" })))),
    };
    if (take) take.addEventListener("click", () => this.#take());
    more.addEventListener("click", () => { this.#page += 1; this.#load(); });
    const { notices, count, list } = this.#parts;
    this.#sheet.open(say("snapshots.title", { name: camera.name }), el("div", { class: "row snapshots-head" }, count, take), notices, list, el("div", { class: "row row-center" }, more));
    this.#load();
  }

  async #load() {
    const turn = ++this.#turn;
    try {
      const { data, meta } = await this.#api.list(this.#path(), { page: this.#page, pageSize: PAGE_SIZE });
      if (turn === this.#turn) this.#show(data, meta.total);
    } catch (error) {
      if (turn !== this.#turn) return;
      const again = el("button", { class: "button", type: "button", text: say("again"), on: { click: () => this.open(this.#camera) } });
      this.#sheet.show(say("snapshots.title", { name: this.#camera.name }), stateCard({ icon: "alert", title: say("failed.title"), text: inWords(error), action: again, tone: "state-failed" }));
    }
  }

  #path(id = "") {
    return `cameras/${this.#camera.id}/snapshots${id && `/${id}`}`;
  }

  #show(snapshots, total) {
    const { list, more } = this.#parts;
    list.removeAttribute("aria-busy");
    if (this.#page === 1) list.replaceChildren();
    const held = new Set([...list.children].map((item) => item.dataset.snapshot)); // one that was taken meanwhile moves the pages
    list.append(...snapshots.filter(({ id }) => !held.has(id)).map((snapshot) => this.#item(snapshot)));
    more.hidden = this.#page * PAGE_SIZE >= total;
    this.#counted(total);
  }

  #counted(total) {
    this.#parts.total = total;
    this.#parts.count.textContent = total === 1 ? say("snapshots.count.one") : say("snapshots.count", { count: total });
    const none = this.#parts.list.parentElement?.querySelector(".state");
    if (total > 0) none?.remove();
    else if (!none) this.#parts.list.after(stateCard({ icon: "camera", title: say("snapshots.none"), text: say(this.#parts.take ? "snapshots.none.text" : "snapshots.none.viewer") }));
  }

  #item(snapshot) {
    const { id, takenAt, url, thumbnailUrl, origin } = snapshot;
    const time = isToday(takenAt) ? clockSeconds(takenAt) : `${spoken(takenAt)} ${clockSeconds(takenAt)}`;
    const picture = el("img", { src: thumbnailUrl, alt: say("snapshots.picture", { time }), loading: "lazy", decoding: "async" });
    const link = el("a", { class: "snapshot-picture", href: url, download: "", title: say("snapshots.save") }, picture);
    picture.addEventListener("error", () => picture.replaceWith(icon("cctv")));
    const words = el("p", {}, el("time", { class: "figures", datetime: takenAt, title: fullTime(takenAt), text: time }), el("span", { class: "quiet", text: say(`snapshots.by.${origin}`) }));
    const item = el("li", { data: { snapshot: id } }, link, el("div", { class: "snapshot-foot" }, words, this.#parts.take && this.#trash(snapshot, time)));
    return item;
  }

  /** A second press removes it: one that was not meant does no harm. */
  #trash({ id }, time) {
    const button = el("button", { class: "icon-button", type: "button", "aria-label": say("snapshots.remove", { time }), title: say("snapshots.remove", { time }) }, icon("trash"));
    const reset = () => {
      button.className = "icon-button";
      button.setAttribute("aria-label", say("snapshots.remove", { time }));
      button.replaceChildren(icon("trash"));
    };
    button.addEventListener("blur", reset);
    button.addEventListener("click", async () => {
      if (button.classList.contains("icon-button")) {
        button.className = "button button-small button-quiet-red";
        button.setAttribute("aria-label", say("snapshots.remove.yes", { time }));
        button.replaceChildren(el("span", { text: say("cameras.remove.yes") }));
        return;
      }
      await this.#remove(id, button);
    });
    return button;
  }

  async #remove(id, button) {
    button.disabled = true;
    try {
      await this.#api.delete(this.#path(id));
    } catch (error) {
      button.disabled = false;
      this.#tell(error);
      return;
    }
    const item = button.closest("li");
    (item?.nextElementSibling ?? item?.previousElementSibling)?.querySelector("a")?.focus();
    item?.remove();
    this.#counted(this.#parts.total - 1);
    if (!this.#parts.list.contains(document.activeElement)) this.#parts.take.focus();
    this.#said(say("snapshots.removed"));
  }

  async #take() {
    const { take, list, notices } = this.#parts;
    const camera = this.#camera;
    take.disabled = true;
    notices.replaceChildren();
    try {
      const made = await this.#api.post(this.#path());
      if (camera !== this.#camera || this.#parts.take !== take) return;
      list.removeAttribute("aria-busy");
      list.prepend(this.#item(made));
      this.#counted((this.#parts.total ?? 0) + 1);
    } catch (error) {
      if (this.#parts.take === take) this.#tell(error);
    } finally {
      take.disabled = false;
      if (document.activeElement === document.body) take.focus();
    }
  }

  #tell(error) {
    this.#parts.notices.replaceChildren(notice("red", inWords(error)));
  }
}
