/** The camera's picture in the kiosk's circle, where this screen may see it; otherwise nothing. */

import { ApiError } from "./api.js";

const EVERY_MS = 300;
const AFTER_FAILURE_MS = 4000;

export class Mirror {
  #api;
  #canvas;
  #cameraId;
  #timer = 0;
  #stopped = false;

  /** @param {import("./api.js").Api} api @param {HTMLCanvasElement} canvas @param {string} cameraId */
  constructor(api, canvas, cameraId) {
    this.#api = api;
    this.#canvas = canvas;
    this.#cameraId = cameraId;
    this.#refresh();
  }

  stop() {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }

  async #refresh() {
    let wait = EVERY_MS;
    try {
      if (!document.hidden) this.#show(await createImageBitmap((await this.#api.picture(`/api/v1/cameras/${this.#cameraId}/snapshot.jpg?width=960`)).blob));
    } catch (error) {
      this.#canvas.hidden = true;
      wait = AFTER_FAILURE_MS;
      if (error instanceof ApiError && (error.status === 401 || error.status === 403 || error.status === 404)) return;
    }
    if (!this.#stopped) this.#timer = setTimeout(() => this.#refresh(), wait);
  }

  /** The middle square, mirrored by the stylesheet as a person expects of a mirror. */
  #show(bitmap) {
    const side = Math.min(bitmap.width, bitmap.height);
    if (this.#canvas.width !== side) this.#canvas.width = this.#canvas.height = side;
    this.#canvas.getContext("2d").drawImage(bitmap, (bitmap.width - side) / 2, (bitmap.height - side) / 2, side, side, 0, 0, side, side);
    bitmap.close();
    this.#canvas.hidden = false;
  }
}
