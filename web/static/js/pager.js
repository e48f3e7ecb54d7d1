/** The pages of a list: which part of it is shown, and the buttons to the one before and the one after. */

export class Pager {
  #nav;
  #size;

  /** @param {HTMLElement} nav @param {number} size rows of a page @param {(by: -1 | 1) => void} step */
  constructor(nav, size, step) {
    this.#nav = nav;
    this.#size = size;
    this.#button("previous").addEventListener("click", () => step(-1));
    this.#button("next").addEventListener("click", () => step(1));
  }

  /** @param {{page: number, here: number, total: number}} of `here` rows @param {(place: {from: number, to: number, total: number}) => string} inWords */
  show({ page, here, total }, inWords) {
    const before = (page - 1) * this.#size;
    this.#nav.hidden = total <= this.#size;
    this.#nav.querySelector("[data-pager-text]").textContent = inWords({ from: before + 1, to: before + here, total });
    this.#button("previous").disabled = page <= 1;
    this.#button("next").disabled = before + here >= total;
  }

  #button(name) {
    return this.#nav.querySelector(`[data-${name}]`);
  }
}
