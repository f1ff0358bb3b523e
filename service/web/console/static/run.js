// The page of one run: follows its log, shows how far it is, cancels it.
import { send } from "./api.js";
import { refresh } from "./live.js";
import { busy, say } from "./messages.js";
import { showTimes } from "./times.js";

const AGAIN_MS = 3000;
const QUEUED_MS = 2000;
const log = document.getElementById("log");
const state = document.getElementById("following");
const status = () => document.getElementById("top").dataset.status;
const isOpen = () => ["queued", "running"].includes(status());

// The log. Each event's id is its line's number: no line is shown twice, whichever stream it came by.
let line = Number(log?.dataset.lines);
let source;
let trimmed = false;

function follow() {
  source?.close();
  source = new EventSource(`${log.dataset.events}?after=${line}`);
  source.addEventListener("open", () => { state.textContent = "followed live"; });
  source.addEventListener("message", ({ data, lastEventId }) => {
    if (Number(lastEventId) <= line) return;
    line = Number(lastEventId);
    add(JSON.parse(data));
    look();
  });
  source.addEventListener("progress", ({ data }) => { showProgress(JSON.parse(data)); look(); });
  source.addEventListener("trimmed", () => { trimmed = true; });
  source.addEventListener("end", end);
  source.addEventListener("error", () => {
    state.textContent = "The connection is lost; it is tried again";
    // The browser tries again by itself, unless it was refused: signed out, or too many follow.
    if (source.readyState === EventSource.CLOSED) setTimeout(again, AGAIN_MS);
  });
}

async function again() {
  try {
    await refresh();
  } catch { /* the service is away: the next try tells */ }
  if (!document.hidden) follow();
}

async function end() {
  source.close();
  source = undefined;
  state.textContent = "complete";
  log.querySelector(".none").textContent = trimmed ? "Its log is not kept any more." : "It has logged nothing.";
  for (;;) {
    try {
      return await refresh();
    } catch {
      await new Promise((resolve) => { setTimeout(resolve, AGAIN_MS); });
    }
  }
}

function add({ at, level, message }) {
  const atEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 40;
  const row = document.createElement("p");
  row.className = `line at-${level.toLowerCase()}`;
  if (at) {
    const instant = document.createElement("time");
    instant.dateTime = `${at}Z`;
    row.append(instant, " ");
  }
  const words = [document.createElement("b"), document.createElement("span")];
  words[0].textContent = level;
  words[1].textContent = message;
  row.append(words[0], " ", words[1]);
  showTimes(row);
  const none = log.querySelector(".none");
  none.hidden = true;
  none.before(row);
  if (atEnd) log.scrollTop = log.scrollHeight;
}

function showProgress(progress) {
  if (!progress) return;
  const place = document.getElementById("progress");
  const bar = place.querySelector("progress");
  bar.max = Math.max(1, progress.total);
  bar.value = progress.done ?? 0;
  place.querySelector("span").textContent = `${progress.done ?? 0} of ${progress.total}`;
  place.hidden = false;
}

// The rest of the page: while the run waits, nothing on the stream tells that it starts.
let looking = false;
async function look() {
  if (looking || status() !== "queued") return;
  looking = true;
  await refresh({ gently: true }).catch(() => {});
  looking = false;
}

if (log?.dataset.events) {
  if (!document.hidden) follow();
  setInterval(() => { if (!document.hidden) look(); }, QUEUED_MS);
  // Who does not look holds no place of those who do.
  document.addEventListener("visibilitychange", () => {
    if (!source && !isOpen()) return;
    if (document.hidden) source?.close();
    else follow();
  });
}
if (log) log.scrollTop = log.scrollHeight;

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-cancel]");
  if (!button) return;
  busy(button, async () => {
    const run = await send("POST", `${document.getElementById("top").dataset.run}/cancel`);
    say(run.finished_at ? "The run is cancelled" : "The run is told to stop; it is ended within 10 seconds");
    await refresh();
  });
});
