/** The HTTP side of WHEP and WHIP: an offer for an answer, candidates that come later, the goodbye. */

const CANDIDATES_WITHIN_MS = 150;
const SDP = "application/sdp";
const FRAGMENT = "application/trickle-ice-sdpfrag";

/** One question a page: every camera has the same answer. @type {Map<string, Promise<RTCIceServer[]>>} */
const asked = new Map();

export class Signalling {
  #api;
  #path;
  /** @type {"new" | "offered" | "answered" | "left"} */
  #state = "new";
  /** @type {string | null} */
  #session = null;
  /** @type {RTCIceCandidate[]} found after the offer was sent */
  #late = [];
  #complete = false;
  #fragment = { ufrag: "", pwd: "", media: "video 9 UDP/TLS/RTP/SAVPF 0" };

  /** @param {import("./api.js").Api} api @param {string} path of the endpoint, under /api/v1 */
  constructor(api, path) {
    this.#api = api;
    this.#path = path;
  }

  /** What the endpoint advises for finding a way, from its `Link` headers. @returns {Promise<RTCIceServer[]>} */
  iceServers() {
    const kind = this.#path.includes("/whip") ? "whip" : "whep";
    if (!asked.has(kind)) {
      const answer = this.#api.send("OPTIONS", this.#path).then((response) => parseLinks(response.headers.get("Link") ?? ""));
      asked.set(kind, answer);
      answer.catch(() => asked.delete(kind)); // a server that was away is asked again
    }
    return asked.get(kind);
  }

  /**
   * Offers what the connection has, and applies the answer. Candidates that are found later follow by themselves.
   * @param {RTCPeerConnection} peer
   */
  async negotiate(peer) {
    peer.addEventListener("icecandidate", ({ candidate }) => this.#found(candidate));
    const gathered = new Promise((done) => {
      peer.addEventListener("icegatheringstatechange", () => peer.iceGatheringState === "complete" && done(undefined));
      setTimeout(done, CANDIDATES_WITHIN_MS);
    });
    await peer.setLocalDescription(await peer.createOffer());
    await gathered;
    const sdp = peer.localDescription?.sdp ?? "";
    this.#fragment = {
      ufrag: /^a=ice-ufrag:(.*)$/m.exec(sdp)?.[1].trim() ?? "",
      pwd: /^a=ice-pwd:(.*)$/m.exec(sdp)?.[1].trim() ?? "",
      media: /^m=(video .*)$/m.exec(sdp)?.[1].trim() ?? this.#fragment.media,
    };
    this.#late = [];
    this.#complete = peer.iceGatheringState === "complete";
    this.#state = "offered";
    const response = await this.#api.send("POST", this.#path, { type: SDP, body: sdp });
    this.#session = response.headers.get("Location");
    if (this.#state === "left") return this.leave(); // closed while the answer was on its way
    await peer.setRemoteDescription({ type: "answer", sdp: await response.text() });
    this.#state = "answered";
    return this.#trickle();
  }

  /** Says goodbye, so that the server need not find out; also while the page is going away. */
  leave() {
    this.#state = "left";
    const session = this.#session;
    this.#session = null;
    // It may be gone already: then there is nothing to say.
    if (session) this.#api.send("DELETE", new URL(session, location.href).pathname, { keepalive: true }).catch(() => undefined);
  }

  #found(candidate) {
    if (this.#state === "left") return;
    if (candidate?.candidate) this.#late.push(candidate);
    else if (!candidate) this.#complete = true;
    if (this.#state === "answered") this.#trickle();
  }

  async #trickle() {
    if (!this.#session || !this.#late.length) return;
    const lines = this.#late.map((candidate) => `a=${candidate.candidate}`);
    this.#late = [];
    if (this.#complete) lines.push("a=end-of-candidates");
    const { ufrag, pwd, media } = this.#fragment;
    const body = [`a=ice-ufrag:${ufrag}`, `a=ice-pwd:${pwd}`, `m=${media}`, "a=mid:0", ...lines, ""].join("\r\n");
    await this.#api.send("PATCH", new URL(this.#session, location.href).pathname, { type: FRAGMENT, body }).catch(() => undefined);
  }
}

/** `<stun:host>; rel="ice-server", <turn:host>; rel="ice-server"; username="u"; credential="c"` @returns {RTCIceServer[]} */
export function parseLinks(header) {
  const servers = [];
  for (const [, url, rest] of header.matchAll(/<([^>]+)>((?:\s*;\s*[\w-]+=(?:"(?:[^"\\]|\\.)*"|[^\s;,"]+))*)/g)) {
    const values = Object.fromEntries([...rest.matchAll(/;\s*([\w-]+)=(?:"((?:[^"\\]|\\.)*)"|([^\s;,"]+))/g)].map(([, name, quoted, plain]) => [name.toLowerCase(), quoted?.replaceAll(/\\(.)/g, "$1") ?? plain]));
    if (values.rel !== "ice-server") continue;
    servers.push(values.username === undefined ? { urls: url } : { urls: url, username: values.username, credential: values.credential });
  }
  return servers;
}
