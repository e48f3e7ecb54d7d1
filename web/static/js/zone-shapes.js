/** Shapes of zones: which kinds there are, and where their corners lie. Points are x, y in 0…1 of the picture. Pure. */

/**
 * @typedef {[number, number]} Point
 * @typedef {"count" | "ignore" | "mask" | "line"} Kind
 */

export const KINDS = Object.freeze(["count", "ignore", "mask", "line"]);
export const MOST_ZONES = 32;
const LINE = Object.freeze([[0.5, 0.75], [0.5, 0.25]]); // from left to right across it is so in the picture too
const POLYGON = Object.freeze([[0.35, 0.35], [0.65, 0.35], [0.65, 0.65], [0.35, 0.65]]);
const WAYS = Object.freeze(["right", "downright", "down", "downleft", "left", "upleft", "up", "upright"]);

export const isLine = (kind) => kind === "line";
export const fewest = (kind) => (isLine(kind) ? 2 : 3);
export const most = (kind) => (isLine(kind) ? 2 : 32);
export const hasDirection = (kind) => kind === "count" || isLine(kind);

/** A shape to begin with, in the middle of the picture. @param {string} kind @returns {Point[]} */
export const inTheMiddle = (kind) => (isLine(kind) ? LINE : POLYGON).map(([x, y]) => [x, y]);

/** @param {number} x @param {number} y @returns {Point} the nearest one within the picture */
export const within = (x, y) => [share(x), share(y)];

const share = (value) => Math.round(Math.min(1, Math.max(0, value)) * 10_000) / 10_000;

/** All of it, as far as it stays within the picture. @param {Point[]} points @param {number} dx @param {number} dy @returns {Point[]} */
export function shifted(points, dx, dy) {
  const [right, down] = [0, 1].map((axis) => {
    const values = points.map((point) => point[axis]);
    return Math.min(1 - Math.max(...values), Math.max(-Math.min(...values), axis ? dy : dx));
  });
  return points.map(([x, y]) => within(x + right, y + down));
}

/** The middle of each edge; of a line none, as it has no more corners. @param {string} kind @param {Point[]} points @returns {Point[]} */
export function middles(kind, points) {
  if (isLine(kind) || points.length >= most(kind)) return [];
  return points.map((point, index) => middle(point, points[(index + 1) % points.length]));
}

const middle = (a, b) => within((a[0] + b[0]) / 2, (a[1] + b[1]) / 2);

/** Between corner `after` and the next. @param {Point[]} points @param {number} after @returns {Point[]} */
export const withCorner = (points, after) => points.toSpliced(after + 1, 0, middle(points[after], points[(after + 1) % points.length]));

/** After which corner the longest edge begins. @param {Point[]} points */
export function longestEdge(points) {
  const lengths = points.map((point, index) => distance(point, points[(index + 1) % points.length]));
  return lengths.indexOf(Math.max(...lengths));
}

export const distance = (a, b) => Math.hypot(a[0] - b[0], a[1] - b[1]);

/** Where a label goes. @param {Point[]} points @returns {Point} */
export function centre(points) {
  const sum = (axis) => points.reduce((total, point) => total + point[axis], 0) / points.length;
  return [sum(0), sum(1)];
}

/**
 * Across a line, the way that counts as in: `direction` is what crossing it from left to right means, for somebody who
 * looks from its first end to its second.
 * @param {Point[]} ends in the pixels of what is shown: a picture is wider than high
 * @param {string | null} direction
 * @returns {Point} of length 1
 */
export function wayIn([[x1, y1], [x2, y2]], direction) {
  const long = Math.hypot(x2 - x1, y2 - y1) || 1;
  const side = direction === "out" ? -1 : 1;
  return [(-side * (y2 - y1)) / long, (side * (x2 - x1)) / long]; // y grows downwards: this is to the right
}

/** The name of a way in the picture: `right`, `downright`, … @param {Point} way */
export const wayName = ([x, y]) => WAYS[(Math.round(Math.atan2(y, x) / (Math.PI / 4)) + 8) % 8];
