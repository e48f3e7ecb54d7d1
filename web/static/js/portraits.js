/** Pictures that only a kiosk's token opens, as URLs that an image may show; the newest few are kept. */

const MOST = 20;

export class Portraits {
  #api;
  /** @type {Map<string, string>} */
  #kept = new Map();

  /** @param {import("./api.js").Api} api */
  constructor(api) {
    this.#api = api;
  }

  /** A paired screen has a token and no cookie, so an image cannot load its URL by itself. @param {string} url */
  async of(url) {
    const kept = this.#kept.get(url);
    if (kept) return kept;
    const shown = URL.createObjectURL((await this.#api.picture(url)).blob);
    this.#kept.set(url, shown);
    if (this.#kept.size > MOST) {
      const [oldest, old] = this.#kept.entries().next().value;
      URL.revokeObjectURL(old);
      this.#kept.delete(oldest);
    }
    return shown;
  }
}
