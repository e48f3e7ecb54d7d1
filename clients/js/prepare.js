/** Puts the modules into the package: those of the pages, of which there is one copy in this repository. */

import { copyFileSync, existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const SOURCE = new URL("../../web/static/js/", import.meta.url);

/** @param {string} name and all that it imports */
function copy(name, done = new Set()) {
  if (done.has(name)) return;
  done.add(name);
  const from = new URL(name, SOURCE);
  copyFileSync(fileURLToPath(from), fileURLToPath(new URL(name, import.meta.url)));
  for (const [, other] of readFileSync(from, "utf8").matchAll(/^import .* from "\.\/([\w-]+\.js)";$/gm)) {
    copy(other, done);
  }
}

if (existsSync(SOURCE)) copy("events.js"); // a package that was unpacked has them already
