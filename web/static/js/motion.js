/** Where each face is in the very frame that is shown: detections come later and more seldom than frames. */

const TICKS_A_SECOND = 90_000;
const WRAP = 2 ** 32;
const KEPT_S = 3;
const LOST_AFTER_S = 1.5; // a track without news for so long is gone
const GRACE_S = 0.25; // a newer message without the track: a detector may miss one frame
const AHEAD_S = 0.4; // no guess goes further
const DAMPING_S = 3;
const ANOTHER_TIME_S = 10; // further away is another run of the camera

/** @typedef {import("./overlay.js").Track} Track */
/** @typedef {{t: number, box: Track["box"]}} Sample */
/** @typedef {{track: Track, samples: Sample[], missingSince: number | null}} Way */

export class Motion {
  /** @type {Map<number, Way>} */
  #ways = new Map();
  /** The newest message: its place on the time axis, in seconds, and what that means in either clock. */
  #newest = /** @type {{t: number, rtp: number | null, capturedAt: number, heardAt: number} | null} */ (null);

  /** @param {{frame: {rtpTimestamp: number | null, capturedAt: string}, tracks: Track[]}} update data of `tracks.updated` @param {number} [now] */
  hear({ frame, tracks }, now = performance.now()) {
    const capturedAt = Date.parse(frame.capturedAt);
    const rtp = frame.rtpTimestamp ?? null;
    let t = this.#place({ rtp, capturedAt }) ?? 0;
    if (this.#newest && (t < this.#newest.t || t - this.#newest.t > ANOTHER_TIME_S)) {
      this.clear();
      t = 0;
    }
    this.#newest = { t, rtp, capturedAt, heardAt: now };
    const here = new Set();
    for (const track of tracks) {
      here.add(track.trackId);
      const samples = (this.#ways.get(track.trackId)?.samples ?? []).filter((sample) => sample.t > t - KEPT_S && sample.t < t);
      samples.push({ t, box: track.box });
      this.#ways.set(track.trackId, { track, samples, missingSince: null });
    }
    for (const [id, way] of this.#ways) {
      if (here.has(id)) continue;
      way.missingSince ??= t;
      if (t - way.samples.at(-1).t > LOST_AFTER_S) this.#ways.delete(id);
    }
  }

  clear() {
    this.#ways.clear();
    this.#newest = null;
  }

  /** Whether the camera has told of its tracks lately. @param {number} [now] */
  isHeard(now = performance.now()) {
    return this.#newest !== null && now - this.#newest.heardAt < LOST_AFTER_S * 1000;
  }

  /**
   * When the frame was captured, in ms since 1970 on the server's clock.
   * @param {number} rtpTimestamp @returns {number | null}
   */
  capturedAt(rtpTimestamp) {
    if (this.#newest?.rtp == null) return null;
    return this.#newest.capturedAt + ticksBetween(this.#newest.rtp, rtpTimestamp) / (TICKS_A_SECOND / 1000);
  }

  /**
   * The tracks of the frame with this RTP timestamp or, where there is none, of this time.
   * @param {{rtpTimestamp?: number | null, capturedAt?: number | null}} frame @param {number} [now] @returns {Track[]}
   */
  at({ rtpTimestamp = null, capturedAt = null }, now = performance.now()) {
    if (!this.isHeard(now)) return [];
    const t = this.#place({ rtp: rtpTimestamp, capturedAt: capturedAt ?? Number.NaN }) ?? this.#newest.t;
    const shown = [];
    for (const way of this.#ways.values()) {
      const box = boxAt(way, t);
      if (box) shown.push({ ...way.track, box });
    }
    return shown;
  }

  /** Seconds on the time axis of the newest message. @returns {number | null} */
  #place({ rtp, capturedAt }) {
    const newest = this.#newest;
    if (!newest) return null;
    if (rtp !== null && newest.rtp !== null) return newest.t + ticksBetween(newest.rtp, rtp) / TICKS_A_SECOND;
    return Number.isNaN(capturedAt) || Number.isNaN(newest.capturedAt) ? null : newest.t + (capturedAt - newest.capturedAt) / 1000;
  }
}

/** The shorter way round: RTP timestamps begin again after 13 hours. */
function ticksBetween(from, to) {
  const forward = (((to - from) % WRAP) + WRAP) % WRAP;
  return forward < WRAP / 2 ? forward : forward - WRAP;
}

/** @param {Way} way @param {number} t @returns {Track["box"] | null} */
function boxAt({ samples, missingSince }, t) {
  const last = samples.at(-1);
  if (t < samples[0].t) return samples[0].t - t <= AHEAD_S / 2 ? samples[0].box : null;
  if (t <= last.t) {
    const after = samples.findIndex((sample) => sample.t >= t);
    const [a, b] = [samples[Math.max(0, after - 1)], samples[after]];
    const part = b.t === a.t ? 1 : (t - a.t) / (b.t - a.t);
    return mix(a.box, b.box, part);
  }
  if (t - last.t > LOST_AFTER_S || (missingSince !== null && t > missingSince + GRACE_S)) return null;
  return ahead(samples.slice(-2), Math.min(t - last.t, AHEAD_S));
}

function mix(a, b, part) {
  return /** @type {Track["box"]} */ (a.map((value, index) => value + (b[index] - value) * part));
}

/** Straight on from the last two, ever slower: who walks may stop. More than two are smoother, but late at every turn. */
function ahead(samples, seconds) {
  const [before, last] = samples;
  if (!last) return before.box;
  const damped = DAMPING_S * (1 - Math.exp(-seconds / DAMPING_S));
  return mix(before.box, last.box, 1 + damped / (last.t - before.t));
}
