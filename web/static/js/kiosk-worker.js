/** Keeps the kiosk's page, so that a tablet that is switched on without a network still takes codes. Newest first. */

const KEPT = "rollcall-kiosk-1";
const PAGE = "/kiosk";
const PATIENCE_MS = 4000; // a network that is cut in the middle says nothing for long

self.addEventListener("install", (event) => {
  self.skipWaiting();
  event.waitUntil(keepPage());
});

self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));

/** A page names all that it has loaded: what it did not is not needed any more. */
self.addEventListener("message", (event) => {
  const urls = event.data?.keep;
  if (!Array.isArray(urls)) return;
  const told = event.ports[0];
  event.waitUntil(keepAll(urls.filter(isOurs)).then((all) => told?.postMessage({ kept: all })));
});

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (request.method !== "GET" || url.origin !== self.location.origin) return;
  if (request.mode === "navigate") {
    if (url.pathname === PAGE) event.respondWith(newest(request, PAGE, false));
  } else if (isOurs(request.url)) event.respondWith(newest(request, url.pathname, true));
});

/** What is the same for everybody, and holds nothing of anybody. */
function isOurs(address) {
  const url = new URL(address, self.location.origin);
  return url.origin === self.location.origin && (url.pathname.startsWith("/static/") || url.pathname.startsWith("/kiosk/words/"));
}

async function newest(request, path, keeps) {
  const kept = await caches.open(KEPT);
  const old = await kept.match(path);
  const ended = new AbortController();
  const patience = old ? setTimeout(() => ended.abort(), PATIENCE_MS) : 0;
  try {
    // A navigation cannot be given another signal, so its patience is a race.
    const asked = request.mode === "navigate" ? fetch(request) : fetch(request, { signal: ended.signal });
    const lost = new Promise((_, reject) => ended.signal.addEventListener("abort", () => reject(new Error("too slow"))));
    const response = await Promise.race([asked, lost]);
    if (response.status >= 500 && old) return old;
    if (keeps && response.ok) await kept.put(path, response.clone());
    return response;
  } catch (error) {
    if (old) return old;
    throw error;
  } finally {
    clearTimeout(patience);
  }
}

/** Without cookies: the page of whoever is signed in has their name on it. */
async function keepPage() {
  const response = await fetch(PAGE, { credentials: "omit", cache: "no-store" });
  if (response.ok) await (await caches.open(KEPT)).put(PAGE, response);
}

async function keepAll(urls) {
  const kept = await caches.open(KEPT);
  const paths = new Set(urls.map((url) => new URL(url, self.location.origin).pathname));
  const loaded = await Promise.allSettled([
    keepPage(),
    ...[...paths].map(async (path) => {
      const response = await fetch(path);
      if (response.ok) await kept.put(path, response);
    }),
  ]);
  for (const request of await kept.keys()) {
    const { pathname } = new URL(request.url);
    if (pathname !== PAGE && !paths.has(pathname)) await kept.delete(request);
  }
  return loaded.every((one) => one.status === "fulfilled");
}
