/** The list of cameras: live states and pictures, searched, sorted, paged; started, changed, added and deleted. */

import { Api } from "../api.js";
import { CameraEdit } from "../camera-edit.js";
import { CameraRemoval } from "../camera-removal.js";
import { CameraRow } from "../camera-row.js";
import { CameraSnapshots } from "../camera-snapshots.js";
import { CameraWizard } from "../camera-wizard.js";
import { CameraZones } from "../camera-zones.js";
import { el, icon, inOrder, stateCard } from "../dom.js";
import { Events } from "../events.js";
import { inWords } from "../failure.js";
import { Pager } from "../pager.js";
import { Sheet } from "../sheet.js";
import { Shell } from "../shell.js";
import { say } from "../text.js";
import { clock } from "../times.js";

const PAGE_SIZE = 50;
const SEARCH_AFTER_MS = 220;
const AGAIN_EVERY_MS = 5000;
const NEWS_AFTER_MS = 150; // several events at once are one load
const STATES = ["camera.online", "camera.offline"];

class Cameras {
  #api = new Api();
  #shell = new Shell(this.#api);
  #events = new Events();
  #list = one("list");
  #card = one("card");
  #state = one("state");
  #count = one("count");
  #pager = new Pager(one("pager"), PAGE_SIZE, (by) => { this.#page += by; this.#load(); });
  #input = one("search");
  #add = one("add");
  /** @type {Map<string, CameraRow>} */
  #rows = new Map();
  /** What events said while a list was on its way: it may be older. @type {Map<string, any>} */
  #heard = new Map();
  #seen = new IntersectionObserver((entries) => {
    for (const { target, isIntersecting } of entries) this.#rows.get(target.dataset.camera)?.see(isIntersecting);
  });
  #edit = null;
  #wizard = null;
  #removal = null;
  #snapshots = new CameraSnapshots(this.#api, new Sheet(one("snapshots")), (permission) => this.#shell.may(permission), (sentence, tone) => this.#shell.toast(sentence, tone));
  #zones = new CameraZones(this.#api, one("zones"), (permission) => this.#shell.may(permission));
  #search = "";
  #sort = "name";
  #page = 1;
  #asked = 0;
  #loading = 0; // of which turn
  #timer = 0;
  #news = 0;
  #shown = false;

  constructor() {
    const said = (key) => (camera) => {
      this.#shell.toast(say(key, { name: camera.name }));
      this.#load();
    };
    if (one("wizard")) {
      this.#edit = new CameraEdit(this.#api, new Sheet(one("camera-sheet"), () => this.#edit.left()), (camera) => {
        this.#rows.get(camera.id)?.change(camera);
        said("cameras.saved")(camera);
      });
      const sheet = new Sheet(one("wizard"), () => {
        this.#wizard.left();
        const focused = document.activeElement; // the empty list's button is gone, or soon will be
        if (focused === document.body || this.#state.contains(focused)) this.#add.focus();
      });
      this.#wizard = new CameraWizard(this.#api, sheet, said("cameras.added"));
      this.#add.addEventListener("click", () => this.#wizard.open());
    }
    if (one("removal")) {
      this.#removal = new CameraRemoval(this.#api, one("removal"), (camera) => {
        said("cameras.removed")(camera);
        this.#take(camera.id);
        this.#input.focus(); // its row is gone
      });
    }
    this.#input.addEventListener("input", () => {
      clearTimeout(this.#timer);
      this.#timer = setTimeout(() => { this.#search = this.#input.value.trim(); this.#page = 1; this.#load(); }, SEARCH_AFTER_MS);
    });
    one("search-form").addEventListener("submit", (event) => event.preventDefault());
    one("sort").addEventListener("click", () => this.#turnOrder());
  }

  start() {
    this.#shell.follow(this.#events, (since) => {
      this.#card.classList.toggle("is-stale", since !== null);
      this.#state.replaceChildren(...(since ? [el("p", { class: "stale-line" }, icon("clock"), el("span", { text: say("cameras.stale", { time: clock(since) }) }))] : []));
      this.#zones.away(since);
      if (!since) this.#load();
    });
    this.#events.subscribe("cameras", {}, (event) => this.#hear(event), () => this.#load());
    setInterval(() => this.#again(), AGAIN_EVERY_MS);
    document.addEventListener("visibilitychange", () => this.#again());
    this.#load();
  }

  /** Figures and pictures change without an event. */
  #again() {
    if (document.hidden || !this.#shown) return;
    if (!this.#loading) this.#load({ quietly: true }); // a slow network must not pile up rounds
    for (const row of this.#rows.values()) row.look();
  }

  async #load({ quietly = false } = {}) {
    const turn = ++this.#asked;
    this.#loading = turn;
    this.#heard.clear();
    try {
      const { data, meta } = await this.#api.list("cameras", { search: this.#search, page: this.#page, pageSize: PAGE_SIZE, sort: this.#sort });
      if (turn !== this.#asked) return;
      if (!data.length && this.#page > 1) { // the last one of the last page is gone
        this.#page = Math.max(1, Math.min(this.#page - 1, Math.ceil(meta.total / PAGE_SIZE)));
        this.#load();
      } else this.#show(data, meta);
    } catch (error) {
      if (turn !== this.#asked || (quietly && this.#shown)) return; // the banner tells
      const again = el("button", { class: "button", type: "button", text: say("again"), on: { click: () => this.#load() } });
      if (!this.#shown) this.#card.hidden = true;
      this.#state.dataset.shows = "";
      this.#state.replaceChildren(stateCard({ icon: "alert", title: say("failed.title"), text: inWords(error), action: again, tone: "state-failed" }));
    } finally {
      if (this.#loading === turn) this.#loading = 0;
    }
  }

  #show(listed, { total, page }) {
    const cameras = listed.map((camera) => (this.#heard.has(camera.id) ? this.#heard.get(camera.id) : camera)).filter(Boolean);
    this.#shown = true;
    this.#list.removeAttribute("aria-busy");
    this.#arrange(cameras);
    this.#count.textContent = total === 1 ? say("cameras.count.one") : say("cameras.count", { count: total });
    this.#card.hidden = cameras.length === 0;
    if (!this.#shell.awaySince) this.#empty(cameras.length === 0);
    this.#pager.show({ page, here: listed.length, total }, (place) => say("cameras.page", place));
  }

  #arrange(cameras) {
    const ids = new Set(cameras.map((camera) => camera.id));
    for (const id of [...this.#rows.keys()]) if (!ids.has(id)) this.#take(id);
    for (const other of [...this.#list.children]) if (!ids.has(other.dataset.camera)) other.remove(); // the shapes of loading
    for (const camera of cameras) {
      if (this.#rows.has(camera.id)) this.#rows.get(camera.id).change(camera);
      else this.#make(camera);
    }
    inOrder(this.#list, cameras.map((camera) => this.#rows.get(camera.id).element));
  }

  #make(camera) {
    const row = new CameraRow(this.#api, camera, {
      may: (permission) => this.#shell.may(permission),
      edit: (id) => this.#edit.open(id),
      snapshots: (of) => this.#snapshots.open(of),
      zones: (of) => this.#zones.open(of),
      remove: (of) => this.#removal.open(of),
      said: (sentence, tone) => this.#shell.toast(sentence, tone),
    });
    this.#rows.set(camera.id, row);
    this.#list.append(row.element);
    this.#seen.observe(row.element);
  }

  #take(id) {
    const row = this.#rows.get(id);
    if (!row) return;
    this.#seen.unobserve(row.element);
    this.#rows.delete(id);
    row.close();
  }

  /** The same state is left as it is: somebody may be on its button. */
  #empty(yes) {
    const key = yes ? `empty ${this.#search}` : "";
    if (yes && this.#state.dataset.shows === key && this.#state.firstChild) return;
    this.#state.dataset.shows = key;
    this.#state.replaceChildren(...(yes ? [this.#nothing()] : []));
  }

  #nothing() {
    if (this.#search) return stateCard({ icon: "search", title: say("cameras.none.title", { search: this.#search }), text: say("cameras.none.text") });
    const button = this.#add && el("button", { class: "button button-primary", type: "button", on: { click: () => this.#add.click() } }, icon("plus"), el("span", { text: say("wizard.title") }));
    return stateCard({ icon: "cctv", title: say("cameras.empty.title"), text: say(button ? "cameras.empty.text" : "cameras.empty.viewer"), action: button });
  }

  #hear({ type, data: camera }) {
    const isGone = type === "camera.removed";
    const row = this.#rows.get(camera.id);
    const isPlaced = row && !isGone && row.camera.name === camera.name;
    this.#heard.set(camera.id, isGone ? null : camera);
    if (row && !isGone) row.change(camera);
    if (isPlaced || (!row && STATES.includes(type))) return;
    clearTimeout(this.#news); // which ones there are, and in which order, the server knows
    this.#news = setTimeout(() => this.#load({ quietly: true }), NEWS_AFTER_MS);
  }

  #turnOrder() {
    this.#sort = this.#sort === "name" ? "-name" : "name";
    this.#page = 1;
    one("sorted").setAttribute("aria-sort", this.#sort === "name" ? "ascending" : "descending");
    this.#load();
  }
}

/** @param {string} name @returns {any} the element that bears this mark */
function one(name) {
  return document.querySelector(`[data-${name}]`);
}

new Cameras().start();
