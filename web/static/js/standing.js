/** Whether it is over: only where the server itself says so, and neither by a proxy's word nor by no word at all. */

const ANSWER_WITHIN_MS = 10_000;

/**
 * @param {string} path under /api/v1: what whoever is let in may read
 * @param {string | null} [token] without one the session cookie is used
 * @param {string} [site] the server's address; without it, this page's
 * @returns {Promise<boolean | null>} null where there was no answer, or none that this page may read
 */
export async function isShutOut(path, token = null, site = "") {
  const response = await asked(path, token, site);
  if (response === null) return null;
  if (response.status !== 401) return false;
  try {
    return typeof (await response.json()).error?.requestId === "string"; // a page of a proxy has none
  } catch {
    return false;
  }
}

async function asked(path, token, site) {
  try {
    return await fetch(`${site}/api/v1/${path}`, {
      headers: token ? { Accept: "application/json", Authorization: `Bearer ${token}` } : { Accept: "application/json" },
      credentials: token ? "omit" : "same-origin",
      cache: "no-store",
      signal: AbortSignal.timeout(ANSWER_WITHIN_MS),
    });
  } catch {
    return null;
  }
}
