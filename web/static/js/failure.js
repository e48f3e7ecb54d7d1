/** An error in words that help. */

import { ApiError } from "./api.js";
import { say, sayOr } from "./text.js";

/** @param {unknown} error */
export function inWords(error) {
  if (error instanceof ApiError) {
    if (error.status === 0) return say("failed.network");
    return error.details[0]?.message || error.message || say("failed.other");
  }
  return say("failed.other");
}

/** Why a photo was refused. @param {unknown} error */
export function refusalInWords(error) {
  if (!(error instanceof ApiError)) return say("failed.other");
  const code = error.code === "photo_refused" || error.code === "validation_failed" ? (error.details[0]?.code ?? error.code) : error.code;
  return sayOr(`refusal.${code}`, inWords(error));
}

/** @param {{code: string, message: string, fullName?: string}} warning */
export function warningInWords(warning) {
  if (warning.code === "resembles_other_person" && !warning.fullName) return warning.message;
  return sayOr(`warning.${warning.code}`, warning.message, { name: warning.fullName ?? "" });
}
