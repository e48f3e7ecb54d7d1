/** A page with nothing on it but its shell. */

import { Api } from "../api.js";
import { Shell } from "../shell.js";

new Shell(new Api());
