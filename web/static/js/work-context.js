/** Names of what rows of working time refer to: shifts, sites and departments as lists, people one by one. */

import { say } from "./text.js";

const PAGE_SIZE = 200;
const MOST_PAGES = 10;

export class WorkContext {
  #api;
  #lists = { shifts: new Map(), sites: new Map(), departments: new Map() };
  #people = new Map();
  #asked = /** @type {Promise<void> | null} */ (null);

  /** @param {import("./api.js").Api} api */
  constructor(api) {
    this.#api = api;
  }

  /** What a form offers to choose from, as it is now. */
  async prepare() {
    this.#asked ??= this.#load().finally(() => { this.#asked = null; });
    await this.#asked;
  }

  async #load() {
    await Promise.all(Object.keys(this.#lists).map(async (path) => {
      const found = new Map();
      try {
        for (let page = 1; page <= MOST_PAGES; page += 1) {
          const { data, meta } = await this.#api.list(path, { pageSize: PAGE_SIZE, page });
          for (const { id, name } of data) found.set(id, name);
          if (page * PAGE_SIZE >= meta.total) break;
        }
      } catch (error) {
        if (error.status !== 403) throw error; // who may not read departments chooses none
      }
      this.#lists[path] = found;
    }));
  }

  /** Learns the names that these rows need. @param {any[]} rows */
  async learn(rows) {
    const lists = rows.some((row) => (row.shiftId && !this.#lists.shifts.has(row.shiftId)) || (row.siteId && !this.#lists.sites.has(row.siteId)) || (row.departmentId && !this.#lists.departments.has(row.departmentId)));
    const people = [...new Set(rows.map((row) => row.personId).filter((id) => id && !this.#people.has(id)))];
    await Promise.all([lists && this.prepare(), ...people.map((id) => this.#learnPerson(id))]);
  }

  async #learnPerson(id) {
    const person = await this.#api.get(`people/${id}`).catch(() => null); // a name is missing, no more
    if (person) this.#people.set(id, person.fullName);
  }

  person(id) {
    return this.#people.get(id) ?? say("work.person.somebody");
  }

  shift(id) {
    return this.#lists.shifts.get(id) ?? say("work.shift");
  }

  site(id) {
    return this.#lists.sites.get(id) ?? say("work.site");
  }

  department(id) {
    return this.#lists.departments.get(id) ?? say("work.department");
  }

  shifts() {
    return [...this.#lists.shifts];
  }

  sites() {
    return [...this.#lists.sites];
  }

  departments() {
    return [...this.#lists.departments];
  }
}
