/** A new password in place of the current one. */

import { Api } from "../api.js";
import { EntryForm } from "../entry-form.js";

const api = new Api();
const form = document.querySelector("[data-password]");

new EntryForm(form, {
  busy: "password.busy",
  send: async () => {
    const { currentPassword, newPassword } = form.elements;
    await api.post("auth/change-password", { currentPassword: currentPassword.value, newPassword: newPassword.value });
    location.assign(form.dataset.onward);
  },
});
