/** A dialog at the side or in the middle: opens with a title, closes by Escape, its button or a click beside it. */

export class Sheet {
  #dialog;
  #closed;

  /** @param {HTMLDialogElement} dialog @param {() => void} [closed] */
  constructor(dialog, closed = () => undefined) {
    this.#dialog = dialog;
    this.#closed = closed;
    dialog.addEventListener("click", (event) => {
      if (event.target === dialog) dialog.close();
    });
    for (const button of dialog.querySelectorAll("[data-close]")) {
      button.addEventListener("click", () => dialog.close());
    }
    dialog.addEventListener("close", () => this.#closed());
  }

  get isOpen() {
    return this.#dialog.open;
  }

  /** @param {string} title @param {...Node} content */
  open(title, ...content) {
    this.show(title, ...content);
    if (!this.#dialog.open) this.#dialog.showModal();
    this.#dialog.querySelector("[data-sheet-body]").scrollTop = 0;
  }

  /** Replaces what an open sheet shows. */
  show(title, ...content) {
    this.#dialog.querySelector("[data-sheet-title]").textContent = title;
    this.#dialog.querySelector("[data-sheet-body]").replaceChildren(...content);
  }

  close() {
    if (this.#dialog.open) this.#dialog.close();
  }
}
