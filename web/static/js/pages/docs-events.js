/** The page of the events: programs are copied, a link to a message opens it, and topics are listened to right here. */

import { Api } from "../api.js";
import { el } from "../dom.js";
import { Events } from "../events.js";
import { Shell } from "../shell.js";
import { say } from "../text.js";

const KEPT = 50; // lines; older ones go

const shell = new Shell(new Api());

for (const snippet of document.querySelectorAll("[data-snippet]")) {
  const code = snippet.querySelector("code");
  const name = snippet.querySelector("b").textContent;
  const copy = el("button", { class: "button button-small", type: "button", text: say("docs.copy"), "aria-label": say("docs.copy.of", { name }) });
  copy.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(code.textContent);
      shell.toast(say("docs.copied"));
    } catch {
      window.getSelection().selectAllChildren(code); // without HTTPS a browser does not let us
      shell.toast(say("docs.copy.hand"), "blue");
    }
  });
  snippet.querySelector("figcaption").append(copy);
}

function openNamed() {
  const named = document.getElementById(window.location.hash.slice(1)); // our names need no decoding
  if (named instanceof HTMLDetailsElement) named.open = true;
}

window.addEventListener("hashchange", openNamed);
openNamed();

/** The box in which a topic is listened to. */
class Listening {
  #topic;
  #button;
  #state;
  #log;
  /** @type {Events | null} */
  #events = null;
  #holds = false;

  /** @param {Element} box */
  constructor(box) {
    this.#topic = box.querySelector("select");
    this.#button = box.querySelector("button");
    this.#state = box.querySelector("[data-state]");
    this.#log = box.querySelector("[data-log]");
    this.#button.addEventListener("click", () => (this.#events ? this.#stop() : this.#start()));
    this.#topic.addEventListener("change", () => this.#events && (this.#stop(), this.#start()));
  }

  #start() {
    const events = new Events();
    this.#events = events;
    this.#holds = false;
    this.#log.replaceChildren();
    this.#button.textContent = say("docs.listen.stop");
    events.onState((state) => {
      const begins = state === "connected" && !this.#holds; // connected, and not yet following
      this.#state.textContent = say(begins ? "docs.listen.connecting" : `docs.listen.${state}`, { count: KEPT });
      if (state === "stopped" && this.#events === events) this.#stop();
    });
    events.subscribe(
      this.#topic.value,
      { settle: true, onError: ({ message }) => this.#refused(message) },
      (event, place) => this.#show(event.time, event.type, { ...place.cursor, data: event.data }),
      (_, { recovered }) => {
        this.#holds = true;
        this.#state.textContent = say("docs.listen.connected", { count: KEPT });
        if (!recovered) this.#show("", say("docs.listen.lost"), null);
      },
    );
  }

  #stop() {
    const events = this.#events;
    this.#events = null;
    events?.close();
    this.#button.textContent = say("docs.listen");
  }

  /** @param {string} message */
  #refused(message) {
    this.#stop();
    this.#state.textContent = message;
  }

  /**
   * @param {string} time
   * @param {string} type
   * @param {object | null} rest
   */
  #show(time, type, rest) {
    const line = el("li", {}, time && el("time", { datetime: time, text: time }), el("b", { text: type }), rest && el("code", { text: JSON.stringify(rest) }));
    this.#log.prepend(line);
    this.#log.parentElement.hidden = false;
    while (this.#log.children.length > KEPT) this.#log.lastElementChild.remove();
  }
}

const box = document.querySelector("[data-listen]");
if (box) new Listening(box);
