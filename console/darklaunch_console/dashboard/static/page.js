// Dialogs, copy buttons, the filter and the keys. The pages read well without any of it.
"use strict";

for (const button of document.querySelectorAll("[data-dialog]")) {
  button.hidden = false;
  button.addEventListener("click", () => document.getElementById(button.dataset.dialog).showModal());
}

function showCopyButtons() {
  for (const button of document.querySelectorAll("[data-copy]")) button.hidden = false;
}

showCopyButtons();
document.addEventListener("darklaunch:updated", showCopyButtons);
document.addEventListener("click", async ({ target }) => {
  const button = target.closest("[data-copy]");
  if (!button) return;
  await navigator.clipboard?.writeText(button.parentElement.querySelector("pre").textContent);
  button.textContent = "Copied";
  setTimeout(() => (button.textContent = "Copy"), 1500);
});

// An act's question is a page of its own; here its form opens over the page that is being read.
const actDialog = document.getElementById("act");
document.addEventListener("click", async (event) => {
  const link = event.target.closest("a[data-act], a[data-close]");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  if (link.matches("[data-close]")) {
    if (!link.closest("dialog")) return;
    event.preventDefault();
    return actDialog.close();
  }
  event.preventDefault();
  const answer = await fetch(link.href, { cache: "no-store" }).catch(() => null);
  const page = answer && new DOMParser().parseFromString(await answer.text(), "text/html");
  const form = page?.querySelector("[data-act-form]");
  if (!form) return location.assign(link.href);
  actDialog.replaceChildren(form);
  actDialog.showModal();
  form.querySelector("button").focus();
});

const filter = document.querySelector("[data-filter]");

function applyFilter() {
  if (!filter) return;
  filter.hidden = false;
  const wanted = filter.value.trim().toLowerCase();
  for (const row of document.querySelectorAll(`#${filter.dataset.filter} tr:has([data-row])`)) {
    row.hidden = !row.textContent.toLowerCase().includes(wanted);
  }
}

applyFilter();
filter?.addEventListener("input", applyFilter);
document.addEventListener("darklaunch:updated", applyFilter);

const keysOn = document.querySelector("[data-keys-on]");
let waitingForGo = false;

function moveFocus(by) {
  const seen = [...document.querySelectorAll("[data-row]")].filter((row) => row.checkVisibility());
  const at = seen.indexOf(document.activeElement);
  seen[Math.min(Math.max(at + by, 0), seen.length - 1)]?.focus();
}

document.addEventListener("keydown", (event) => {
  const busy = event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]");
  if (busy || !keysOn.checked || event.target.closest("input, select, textarea, [contenteditable]")) return;
  const { key } = event;
  if (waitingForGo) {
    waitingForGo = false;
    const page = { l: "/", o: "/operations", h: "/history" }[key];
    if (page) location.assign(page);
    return;
  }
  if (key === "g") waitingForGo = true;
  else if (key === "j") moveFocus(1);
  else if (key === "k") moveFocus(-1);
  else if (key === "/" && filter) filter.focus();
  else if (key === "[" || key === "]") document.querySelector(`[data-key="${key}"]`)?.click();
  else if (key === "?") document.getElementById("keys").showModal();
  else return;
  event.preventDefault();
});
