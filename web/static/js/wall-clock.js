/** The clock on the wall of the site or of the kiosk: times and dates in its zone, in the language of the page. */

export class WallClock {
  #site;
  #zone;
  #language = "";
  #clock;
  #day;
  #hour;

  /** @param {string | undefined} zone IANA name; the device's own where it is empty or not known here */
  constructor(zone) {
    this.#site = this.#zone = known(zone);
  }

  /** The kiosk's own; the site's where it is empty or not known here. @param {string | null | undefined} zone */
  use(zone) {
    this.#zone = known(zone) ?? this.#site;
    this.#language = "";
  }

  /** @param {string | Date} at such as 09:02 */
  clock(at) {
    this.#speak();
    return this.#clock.format(new Date(at));
  }

  /** @param {string | Date} at such as Monday 5 January */
  day(at) {
    this.#speak();
    return this.#day.format(new Date(at));
  }

  /** 0 to 23. @param {Date} at */
  hour(at) {
    this.#speak();
    return Number(this.#hour.format(at));
  }

  #speak() {
    const language = document.documentElement.lang || "en";
    if (language === this.#language) return;
    this.#language = language;
    const [timeZone, dates] = [this.#zone, language === "en" ? "en-GB" : language];
    this.#clock = new Intl.DateTimeFormat(language, { hour: "2-digit", minute: "2-digit", hourCycle: "h23", timeZone });
    this.#day = new Intl.DateTimeFormat(dates, { weekday: "long", day: "numeric", month: "long", timeZone });
    this.#hour = new Intl.DateTimeFormat("en", { hour: "numeric", hourCycle: "h23", numberingSystem: "latn", timeZone });
  }
}

function known(zone) {
  try {
    return zone ? new Intl.DateTimeFormat("en", { timeZone: zone }).resolvedOptions().timeZone : undefined;
  } catch {
    return undefined;
  }
}
