/** The live wall: tiles, the feed beside them, and the evidence of what is clicked. */

import { Api } from "../api.js";
import { Board } from "../board.js";
import { Door } from "../door.js";
import { el, stateCard } from "../dom.js";
import { Events } from "../events.js";
import { Evidence } from "../evidence.js";
import { inWords } from "../failure.js";
import { Feed } from "../feed.js";
import { OwnCamera } from "../own-camera.js";
import { Sheet } from "../sheet.js";
import { Shell } from "../shell.js";
import { say } from "../text.js";
import { Tile } from "../tile.js";
import { clock } from "../times.js";

const STATUS_EVERY_MS = 5000;
const EVERY_CAMERA = { pageSize: 200, sort: "name" };
const HEARD_KEPT = 500; // news during one load; of more the oldest are dropped, the load has most of them

class Wall {
  #api = new Api();
  #shell = new Shell(this.#api);
  #events = new Events();
  #holder = document.querySelector("[data-tiles]");
  #under = document.querySelector(".under");
  #summary = document.querySelector("[data-wall-summary]");
  #board;
  /** @type {Map<string, () => void>} */
  #following = new Map();
  #polling = false;
  #loading = 0;
  /** @type {(() => void)[] | null} what was heard while the feed is being loaded, to apply it again */
  #heard = null;
  #feed = null;
  #door;
  #evidence;

  constructor() {
    const cameraName = (id) => this.#board.camera(id)?.name ?? null;
    const one = (name) => document.querySelector(`[data-${name}]`);
    this.#board = new Board({ holder: this.#holder, pager: one("pager") }, { makeTile: (camera, uses) => this.#tile(camera, uses), taken: (id) => this.#unfollow(id) });
    if (one("own-camera")) {
      new OwnCamera(this.#api, { open: one("own-camera"), dialog: one("own-dialog"), live: one("own-live") }, { mayCreate: this.#shell.may("cameras:write"), cameras: () => this.#board.cameras });
    }
    this.#door = new Door(
      { doorList: one("door-list"), doorCount: one("door-count"), unknownList: one("unknown-list"), unknownCount: one("unknown-count") },
      { open: (sighting) => this.#evidence.open(sighting), openById: (id) => this.#openById(id), cameraName },
    );
    if (one("feed")) {
      this.#feed = new Feed({ list: one("feed"), state: one("feed-state"), said: one("feed-said") }, { open: (sighting) => this.#evidence.open(sighting), cameraName });
      for (const radio of document.querySelectorAll('[name="feed"]')) radio.addEventListener("change", () => this.#feed.show(radio.value));
    }
    this.#evidence = new Evidence(this.#api, new Sheet(one("evidence")), (permission) => this.#shell.may(permission), {
      entryOf: (id) => this.#feed?.entryOf(id) ?? null,
      cameraName,
      corrected: (sighting) => this.#sighting(sighting, false),
      said: (sentence, tone) => this.#shell.toast(sentence, tone),
    });
  }

  start() {
    this.#shell.follow(this.#events, (since) => {
      this.#feed?.stale(since ? say("feed.stale", { time: clock(since) }) : null);
      if (since) return;
      this.#board.hurry();
      this.#loadCameras();
    });
    this.#events.subscribe("cameras", {}, (event) => this.#camera(event), () => this.#loadCameras());
    if (this.#feed) this.#events.subscribe("sightings", { settle: true }, (event) => this.#sighting(event.data, true), () => this.#loadFeed(true));
    if (this.#shell.may("attendance:read")) this.#events.subscribe("attendance", { settle: true }, (event) => this.#attendance(event), () => this.#loadFeed(true));
    setInterval(() => this.#poll(), STATUS_EVERY_MS);
    this.#loadCameras();
    this.#loadFeed(false);
  }

  async #loadCameras() {
    try {
      const { data } = await this.#api.list("cameras", EVERY_CAMERA);
      this.#board.load(data);
      this.#summarise();
    } catch (error) {
      if (this.#board.cameras.length) return;
      const again = el("button", { class: "button", type: "button", text: say("again"), on: { click: () => this.#loadCameras() } });
      this.#holder.replaceChildren(stateCard({ icon: "alert", title: say("failed.title"), text: inWords(error), action: again, tone: "state-failed" }));
    }
  }

  async #loadFeed(fresh) {
    if (!this.#feed) return;
    const turn = ++this.#loading;
    this.#heard = [];
    try {
      const entries = this.#shell.may("attendance:read") ? this.#api.list("attendance/entries", { pageSize: 100, sort: "-at" }) : { data: [] };
      const [sightings, entered] = await Promise.all([this.#api.list("sightings", { pageSize: 30, sort: "-startedAt" }), entries]);
      if (turn !== this.#loading) return;
      this.#under.hidden = false;
      if (fresh) this.#feed.reset();
      this.#feed.load(sightings.data, entered.data);
      if (fresh) this.#door.clear();
      this.#door.apply(entered.data);
      for (const again of this.#heard) again(); // newer than what was fetched
      this.#heard = null;
      this.#door.showUnknown(this.#feed.sightings);
    } catch (error) {
      if (turn !== this.#loading) return;
      this.#heard = null;
      if (this.#feed.isLoaded) return; // what is shown stays; the banner tells
      this.#under.hidden = true;
      this.#feed.fail(inWords(error), () => this.#loadFeed(fresh));
    }
  }

  /** Latency and the like change without an event. */
  async #poll() {
    if (document.hidden || this.#polling) return;
    this.#polling = true; // a slow network must not pile up rounds
    try {
      const { data } = await this.#api.list("cameras", EVERY_CAMERA);
      for (const { id, status } of data) this.#board.status(id, status);
    } catch {
      // The banner tells when the server is away.
    } finally {
      this.#polling = false;
    }
    this.#summarise();
  }

  #tile(camera, uses) {
    const tile = new Tile(this.#api, camera, { ...uses, serverNow: () => this.#events.serverNow });
    this.#following.set(camera.id, this.#events.subscribe(`cameras/${camera.id}/tracks`, {}, (event) => tile.track(event.data)));
    return tile;
  }

  #unfollow(id) {
    this.#following.get(id)?.();
    this.#following.delete(id);
  }

  #camera(event) {
    if (event.type === "camera.removed") this.#board.take(event.data.id);
    else this.#board.put(event.data);
    this.#summarise();
  }

  #summarise() {
    const total = this.#board.cameras.length;
    const online = this.#board.cameras.filter((camera) => camera.status?.state === "online").length;
    this.#summary.textContent = total ? say(total === 1 ? "wall.summary.one" : "wall.summary", { online, total }) : "";
  }

  #sighting(sighting, aloud) {
    this.#feed.apply(sighting, aloud);
    this.#keep(() => this.#feed.apply(sighting));
    this.#door.showUnknown(this.#feed.sightings);
    this.#evidence.refresh(this.#feed.sighting(sighting.id) ?? sighting);
  }

  #attendance(event) {
    if (event.type === "attendance.refused") return void this.#refused(event.data);
    const corrected = event.type === "attendance.corrected";
    if (!corrected && event.type !== "attendance.checked_in" && event.type !== "attendance.checked_out") return;
    this.#entry(event.data, !corrected);
    this.#keep(() => this.#entry(event.data, false));
  }

  async #refused(refused) {
    if (!this.#feed) return;
    try {
      if (!this.#feed.sighting(refused.sightingId)) this.#feed.apply(await this.#api.get(`sightings/${refused.sightingId}`));
    } catch {
      return; // it is gone, or out of reach
    }
    this.#feed.refuse(refused, true);
    this.#keep(() => this.#feed.refuse(refused));
    this.#evidence.refresh(this.#feed.sighting(refused.sightingId));
  }

  #entry(entry, aloud) {
    if (entry.removed) {
      const id = entry.entryId ?? entry.id;
      this.#feed?.removeEntry(id);
      this.#door.remove(id);
    } else {
      this.#feed?.applyEntry(entry, aloud);
      this.#door.apply([entry]);
    }
  }

  /** An answer on its way may be older than this: it is applied once more on top of it. */
  #keep(again) {
    this.#heard?.push(again);
    if (this.#heard?.length > HEARD_KEPT) this.#heard.shift();
  }

  async #openById(id) {
    const held = this.#feed?.sighting(id);
    try {
      this.#evidence.open(held ?? (await this.#api.get(`sightings/${id}`)));
    } catch (error) {
      this.#shell.toast(inWords(error), "red");
    }
  }
}

new Wall().start();
