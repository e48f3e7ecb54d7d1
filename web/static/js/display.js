/** The display of a tablet at a door: stays awake while it is looked at, fills the screen, and is not touched by accident. */

export class Display {
  #full;
  #wanted = false;
  /** @type {WakeLockSentinel | null} */
  #lock = null;

  /** @param {HTMLElement} root @param {HTMLButtonElement} full shown where the browser can fill the screen */
  constructor(root, full) {
    this.#full = full;
    full.addEventListener("click", () => document.documentElement.requestFullscreen().catch(() => undefined));
    document.addEventListener("fullscreenchange", () => this.#show());
    document.addEventListener("visibilitychange", () => this.#hold());
    // A long touch or a dragged picture is nothing that somebody at a door means.
    root.addEventListener("contextmenu", (event) => event.preventDefault());
    root.addEventListener("dragstart", (event) => event.preventDefault());
    this.#show();
  }

  /** Keeps the screen on from here. */
  stayAwake() {
    this.#wanted = true;
    this.#hold();
  }

  rest() {
    this.#wanted = false;
    this.#lock?.release().catch(() => undefined);
    this.#lock = null;
  }

  /** A browser takes it away from a page that is not seen, and when the battery is low. */
  async #hold() {
    if (!this.#wanted || this.#lock || document.visibilityState !== "visible" || !navigator.wakeLock) return;
    try {
      const lock = await navigator.wakeLock.request("screen");
      if (!this.#wanted) return lock.release();
      this.#lock = lock;
      lock.addEventListener("release", () => {
        if (this.#lock !== lock) return;
        this.#lock = null;
        setTimeout(() => this.#hold(), 1000);
      });
    } catch {
      // Refused, for instance with little battery: asked again when the page is seen anew.
    }
    return undefined;
  }

  #show() {
    this.#full.hidden = !document.fullscreenEnabled || document.fullscreenElement !== null;
  }
}
