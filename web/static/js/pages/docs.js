/** The description of the API, shown by the installed Swagger UI; requests that change something carry the page's token. */

import { Api } from "../api.js";
import { nameControls } from "../docs-names.js";
import { Shell } from "../shell.js";

new Shell(new Api());

const csrf = document.querySelector('meta[name="csrf-token"]')?.getAttribute("content") ?? null;

const sheet = document.querySelector("[data-docs]");

nameControls(sheet);
window.SwaggerUIBundle({
  url: "/openapi.json",
  domNode: sheet,
  deepLinking: true,
  docExpansion: "none",
  defaultModelsExpandDepth: 0,
  validatorUrl: null,
  requestInterceptor(request) {
    if (csrf && new URL(request.url, location.href).origin === location.origin) request.headers["X-CSRF-Token"] = csrf;
    return request;
  },
});
