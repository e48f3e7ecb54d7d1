/** What every signed-in page has: the theme, signing out, the banner of the connection, short messages. */

import { Api } from "./api.js";
import { el, icon } from "./dom.js";
import { say } from "./text.js";
import { Theme } from "./theme.js";
import { clock } from "./times.js";

const BANNER_AFTER_MS = 1500; // a blink of the network is not worth a banner

export class Shell {
  #permissions = new Set((document.body.dataset.permissions ?? "").split(" "));
  #banner = document.querySelector("[data-banner]");
  #socket = document.querySelector("[data-socket]");
  #toasts = document.querySelector("[data-toasts]");
  #waiting = 0;
  /** @type {Date | null} */
  #awaySince = null;

  /** @param {Api} api */
  constructor(api) {
    const themes = document.querySelector("[data-theme-switch]");
    if (themes) new Theme(themes);
    document.querySelector("[data-sign-out]")?.addEventListener("click", async () => {
      await api.post("auth/logout").catch(() => undefined);
      location.assign("/login");
    });
  }

  /** @param {string} permission */
  may(permission) {
    return this.#permissions.has(permission);
  }

  /** When the connection went away, or null. */
  get awaySince() {
    return this.#awaySince;
  }

  /**
   * Follows the state of the event socket; `changed` hears of going away and coming back.
   * @param {{onState: (heard: (state: string) => void) => void}} events
   * @param {(awaySince: Date | null) => void} [changed]
   */
  follow(events, changed = () => undefined) {
    events.onState((state) => {
      if (this.#socket) {
        this.#socket.dataset.socket = state;
        this.#socket.querySelector("[data-socket-text]").textContent = say(`socket.${state}`);
      }
      clearTimeout(this.#waiting);
      if (state === "connected") {
        const wasAway = this.#awaySince !== null;
        this.#awaySince = null;
        this.#banner.hidden = true;
        if (wasAway) changed(null);
        return;
      }
      const since = this.#awaySince ?? new Date();
      this.#waiting = setTimeout(() => {
        this.#awaySince = since;
        const key = state === "stopped" ? "banner.stopped" : "banner.away";
        this.#banner.querySelector("[data-banner-text]").textContent = say(key, { time: clock(since) });
        this.#banner.hidden = false;
        changed(since);
      }, BANNER_AFTER_MS);
    });
  }

  /** @param {string} sentence @param {"green" | "red" | "blue"} [tone] */
  toast(sentence, tone = "green") {
    const names = { green: "check", red: "alert", blue: "question" };
    const toast = el("p", { class: `toast toast-${tone}` }, icon(names[tone]), el("span", { text: sentence }));
    this.#toasts.append(toast);
    setTimeout(() => toast.remove(), 6000);
  }
}
