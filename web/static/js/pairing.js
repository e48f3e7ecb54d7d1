/** Which kiosk this screen is: kept from before, chosen by a signed-in person, or paired by a code. */

import { Api, ApiError } from "./api.js";
import { say } from "./text.js";

const KEY = "rollcall.kiosk";

/** @typedef {{kiosk: any, token: string | null}} Place */

export class Pairing {
  /** The kiosk that this browser was paired with. @returns {Place | null} */
  kept() {
    try {
      const kept = JSON.parse(localStorage.getItem(KEY) ?? "null");
      return kept?.token && kept.kiosk?.id ? kept : null;
    } catch {
      return null;
    }
  }

  /** @param {Place} place */
  keep({ token, kiosk }) {
    try {
      localStorage.setItem(KEY, JSON.stringify({ token, kiosk }));
    } catch {
      // Storage may be blocked: the pairing lasts for this page.
    }
  }

  forget() {
    try {
      localStorage.removeItem(KEY);
    } catch {
      // Storage may be blocked: nothing was kept.
    }
  }

  /** @param {string} code @returns {Promise<Place>} @throws {Error} with a sentence to show */
  async pair(code) {
    const digits = code.replace(/\D/g, "");
    if (digits.length !== 6) throw new Error(say("kiosk.pair.short"));
    try {
      const { token, kiosk } = await new Api().post("kiosks/pair", { code: digits });
      this.keep({ token, kiosk });
      return { token, kiosk };
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (error.status === 0) throw new Error(say("failed.network"), { cause: error });
      if (error.status === 429) throw new Error(say("kiosk.code.wait", { count: error.retryAfterS ?? 60 }), { cause: error });
      throw new Error(say("kiosk.pair.wrong"), { cause: error });
    }
  }
}
