/** Events of one topic over /ws, from where one left off: a break loses nothing that is stored. */

import { type Session, hasEnded } from "./session";

export interface Cursor {
  epoch: string;
  offset: number;
}

export interface RollcallEvent<Data = Record<string, unknown>> {
  id: string;
  type: string;
  time: string;
  source: string;
  data: Data;
}

type Heard =
  | { type: "welcome" | "pong"; connectionId?: string }
  | { type: "ready"; user: unknown }
  | { type: "subscribed"; id: number; topic: string; epoch: string; offset: number; recovered: boolean }
  | { type: "event"; id: number; offset?: number; previous?: number; event: RollcallEvent }
  | { type: "unsubscribed"; id: number }
  | { type: "error"; id: number | null; code: string; message: string };

export interface Listener {
  onEvent: (event: RollcallEvent) => void;
  /** History does not reach back to the cursor: load the state again. Also called once at the beginning. */
  onResync: () => void;
  /** After `ended` (sign in again) and `refused` (this user may not) nothing more comes. */
  onState: (state: "connecting" | "connected" | "away" | "ended" | "refused") => void;
}

const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 30_000;
const NOT_AUTHENTICATED = 4501;
const SESSION_ENDED = 4510;

/** Follows a topic until the returned function is called. */
export function follow(session: Session, url: string, topic: string, listener: Listener): () => void {
  let socket: WebSocket | null = null;
  let cursor: Cursor | null = null;
  let pause = FIRST_PAUSE_MS;
  let timer = 0;
  let over = false;

  const connect = async (): Promise<void> => {
    listener.onState("connecting");
    let token: string;
    try {
      token = await session.token();
    } catch (error) {
      if (over) return;
      if (hasEnded(error)) giveUp("ended");
      else again();
      return;
    }
    if (over) return;
    const opened = new WebSocket(url, "rollcall.v1");
    socket = opened;
    opened.onopen = () => opened.send(JSON.stringify({ type: "auth", token }));
    opened.onmessage = ({ data }) => hear(opened, JSON.parse(data as string) as Heard);
    opened.onclose = ({ code }) => {
      if (over) return;
      // 4500 and above say: do not come back. Everything else is a break. So may a 4501 be, of a network that stalled for
      // some seconds or of a token that has just gone: with a new one it comes back, and where there is none it is over.
      if (code === NOT_AUTHENTICATED) {
        session.renew();
        again();
      } else if (code === SESSION_ENDED) giveUp("ended");
      else if (code >= 4500 && code < 5000) giveUp("refused");
      else again();
    };
  };

  const again = (): void => {
    listener.onState("away");
    timer = window.setTimeout(connect, pause * (0.5 + Math.random() / 2));
    pause = Math.min(pause * 2, LONGEST_PAUSE_MS);
  };

  const hear = (from: WebSocket, message: Heard): void => {
    switch (message.type) {
      case "ready":
        from.send(JSON.stringify({ type: "subscribe", id: 1, topic, ...(cursor ? { since: cursor } : {}) }));
        break;
      case "subscribed": {
        pause = FIRST_PAUSE_MS;
        const fresh = cursor === null || !message.recovered;
        if (fresh) cursor = { epoch: message.epoch, offset: message.offset };
        listener.onState("connected");
        if (fresh) listener.onResync();
        break;
      }
      case "event":
        if (cursor && message.offset !== undefined) cursor = { ...cursor, offset: message.offset };
        listener.onEvent(message.event);
        break;
      case "error":
        if (message.code === "forbidden") giveUp("refused");
        break;
    }
  };

  const giveUp = (why: "ended" | "refused"): void => {
    stop();
    listener.onState(why);
  };

  const stop = (): void => {
    over = true;
    window.clearTimeout(timer);
    socket?.close(1000);
  };

  void connect();
  return stop;
}
