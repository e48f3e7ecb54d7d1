/** The switch between the system's theme, light and dark; the choice stays in this browser. */

const KEY = "rollcall.theme";

export class Theme {
  #switch;

  /** @param {HTMLElement} fieldset holds three radio buttons named `theme` */
  constructor(fieldset) {
    this.#switch = fieldset;
    const kept = document.documentElement.dataset.theme ?? "system";
    for (const radio of this.#switch.querySelectorAll("input")) {
      radio.checked = radio.value === kept;
      radio.addEventListener("change", () => this.#choose(radio.value));
    }
  }

  #choose(theme) {
    if (theme === "system") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = theme;
    try {
      if (theme === "system") localStorage.removeItem(KEY);
      else localStorage.setItem(KEY, theme);
    } catch {
      // Storage may be blocked: the choice lasts for this page.
    }
    document.dispatchEvent(new CustomEvent("rollcall:theme"));
  }
}
