// Runs before the first paint, so that a chosen theme does not flash in the other one. js/theme.js is the switch.
try {
  const chosen = localStorage.getItem("rollcall.theme");
  if (chosen === "light" || chosen === "dark") document.documentElement.dataset.theme = chosen;
} catch {
  // Storage may be blocked: the system's setting is used.
}
