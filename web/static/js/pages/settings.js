/** The page of settings: each section that is in it is a view of its own. */

import { Api } from "../api.js";
import { ConnectionsView } from "../connections-view.js";
import { KiosksView } from "../kiosks-view.js";
import { ReportsView } from "../reports-view.js";
import { Shell } from "../shell.js";
import { WebhooksView } from "../webhooks-view.js";

const SECTIONS = Object.freeze({ kiosks: KiosksView, reports: ReportsView, webhooks: WebhooksView, connections: ConnectionsView });

const api = new Api();
const shell = new Shell(api);

for (const [name, View] of Object.entries(SECTIONS)) {
  const section = document.querySelector(`[data-${name}]`);
  if (section) new View(api, shell, section).load();
}
