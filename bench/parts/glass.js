/** In a page of the benchmark: shows a stream and reads the clock out of its pictures. Made `window.glass` by glass.py. */
const PATIENCE_MS = 15_000;
const AHEAD_MS = 500; // more than that before its time no clock of the same machine is

class Glass {
  #side;
  #bits;
  #checkBits;
  #video;
  #canvas;
  #close = async () => undefined;

  constructor({ side, bits, checkBits }) {
    this.#side = side;
    this.#bits = bits;
    this.#checkBits = checkBits;
    const canvas = new OffscreenCanvas(bits * side, side);
    this.#canvas = canvas.getContext("2d", { willReadFrequently: true });
    this.#renew();
  }

  /** The site's own modules, as its pages use them; the time is from the click to the first picture on the screen. */
  async watchSite({ cameraId, annotated, token }) {
    const [{ Api }, { Whep }] = await Promise.all([import("/static/js/api.js"), import("/static/js/whep.js")]);
    const first = this.#firstFrame();
    const clicked = performance.now();
    const whep = new Whep(new Api({ token }), cameraId, { video: this.#video, annotated });
    this.#close = async () => whep.stop();
    whep.start();
    return (await first) - clicked;
  }

  /** The same with a few lines of a page's own, and the same wish for no delay. */
  async watchPlain({ url }) {
    const first = this.#firstFrame();
    const clicked = performance.now();
    const peer = new RTCPeerConnection({ bundlePolicy: "max-bundle" });
    const { receiver } = peer.addTransceiver("video", { direction: "recvonly" });
    if ("jitterBufferTarget" in receiver) receiver.jitterBufferTarget = 0;
    if ("playoutDelayHint" in receiver) receiver.playoutDelayHint = 0;
    peer.addEventListener("track", ({ track }) => {
      this.#video.srcObject = new MediaStream([track]);
      this.#video.play().catch(() => undefined);
    });
    await peer.setLocalDescription(await peer.createOffer());
    if (peer.iceGatheringState !== "complete") {
      await new Promise((done) => {
        peer.addEventListener("icegatheringstatechange", () => peer.iceGatheringState === "complete" && done());
        setTimeout(done, 150);
      });
    }
    const headers = { "Content-Type": "application/sdp" };
    const answer = await fetch(url, { method: "POST", headers, body: peer.localDescription.sdp });
    const session = answer.headers.get("Location");
    await peer.setRemoteDescription({ type: "answer", sdp: await answer.text() });
    this.#close = async () => {
      peer.close();
      await fetch(session, { method: "DELETE" });
    };
    return (await first) - clicked;
  }

  async stop() {
    await this.#close();
    this.#renew();
  }

  /**
   * For so long, how old each shown picture is when the browser expects it on the screen. `unread`: no clock in it.
   * @returns {Promise<{agesMs: number[], unread: number, seconds: number}>}
   */
  sample({ seconds, originMs, filmMs, frameMs }) {
    const agesMs = [];
    let unread = 0;
    const began = performance.now();
    const wall = Date.now() + 0.5 - performance.now(); // where the page's own clock began; on average half a ms is cut
    return new Promise((done) => {
      const look = (now, frame) => {
        const number = this.#read();
        if (number === null) unread += 1;
        else {
          const shown = frame.expectedDisplayTime + wall - originMs;
          const age = (((shown - number * frameMs) % filmMs) + filmMs) % filmMs;
          agesMs.push(age > filmMs - AHEAD_MS ? age - filmMs : age);
        }
        if (now - began < seconds * 1000) this.#video.requestVideoFrameCallback(look);
        else done({ agesMs, unread, seconds: (now - began) / 1000 });
      };
      this.#video.requestVideoFrameCallback(look);
    });
  }

  #renew() {
    this.#video = document.createElement("video");
    Object.assign(this.#video, { muted: true, autoplay: true, playsInline: true, width: 1280, height: 720 });
    document.body.replaceChildren(this.#video);
  }

  #firstFrame() {
    return new Promise((done, fail) => {
      this.#video.requestVideoFrameCallback((now) => done(now));
      setTimeout(() => fail(new Error("no picture came")), PATIENCE_MS);
    });
  }

  /** The number of the frame, as clock.py paints it. @returns {number | null} */
  #read() {
    const side = this.#side;
    const width = this.#bits * side;
    this.#canvas.drawImage(this.#video, 0, 0, width, side, 0, 0, width, side);
    const { data } = this.#canvas.getImageData(0, side / 2, width, 1);
    let shown = 0;
    for (let place = 0; place < this.#bits; place++) {
      const middle = (place + 0.5) * side;
      let sum = 0;
      for (let x = middle - 8; x < middle + 8; x++) sum += data[4 * x + 1];
      shown = shown * 2 + (sum / 16 > 127 ? 1 : 0);
    }
    const number = shown >> this.#checkBits;
    const check = ((number ^ (number >> 4) ^ (number >> 8)) & 15) ^ 10;
    return check === (shown & 15) ? number : null;
  }
}
