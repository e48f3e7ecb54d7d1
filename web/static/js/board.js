/** The tiles of the wall: up to sixteen at once, one of them large, by mouse and by keyboard, and only for who looks. */

import { el, icon, stateCard } from "./dom.js";
import { say } from "./text.js";

const A_PAGE = 16;
const ASLEEP_AFTER_MS = 30_000;
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

export class Board {
  #holder;
  #pager;
  #makeTile;
  #taken;
  /** @type {Map<string, any>} every camera, also those on other pages */
  #cameras = new Map();
  /** @type {Map<string, import("./tile.js").Tile>} of this page */
  #tiles = new Map();
  #page = 0;
  #large = /** @type {string | null} */ (null);
  #current = /** @type {string | null} */ (null);
  #asleep = false;
  #timer = 0;
  #seen = new IntersectionObserver((changes) => {
    for (const change of changes) this.#tiles.get(change.target.dataset.camera)?.see(change.isIntersecting);
  });

  /**
   * @param {{holder: HTMLElement, pager: HTMLElement}} parts
   * @param {{makeTile: (camera: any, uses: {enlarge: (id: string) => void, fullScreen: (id: string) => void}) => import("./tile.js").Tile, taken: (id: string) => void}} uses
   *   `taken`: this tile is not on the page any more
   */
  constructor({ holder, pager }, { makeTile, taken }) {
    this.#holder = holder;
    this.#pager = pager;
    this.#makeTile = makeTile;
    this.#taken = taken;
    document.addEventListener("keydown", (event) => this.#key(event));
    holder.addEventListener("focusin", (event) => this.#reach(event.target.closest("[data-camera]")?.dataset.camera ?? null));
    document.addEventListener("fullscreenchange", () => {
      for (const tile of this.#tiles.values()) tile.full(document.fullscreenElement === tile.element);
    });
    document.addEventListener("visibilitychange", () => this.#looked());
    addEventListener("pagehide", () => this.#wake(false));
    addEventListener("pageshow", (event) => event.persisted && this.#wake(true));
  }

  get cameras() {
    return [...this.#cameras.values()];
  }

  /** @param {string | null} id */
  camera(id) {
    return this.#cameras.get(id) ?? null;
  }

  /** Cameras as the server lists them: all of them, and no others. */
  load(cameras) {
    const gone = new Set(this.#cameras.keys());
    for (const camera of cameras) {
      gone.delete(camera.id);
      this.#put(camera);
    }
    for (const id of gone) this.#cameras.delete(id);
    this.#arrange();
  }

  put(camera) {
    this.#put(camera);
    this.#arrange();
  }

  take(id) {
    this.#cameras.delete(id);
    this.#arrange();
  }

  /** Latency and the like: nothing of it changes which tiles there are. */
  status(id, status) {
    const held = this.#cameras.get(id);
    if (held && !(held.status?.since > status.since)) this.#put({ ...held, status }); // an event may have been quicker
  }

  /** The server is back: nobody waits any longer. */
  hurry() {
    for (const tile of this.#tiles.values()) tile.hurry();
  }

  #put(camera) {
    this.#cameras.set(camera.id, camera);
    this.#tiles.get(camera.id)?.change(camera);
  }

  #arrange() {
    const pages = Math.max(1, Math.ceil(this.#cameras.size / A_PAGE));
    this.#page = Math.min(this.#page, pages - 1);
    const shown = this.cameras.slice(this.#page * A_PAGE, (this.#page + 1) * A_PAGE);
    const ids = new Set(shown.map((camera) => camera.id));
    for (const id of [...this.#tiles.keys()]) if (!ids.has(id)) this.#drop(id);
    for (const other of [...this.#holder.children]) if (!ids.has(other.dataset.camera)) other.remove(); // what was shown meanwhile
    let after = null;
    for (const camera of [...shown].reverse()) {
      // What is there already stays where it is: a video that is moved stops.
      if (!this.#tiles.has(camera.id)) this.#add(camera, after);
      after = this.#tiles.get(camera.id).element;
    }
    if (this.#large && !ids.has(this.#large)) this.#large = null;
    const columns = Math.min(4, Math.max(1, Math.ceil(Math.sqrt(shown.length))));
    this.#holder.style.setProperty("--columns", String(columns));
    this.#holder.classList.toggle("has-large", this.#large !== null);
    for (const [id, tile] of this.#tiles) tile.large(id === this.#large);
    if (!shown.length) this.#holder.replaceChildren(stateCard({ icon: "camera", title: say("wall.empty.title"), text: say("wall.empty.text") }));
    if (!this.#current || !ids.has(this.#current)) this.#reach(shown[0]?.id ?? null);
    this.#turnPages(pages);
  }

  #add(camera, before) {
    const tile = this.#makeTile(camera, { enlarge: (id) => this.#enlarge(id), fullScreen: (id) => this.#fullScreen(id) });
    tile.reachable(false);
    tile.sleep(this.#asleep);
    this.#tiles.set(camera.id, tile);
    this.#holder.insertBefore(tile.element, before);
    this.#seen.observe(tile.element);
  }

  #drop(id) {
    const tile = this.#tiles.get(id);
    this.#tiles.delete(id);
    this.#seen.unobserve(tile.element);
    tile.close();
    this.#taken(id);
  }

  #turnPages(pages) {
    this.#pager.hidden = pages === 1;
    if (pages === 1) return;
    const from = this.#page * A_PAGE + 1;
    const words = say("wall.page", { from, to: Math.min(from + A_PAGE - 1, this.#cameras.size), total: this.#cameras.size });
    const turn = (by) => () => {
      this.#page += by;
      this.#arrange();
      const [previous, next] = this.#pager.querySelectorAll("button");
      const wanted = by < 0 ? previous : next;
      (wanted.disabled ? (by < 0 ? next : previous) : wanted).focus();
    };
    const button = (key, name, by, off) => el("button", { class: "button button-small", type: "button", disabled: off, on: { click: turn(by) } }, by < 0 && icon(name), el("span", { text: say(key) }), by > 0 && icon(name));
    this.#pager.replaceChildren(
      button("wall.previous", "chevron-left", -1, this.#page === 0),
      el("p", { class: "quiet figures", role: "status", text: words }),
      button("wall.next", "chevron-right", 1, this.#page === pages - 1),
    );
  }

  #enlarge(id) {
    if (document.fullscreenElement) return;
    this.#large = this.#large === id ? null : id;
    this.#arrange();
    this.#reach(id);
    this.#tiles.get(id)?.element.scrollIntoView({ block: "nearest" });
  }

  async #fullScreen(id) {
    const element = this.#tiles.get(id)?.element;
    if (document.fullscreenElement) await document.exitFullscreen();
    else await element?.requestFullscreen?.().catch(() => undefined); // the browser may say no
  }

  #reach(id) {
    if (id === this.#current) return;
    this.#tiles.get(this.#current)?.reachable(false);
    this.#tiles.get(id)?.reachable(true);
    this.#current = id;
  }

  /** Keys are for the tile that has the focus or, where nothing has it, for the large one. */
  #key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    const focused = document.activeElement ?? document.body;
    const id = focused.closest("[data-camera]")?.dataset.camera ?? (focused === document.body ? this.#large : null);
    const tile = this.#tiles.get(id);
    if (!tile) return;
    const run = {
      Enter: () => focused === tile.element && (this.#enlarge(id), true),
      Escape: () => this.#large !== null && !document.fullscreenElement && (this.#enlarge(this.#large), true),
      f: () => (this.#fullScreen(id), true),
      b: () => (tile.toggleBoxes(), true),
      p: () => (tile.float(), true),
    }[event.key.length === 1 ? event.key.toLowerCase() : event.key] ?? (() => event.key in ARROWS && this.#move(tile, ARROWS[event.key]));
    if (run()) event.preventDefault();
  }

  /** To the nearest tile in that direction, as they lie on the screen. */
  #move(from, [dx, dy]) {
    if (document.fullscreenElement) return false;
    const middle = (tile) => {
      const { left, top, width, height } = tile.element.getBoundingClientRect();
      return [left + width / 2, top + height / 2];
    };
    const [x, y] = middle(from);
    let best = null;
    for (const tile of this.#tiles.values()) {
      const [tx, ty] = middle(tile);
      const along = (tx - x) * dx + (ty - y) * dy;
      const aside = Math.abs((tx - x) * dy) + Math.abs((ty - y) * dx);
      if (tile !== from && along > 1 && (!best || along + 2 * aside < best.cost)) best = { tile, cost: along + 2 * aside };
    }
    best?.tile.element.focus();
    return best !== null;
  }

  #looked() {
    clearTimeout(this.#timer);
    if (document.hidden) this.#timer = setTimeout(() => this.#wake(false), ASLEEP_AFTER_MS);
    else this.#wake(true);
  }

  #wake(yes) {
    this.#asleep = !yes;
    for (const tile of this.#tiles.values()) tile.sleep(!yes);
  }
}
