// Keeps the page current: when the server says that something has changed, the page is read again and its differences
// are put in place, so that focus, scrolling and what was opened stay as they are. A hidden tab does not listen.
"use strict";

const follows = document.body.dataset.follows;
const live = document.getElementById("live");
let source = null;
let waiting = null;

function show(text, isLive) {
  live.querySelector("span").textContent = text;
  live.querySelector("svg").toggleAttribute("hidden", !isLive);
  document.body.toggleAttribute("data-stale", !isLive);
}

// What is shown stays; the notice above it says which server is away and since when.
function showAbsence(text) {
  const notice = new DOMParser().parseFromString(text, "text/html").querySelector("main > .notice");
  const main = document.getElementById("main");
  main.querySelector(":scope > .notice")?.remove();
  if (notice) main.prepend(notice);
  show("Not live: a server cannot be reached. Read at", false);
}

async function readAgain() {
  waiting = null;
  let answer;
  try {
    answer = await fetch(location.href, { cache: "no-store" });
  } catch {
    return show("Not live, reconnecting. Read at", false);
  }
  if (answer.status === 503) return showAbsence(await answer.text());
  if (!answer.ok) return show("Not live: this page cannot be read now. Read at", false);
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const options = { morphStyle: "innerHTML", ignoreActiveValue: true };
  Idiomorph.morph(document.getElementById("main"), page.getElementById("main").innerHTML, options);
  live.querySelector("time").replaceWith(page.querySelector("#live time"));
  show("Live", true);
  document.dispatchEvent(new Event("darklaunch:updated"));
}

function listen() {
  source = new EventSource(follows);
  source.addEventListener("open", () => show("Live", true));
  source.addEventListener("changed", () => (waiting ??= setTimeout(readAgain, 200)));
  source.addEventListener("error", () => show("Not live, reconnecting. Read at", false));
}

function followWhileVisible() {
  if (document.hidden) {
    source?.close();
    source = null;
  } else if (!source) {
    listen();
    readAgain();
  }
}

if (follows) {
  listen();
  const every = Number(document.body.dataset.every);
  if (every) setInterval(() => document.hidden || readAgain(), 1000 * every);
  document.addEventListener("visibilitychange", followWhileVisible);
}
