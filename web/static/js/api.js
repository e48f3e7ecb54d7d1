/** Calls to /api/v1: the envelope opened, errors as ApiError, the page's CSRF token on what changes something. */

const ROOT = "/api/v1/";

/** What the server, or the way to it, refused. `code` is stable; `details` name the fields. */
export class ApiError extends Error {
  /**
   * @param {number} status 0 where the server was not reached
   * @param {{code?: string, message?: string, details?: {field: string, code: string, message: string}[], requestId?: string}} error
   * @param {number | null} retryAfterS
   */
  constructor(status, error, retryAfterS = null) {
    super(error.message ?? "");
    this.status = status;
    this.code = error.code ?? "unreachable";
    this.details = error.details ?? [];
    this.requestId = error.requestId ?? null;
    this.retryAfterS = retryAfterS;
  }
}

export class Api {
  #token;
  #csrf;

  /** @param {{token?: string | null}} [options] a kiosk's token; without one the session cookie is used */
  constructor({ token = null } = {}) {
    this.#token = token;
    this.#csrf = document.querySelector('meta[name="csrf-token"]')?.getAttribute("content") ?? null;
  }

  /** @param {string} path @returns {Promise<any>} the envelope's data */
  async get(path) {
    return (await this.#call("GET", path)).data;
  }

  /**
   * One thing, and the tag with which an edit says which state of it was read.
   * @param {string} path
   * @returns {Promise<{data: any, tag: string | null}>}
   */
  async read(path) {
    const { data, tag } = await this.#call("GET", path);
    return { data, tag };
  }

  /**
   * A list with its meta.
   * @param {string} path
   * @param {Record<string, string | number | null | undefined>} [query]
   * @returns {Promise<{data: any[], meta: {page: number, pageSize: number, total: number}}>}
   */
  async list(path, query = {}) {
    const search = new URLSearchParams();
    for (const [name, value] of Object.entries(query)) {
      if (value !== null && value !== undefined && value !== "") search.set(name, String(value));
    }
    const suffix = search.size ? `?${search}` : "";
    const { data, meta } = await this.#call("GET", path + suffix);
    return { data, meta: meta ?? { page: 1, pageSize: data.length, total: data.length } };
  }

  /** @param {string} path @param {any} [body] @param {{key?: string, signal?: AbortSignal}} [options] with the same key it is made once */
  async post(path, body = {}, { key, signal } = {}) {
    return (await this.#call("POST", path, body, key ? { "Idempotency-Key": key } : {}, signal)).data;
  }

  /** @param {string} path @param {any} body @param {{tag?: string | null}} [options] of `read`: 412 if it is another now */
  async put(path, body, { tag } = {}) {
    return (await this.#call("PUT", path, body, tag ? { "If-Match": tag } : {})).data;
  }

  /** @param {string} path @param {any} body @param {{tag?: string | null}} [options] as of `put` */
  async patch(path, body, { tag } = {}) {
    return (await this.#call("PATCH", path, body, tag ? { "If-Match": tag } : {})).data;
  }

  /** @param {string} path @param {any} [body] @param {{tag?: string | null}} [options] as of `put` @returns {Promise<any>} what the answer tells, if it tells anything */
  async delete(path, body = undefined, { tag } = {}) {
    return (await this.#call("DELETE", path, body, tag ? { "If-Match": tag } : {})).data;
  }

  /** @param {string} path @param {Blob} blob @param {string} name @param {Record<string, string>} [fields] that go with it */
  async upload(path, blob, name, fields = {}) {
    const form = new FormData();
    form.set("file", blob, name);
    for (const [key, value] of Object.entries(fields)) form.set(key, value);
    return (await this.#call("POST", path, form)).data;
  }

  /**
   * The bytes at a URL that the API gave, such as `faceUrl`, and when the picture was taken if it says so.
   * @param {string} url
   * @param {{signal?: AbortSignal}} [options]
   * @returns {Promise<{blob: Blob, capturedAt: string | null}>}
   */
  async picture(url, { signal } = {}) {
    const response = await this.#fetch(url, { headers: this.#headers(), signal, cache: "no-store" });
    if (!response.ok) throw await this.#refusal(response);
    return { blob: await response.blob(), capturedAt: response.headers.get("X-Captured-At") };
  }

  /**
   * What is not JSON: an offer, a candidate, a stream of pictures. The answer as it is, or an ApiError.
   * @param {string} method
   * @param {string} path under /api/v1, or the whole path as a `Location` gave it
   * @param {{type?: string, body?: string, keepalive?: boolean, signal?: AbortSignal}} [options]
   * @returns {Promise<Response>}
   */
  async send(method, path, { type, ...options } = {}) {
    const headers = this.#headers();
    if (type) headers["Content-Type"] = type;
    this.#protect(headers, method);
    const response = await this.#fetch(path.startsWith("/") ? path : ROOT + path, { method, headers, cache: "no-store", ...options });
    if (!response.ok) throw await this.#refusal(response);
    return response;
  }

  async #call(method, path, body, more = {}, signal = undefined) {
    const headers = { ...this.#headers(), ...more };
    headers.Accept = "application/json";
    this.#protect(headers, method);
    let payload = body;
    if (body !== undefined && !(body instanceof FormData)) {
      headers["Content-Type"] = "application/json";
      payload = JSON.stringify(body);
    }
    const response = await this.#fetch(ROOT + path, { method, headers, body: payload, signal });
    if (!response.ok) throw await this.#refusal(response);
    return response.status === 204 ? { data: null } : { ...(await response.json()), tag: response.headers.get("ETag") };
  }

  #headers() {
    return this.#token ? { Authorization: `Bearer ${this.#token}` } : {};
  }

  /** A cookie comes along by itself, so what changes something proves that this page asks for it. */
  #protect(headers, method) {
    if (method !== "GET" && this.#csrf && !this.#token) headers["X-CSRF-Token"] = this.#csrf;
  }

  async #fetch(url, options) {
    try {
      return await fetch(url, { credentials: this.#token ? "omit" : "same-origin", ...options });
    } catch (error) {
      if (error.name === "AbortError") throw error;
      throw new ApiError(0, {});
    }
  }

  async #refusal(response) {
    const onLogin = ["/login", "/kiosk", "/setup"].includes(location.pathname);
    if (response.status === 401 && !this.#token && !onLogin) {
      location.assign(`/login?next=${encodeURIComponent(location.pathname + location.search)}`);
    }
    const body = await response.json().catch(() => ({}));
    const wait = Number.parseInt(response.headers.get("Retry-After") ?? "", 10);
    return new ApiError(response.status, body.error ?? { code: "failed" }, Number.isNaN(wait) ? null : wait);
  }
}
