/** Has a worker keep this page and all that it has loaded, where the browser can: for a start without a network. */

const WORKER = "/kiosk-worker.js";
const SCOPE = "/kiosk";
const BESIDES = ["/static/icons.svg", "/static/mark.svg"]; // which a browser does not always name

/** @param {string[]} languages tags whose sentences are kept as well @returns {Promise<boolean>} whether all is kept */
export async function keepPage(languages) {
  if (!navigator.serviceWorker) return false; // without HTTPS there is none
  try {
    const registration = await navigator.serviceWorker.register(WORKER, { scope: SCOPE, updateViaCache: "none" });
    await navigator.serviceWorker.ready;
    const loaded = performance.getEntriesByType("resource").map((entry) => entry.name).filter((name) => new URL(name).pathname.startsWith("/static/"));
    const words = languages.map((tag) => `/kiosk/words/${tag}.json`);
    return await new Promise((resolve) => {
      const channel = new MessageChannel();
      channel.port1.onmessage = (message) => resolve(message.data.kept === true);
      registration.active.postMessage({ keep: [...new Set([...loaded, ...BESIDES, ...words])] }, [channel.port2]);
    });
  } catch {
    return false; // storage may be blocked: the page works, but not from nothing
  }
}
