/** The types of the module; those of what happens stand in event-types.d.ts. */

import type { EventOf, Filter, SnapshotOf } from "./event-types.js";

export type * from "./event-types.js";

/** A place in a topic's history. Keep it, and go on from it later with `since`. */
export interface Cursor {
  epoch: string;
  offset: number;
}

/** `expiresIn` in seconds; a JSON Web Token says it itself. */
export type Token = string | { token: string; expiresIn?: number };

/** `connecting` until it is let in; `stopped` where the server said not to come back, no socket can be made, or after close(). */
export type State = "connecting" | "connected" | "reconnecting" | "stopped";

export interface Options {
  /** A server's address, or that of its socket. In a page that the server itself has served: nothing. */
  url?: string;
  /** An access token, an API key, or what answers one. Without it the browser's session cookie lets in. */
  token?: Token | (() => Promise<Token>);
  /** What is read of /api/v1 to find out whether who was not let in is not let in any more; `auth/me` by default. */
  self?: string;
  /** Where there is no global WebSocket, as in Node before 22. */
  webSocket?: unknown;
}

export interface SubscribeOptions {
  filter?: Filter;
  /** The state comes first, and again with every answer after a lost connection. */
  snapshot?: boolean;
  /** Go on from here; what was missed follows. */
  since?: Cursor;
  /** `onResync` also once the subscription holds, so that nothing falls between what was read before it and the news. */
  settle?: boolean;
  /** The server does not let this topic be followed. */
  onError?: (error: { code: string; message: string }) => void;
}

/** Where an event stands; nothing of it for topics that are not stored. */
export interface Place {
  offset?: number;
  previous?: number;
  /** To go on from with `since` another time. */
  cursor?: Cursor;
}

/**
 * The state has to be loaded: it is the snapshot, where one was asked for. Not `recovered`: history was lost. `cursor`: where
 * the state begins, to go on from with `since`; not there for topics that are not stored.
 */
export type OnResync<Topic extends string = string> = (
  snapshot: SnapshotOf<Topic> | null,
  how: { recovered: boolean; cursor?: Cursor },
) => void;

/** One connection to a server, kept alive until close(). */
export declare class Events {
  constructor(options?: Options);
  get state(): State;
  /** Who is signed in, as the server said. */
  get user(): Record<string, unknown>;
  /** The server's clock, in ms since 1970. */
  get serverNow(): number;
  /** Follow a topic until the returned function is called. */
  subscribe<Topic extends string>(
    topic: Topic,
    options: SubscribeOptions,
    onEvent: (event: EventOf<Topic>, place: Place) => void,
    onResync?: OnResync<Topic>,
  ): () => void;
  /** Called at once with the state as it is, and whenever it changes; the returned function ends that. */
  onState(listener: (state: State, why: { code: number; reason: string }) => void): () => void;
  /** Close for good. */
  close(): void;
}
