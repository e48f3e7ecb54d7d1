/** What a camera is and does, in words: kind, role, state, format, rates. */

import { el } from "./dom.js";
import { field } from "./fields.js";
import { say, sayOr } from "./text.js";

const language = document.documentElement.lang || "en";
const NUMBER = new Intl.NumberFormat(language, { maximumFractionDigits: 1 });
const ONE_PLACE = new Intl.NumberFormat(language, { minimumFractionDigits: 1, maximumFractionDigits: 1 });
const WHOLE = new Intl.NumberFormat(language, { maximumFractionDigits: 0 });
const FORMATS = Object.freeze({ h264: "H.264", hevc: "H.265", mjpeg: "Motion JPEG", mpeg4: "MPEG-4", vp8: "VP8", vp9: "VP9", av1: "AV1", aac: "AAC", opus: "Opus", pcm_alaw: "G.711", pcm_mulaw: "G.711" });

export const KINDS = Object.freeze(["rtsp", "http", "file", "usb"]);
export const ROLES = Object.freeze(["in", "out", "both", "monitor"]);
export const WITH_SUB_STREAM = Object.freeze(["rtsp", "http", "file"]);
const NETWORK = ["rtsp", "http"];

export const kindInWords = (kind) => sayOr(`camera.kind.${kind}`, kind);
export const roleInWords = (role) => sayOr(`tile.role.${role}`, role);
/** "" is what the site's setting says. */
export const livenessOptions = () => ["", "off", "warn", "refuse"].map((policy) => [policy, say(`camera.liveness.${policy || "site"}`)]);
export const roleOptions = () => ROLES.map((role) => [role, say(`camera.passes.${role}`)]);
export const kindOptions = () => KINDS.map((kind) => [kind, kindInWords(kind)]);
export const format = (codec) => (codec ? (FORMATS[codec] ?? codec.toUpperCase()) : "");
export const size = ({ width, height }) => (width && height ? say("camera.size", { width, height }) : "");
export const number = (value) => NUMBER.format(value);
export const whole = (value) => WHOLE.format(value);
export const frames = (fps) => (fps ? say("camera.fps", { count: number(fps) }) : "");

/** @param {number | null | undefined} kbps */
export function bitrate(kbps) {
  if (!kbps) return "";
  return kbps < 1000 ? say("camera.kbps", { count: whole(kbps) }) : say("camera.mbps", { count: ONE_PLACE.format(kbps / 1000) });
}

/** What is wrong with it, as a sentence; nothing where nothing is. @param {any} camera */
export function reason({ status }) {
  if (status.state === "online" && !status.reason) return "";
  return status.explanation ?? sayOr(`reason.${status.reason ?? status.state}`, say("reason.other"));
}

/** Where the camera is: what is asked depends on its kind. @param {{id: string, kind: string, value?: string, keeps?: boolean}} of */
export function sourceField({ id, kind, value = "", keeps = false }) {
  const hint = say(keeps ? "camera.source.keep" : `camera.source.hint.${kind}`);
  return field({ id, name: "source", label: say(`camera.source.${kind}`), hint, value, dir: "ltr", spellcheck: "false", maxlength: 2000, inputmode: kind === "usb" ? "numeric" : NETWORK.includes(kind) ? "url" : null });
}

/** @param {{id: string, value?: string}} of */
export function subSourceField({ id, value = "" }) {
  return field({ id, name: "subSource", label: say("camera.sub"), hint: say("camera.sub.hint"), optional: true, value, dir: "ltr", spellcheck: "false", maxlength: 2000 });
}

/** Figures that read from left to right wherever they stand. @param {string} text */
export const figures = (text) => el("bdi", { dir: "ltr", class: "figures", text });

/** What a stream is, as it was found. @param {any} found */
export function factList(found) {
  const pairs = [
    ["picture", size(found)],
    ["fps", found.fps ? number(found.fps) : ""],
    ["codec", format(found.codec)],
    ["bitrate", bitrate(found.bitrateKbps)],
    ["audio", format(found.audio) || say("camera.fact.audio.none")],
  ].filter(([, value]) => value);
  return el("dl", { class: "pairs" }, ...pairs.map(([key, value]) => el("div", {}, el("dt", { text: say(`camera.fact.${key}`) }), el("dd", {}, figures(value)))));
}

/** Whether browsers take the stream as it is. @param {any} found */
export const isForBrowsers = (found) => found.codec === "h264" && !found.hasBFrames;
