/** Signing in, and staying signed in: one refresh at a time, whichever tab or request asks for it. */

import createClient, { type Client, type Middleware } from "openapi-fetch";
import type { components, paths } from "./schema";

export type User = components["schemas"]["UserPublic"];
type Tokens = components["schemas"]["Tokens"];

const KEPT = "rollcall.refreshToken";
const EARLY_S = 60; // before the access token runs out, and never before half of its time

/** What the server answered, in its own words. `code` is stable; `fields` are the ones to correct. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly fields: Record<string, string> = {},
  ) {
    super(message);
  }
}

export class Session {
  /** The typed client: paths, parameters and answers are those of /openapi.json. */
  readonly api: Client<paths>;
  readonly #server: string;
  #access: { token: string; renewAt: number } | null = null;
  #refreshing: Promise<string> | null = null;
  readonly #listeners = new Set<() => void>();
  user: User | null = null;

  constructor(server: string) {
    this.#server = server;
    this.api = createClient<paths>({ baseUrl: server });
    this.api.use(this.#authorized());
    // Only other tabs cause this event: one of them has signed out.
    window.addEventListener("storage", () => {
      if (localStorage.getItem(KEPT) === null) this.end();
    });
  }

  /** Tells when `user` changes: signed in, or ended, in whichever tab. For React's useSyncExternalStore. */
  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  /** Raises ApiError `wrong_credentials`, or `otp_required` where the user has a second factor. */
  async signIn(username: string, password: string, otp?: string): Promise<void> {
    const plain = createClient<paths>({ baseUrl: this.#server });
    const { data, error, response } = await plain.POST("/api/v1/auth/login", { body: { username, password, otp: otp ?? null } });
    if (!data) throw apiError(response, error);
    this.#keep(data.data);
  }

  /** Goes on from where an earlier visit ended, if it can. Rejects where the session may still be good: try again. */
  async resume(): Promise<void> {
    try {
      await this.token();
    } catch (error) {
      if (!hasEnded(error)) throw error;
    }
  }

  async signOut(): Promise<void> {
    await this.api.POST("/api/v1/auth/logout", { body: { refreshToken: localStorage.getItem(KEPT) } }).catch(() => undefined);
    this.end();
  }

  /** Forgets it here and in the other tabs; signOut also ends it at the server. */
  end(): void {
    localStorage.removeItem(KEPT);
    this.#access = null;
    this.#become(null);
  }

  /** An access token that is good for a while: for requests, and for the socket. */
  async token(): Promise<string> {
    if (this.#access && this.#access.renewAt > Date.now()) return this.#access.token;
    this.#refreshing ??= this.#refresh().finally(() => {
      this.#refreshing = null;
    });
    return this.#refreshing;
  }

  /** The access token was refused: the next one that is asked for is a new one. */
  renew(): void {
    this.#access = null;
  }

  /** Tabs share the refresh token and take turns: a used one must not be sent again. */
  async #refresh(): Promise<string> {
    return navigator.locks.request("rollcall.refresh", async () => {
      const refreshToken = localStorage.getItem(KEPT);
      if (refreshToken === null) throw new ApiError(401, "not_authenticated", "Sign in first.");
      const plain = createClient<paths>({ baseUrl: this.#server });
      const { data, error, response } = await plain.POST("/api/v1/auth/refresh", { body: { refreshToken } });
      if (data) {
        this.#keep(data.data);
        return data.data.accessToken;
      }
      if (response.status === 401) this.end();
      throw apiError(response, error);
    });
  }

  #keep(tokens: Tokens): void {
    const early = Math.min(EARLY_S, tokens.expiresIn / 2);
    localStorage.setItem(KEPT, tokens.refreshToken);
    this.#access = { token: tokens.accessToken, renewAt: Date.now() + (tokens.expiresIn - early) * 1000 };
    this.#become(tokens.user);
  }

  #become(user: User | null): void {
    this.user = user;
    this.#listeners.forEach((listener) => listener());
  }

  #authorized(): Middleware {
    return {
      onRequest: async ({ request }) => {
        request.headers.set("Authorization", `Bearer ${await this.token()}`);
        return request;
      },
    };
  }
}

/** Whether this failure means that somebody has to sign in again; everything else may pass. */
export function hasEnded(error: unknown): boolean {
  return error instanceof ApiError && error.status === 401;
}

/** The envelope of errors, as an exception. */
export function apiError(response: Response, body: components["schemas"]["Error"] | undefined): ApiError {
  const said = body?.error;
  const fields = Object.fromEntries((said?.details ?? []).map((detail) => [detail.field, detail.message]));
  return new ApiError(response.status, said?.code ?? "failed", said?.message ?? response.statusText, fields);
}
