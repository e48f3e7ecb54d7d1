/** Where the socket of a server is, and its API. */

/**
 * @param {string} [url] a server's address, or that of its socket; without one, whoever served this page
 * @returns {{socket: string, site: string}} its socket, and what the API's paths are put after
 */
export function addressOf(url) {
  const socket = new URL(url ?? "/ws", url === undefined ? globalThis.location.href : undefined);
  socket.protocol = socket.protocol.replace("http", "ws");
  const path = socket.pathname.replace(/\/+$/, "").replace(/\/ws$/, "");
  socket.pathname = `${path}/ws`;
  const site = `${socket.protocol.replace("ws", "http")}//${socket.host}${path}`;
  return { socket: socket.href, site: url === undefined ? "" : site };
}
