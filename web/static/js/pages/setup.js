/** The first account: made once, and signed in with at once. */

import { Api } from "../api.js";
import { EntryForm } from "../entry-form.js";
import { say } from "../text.js";

const api = new Api();
const form = document.querySelector("[data-setup]");
// The code stays in the field, not in the address, where the history would keep it.
history.replaceState(null, "", "/setup");

const entry = new EntryForm(form, {
  busy: "setup.busy",
  send: async () => {
    const { code, fullName, email, password } = form.elements;
    const account = { fullName: fullName.value.trim(), email: email.value.trim(), password: password.value };
    await api.post("setup", { code: code.value.trim().toUpperCase(), ...account });
    await api.post("auth/login", { username: account.email, password: account.password });
    location.assign("/");
  },
  refused: (error) => {
    if (error.code === "already_set_up") {
      location.assign("/login");
      return true;
    }
    if (error.code !== "wrong_code") return false;
    entry.complain(form.elements.code, say("setup.code.refused"));
    return true;
  },
});
