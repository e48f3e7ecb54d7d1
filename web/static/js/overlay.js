/** Draws tracks with names over a picture that is fitted into its box, whatever the two aspects are. */

const TONES = { recognized: "--green-on-picture", unknown: "--quiet-on-picture", pending: "--quiet-on-picture", spoof: "--red-on-picture" };

/**
 * @typedef {{trackId: number, box: [number, number, number, number], state: "pending" | "recognized" | "unknown" | "spoof",
 *   personId: string | null, name: string | null, similarity: number | null}} Track
 */

export class Overlay {
  #canvas;
  #pen;
  #words;
  #label = "600 13px 'Liberation Sans', sans-serif";

  /**
   * @param {HTMLCanvasElement} canvas lies exactly over the picture
   * @param {{unknown: string, spoof: string}} words
   */
  constructor(canvas, words) {
    this.#canvas = canvas;
    this.#pen = canvas.getContext("2d");
    this.#words = words;
  }

  /**
   * @param {Track[]} tracks boxes in 0…1 of the picture
   * @param {{width: number, height: number}} picture
   */
  draw(tracks, picture) {
    const width = this.#canvas.clientWidth;
    const height = this.#canvas.clientHeight;
    const ratio = window.devicePixelRatio || 1;
    if (this.#canvas.width !== Math.round(width * ratio) || this.#canvas.height !== Math.round(height * ratio)) {
      this.#canvas.width = Math.round(width * ratio);
      this.#canvas.height = Math.round(height * ratio);
    }
    this.#pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    this.#pen.clearRect(0, 0, width, height);
    if (!picture.width || !picture.height) return;
    const style = getComputedStyle(this.#canvas);
    this.#label = `600 13px ${style.fontFamily}`;
    const scale = Math.min(width / picture.width, height / picture.height);
    const left = (width - picture.width * scale) / 2;
    const top = (height - picture.height * scale) / 2;
    const quietFirst = [...tracks].sort((a, b) => Number(a.state === "recognized") - Number(b.state === "recognized"));
    for (const track of quietFirst) {
      const [x, y, w, h] = track.box;
      const box = {
        x: left + x * picture.width * scale,
        y: top + y * picture.height * scale,
        w: w * picture.width * scale,
        h: h * picture.height * scale,
      };
      this.#box(box, track, style.getPropertyValue(TONES[track.state] ?? TONES.pending));
      this.#name(box, track, style, width);
    }
  }

  clear() {
    this.#pen.setTransform(1, 0, 0, 1, 0, 0);
    this.#pen.clearRect(0, 0, this.#canvas.width, this.#canvas.height);
  }

  /** Corners for who is known, a thin dashed frame for who is not: never colour alone. */
  #box({ x, y, w, h }, track, colour) {
    const pen = this.#pen;
    const known = track.state === "recognized";
    const arm = Math.min(w, h) * 0.24;
    pen.save();
    pen.lineJoin = "round";
    pen.lineCap = "round";
    pen.beginPath();
    if (known) {
      for (const [cx, cy, dx, dy] of [[x, y, 1, 1], [x + w, y, -1, 1], [x + w, y + h, -1, -1], [x, y + h, 1, -1]]) {
        pen.moveTo(cx + dx * arm, cy);
        pen.lineTo(cx, cy);
        pen.lineTo(cx, cy + dy * arm);
      }
    } else {
      pen.setLineDash(track.state === "pending" ? [2, 5] : [6, 5]);
      pen.roundRect(x, y, w, h, 4);
    }
    pen.strokeStyle = "rgb(0 0 0 / 0.55)"; // a dark edge keeps the line readable on a bright picture
    pen.lineWidth = known ? 5 : 3.5;
    pen.stroke();
    pen.strokeStyle = colour;
    pen.lineWidth = known ? 2.5 : 1.5;
    pen.stroke();
    pen.restore();
  }

  #name({ x, y, w, h }, track, style, room) {
    const whole = this.#wordsOf(track);
    if (!whole) return;
    const pen = this.#pen;
    const known = track.state === "recognized";
    const figure = known && track.similarity !== null && track.similarity !== undefined ? track.similarity.toFixed(2) : "";
    pen.save();
    pen.font = known ? this.#label : this.#label.replace("600 13px", "400 12px");
    const figureWidth = figure ? pen.measureText(figure).width + 8 : 0;
    const words = this.#shortened(whole, room - figureWidth - 24);
    const nameWidth = pen.measureText(words).width;
    const wide = nameWidth + figureWidth + 16;
    const tall = known ? 24 : 20;
    const left = Math.min(Math.max(4, x + w / 2 - wide / 2), Math.max(4, room - wide - 4));
    const top = y - tall - 6 > 4 ? y - tall - 6 : y + h + 6;
    pen.fillStyle = style.getPropertyValue(known ? "--label-on-picture" : "--label-quiet-on-picture");
    pen.beginPath();
    pen.roundRect(left, top, wide, tall, 6);
    pen.fill();
    pen.textBaseline = "middle";
    pen.textAlign = "left"; // also where the page is read from right to left
    pen.fillStyle = style.getPropertyValue(known ? "--ink-on-label" : "--ink-quiet-on-label");
    pen.fillText(words, left + 8, top + tall / 2 + 0.5);
    if (figure) {
      pen.fillStyle = style.getPropertyValue("--green-on-picture");
      pen.fillText(figure, left + 16 + nameWidth, top + tall / 2 + 0.5);
    }
    pen.restore();
  }

  /** As much of the words as there is room for: the figure beside them stays in sight. */
  #shortened(words, room) {
    const fits = (text) => this.#pen.measureText(text).width <= room;
    if (fits(words)) return words;
    const letters = [...words];
    const cut = (count) => `${letters.slice(0, count).join("").trimEnd()}…`;
    let [least, most] = [1, letters.length - 1];
    while (least < most) {
      const middle = Math.ceil((least + most) / 2);
      if (fits(cut(middle))) least = middle;
      else most = middle - 1;
    }
    return cut(least);
  }

  #wordsOf(track) {
    if (track.state === "recognized") return track.name ?? "";
    if (track.state === "unknown") return this.#words.unknown;
    return track.state === "spoof" ? this.#words.spoof : "";
  }
}
