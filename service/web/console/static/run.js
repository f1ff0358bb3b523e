// Page of one run: follows its log, shows its progress, cancels it, starts it, does it again.
import { sendFrom } from "./api.js";
import { read, sentOrRefused, showErrors } from "./form.js";
import { refresh } from "./live.js";
import { busy, say } from "./messages.js";
import { sendOnce } from "./once.js";
import { showTimes } from "./times.js";

const AGAIN_MS = 3000;
const QUEUED_MS = 2000;
const log = document.getElementById("log");
const state = document.getElementById("following");
const status = () => document.getElementById("top").dataset.status;
const isOpen = () => ["queued", "running"].includes(status());

// The log. An event's id is its line's number, so that no line appears twice, even across streams.
let line = Number(log?.dataset.lines);
let source;
let trimmed = false;
let restarts = false;

function follow() {
  source?.close();
  source = new EventSource(`${log.dataset.events}?after=${line}`);
  source.addEventListener("open", () => { state.textContent = "live"; restarts = false; });
  source.addEventListener("message", ({ data, lastEventId }) => {
    if (Number(lastEventId) <= line) return;
    line = Number(lastEventId);
    add(JSON.parse(data));
    look();
  });
  source.addEventListener("progress", ({ data }) => { showProgress(JSON.parse(data)); look(); });
  source.addEventListener("trimmed", () => { trimmed = true; });
  source.addEventListener("end", end);
  source.addEventListener("restart", () => { restarts = true; });
  source.addEventListener("error", () => {
    state.textContent = restarts ? "The service restarts; reconnecting" : "Connection lost; reconnecting";
    // The browser reconnects automatically, also after a restart, unless the service refused it: signed out, or too many streams.
    if (source.readyState === EventSource.CLOSED) setTimeout(again, AGAIN_MS);
  });
}

async function again() {
  try {
    await refresh({ quietly: true });
  } catch { /* the service is away: try again later */ }
  if (!document.hidden) follow();
}

async function end() {
  source.close();
  source = undefined;
  state.textContent = "complete";
  log.querySelector(".none").textContent = trimmed ? "The log is no longer kept." : "The run logged nothing.";
  for (;;) {
    try {
      return await refresh({ quietly: true });
    } catch {
      await new Promise((resolve) => { setTimeout(resolve, AGAIN_MS); });
    }
  }
}

function add(entry) {
  const atEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 40;
  const none = log.querySelector(".none");
  none.hidden = true;
  const row = rowOf(entry);
  none.before(row);
  showTimes(row);
  if (atEnd) log.scrollTop = log.scrollHeight;
}

function rowOf({ at, level, message }) {
  const row = element("p", { className: `line at-${level.toLowerCase()}` });
  if (at) {
    const time = element("time", { dateTime: `${at}Z` });
    time.dataset.clock = "";
    row.append(time, " ");
  }
  row.append(element("b", { textContent: level }), " ", element("span", { textContent: message }));
  return row;
}

const element = (tag, properties) => Object.assign(document.createElement(tag), properties);

function showProgress(progress) {
  if (!progress) return;
  const place = document.getElementById("progress");
  const bar = place.querySelector("progress");
  bar.max = Math.max(1, progress.total);
  bar.value = progress.done ?? 0;
  place.querySelector("span").textContent = `${progress.done ?? 0} of ${progress.total}`;
  place.hidden = false;
}

// The rest of the page: the stream of a queued run does not say when the run starts.
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
  // The number of streams is limited: a hidden page must not hold one.
  document.addEventListener("visibilitychange", () => {
    if (!source && !isOpen()) return;
    if (document.hidden) source?.close();
    else follow();
  });
}
if (log) log.scrollTop = log.scrollHeight;

document.addEventListener("click", ({ target }) => {
  const button = target.closest("[data-again], [data-now]");
  if (!button) return;
  busy(button, async () => {
    if ("again" in button.dataset) {
      const { answer: { run_id }, repeated } = await sendOnce(button, undefined, { what: "The run" });
      say(repeated ? "It had been queued already, and runs once" : "Queued once more", { link: { label: "Watch", href: button.dataset.again + run_id } });
    } else {
      await sendFrom(button);
      say("Started");
    }
    await refresh();
  });
});

// Another run with other settings.
function changedIn(config, shown) {
  return Object.fromEntries(Object.entries(config ?? {}).filter(([name, value]) => JSON.stringify(value) !== JSON.stringify(shown[name])));
}

const changes = document.getElementById("with-changes");
document.addEventListener("click", ({ target }) => {
  if (target.closest("[data-with-changes]")) changes.showModal();
  if (target.closest("[data-close]")) changes.close();
});
changes?.querySelector("form").addEventListener("submit", (event) => {
  event.preventDefault();
  const { target: form, submitter } = event;
  busy(submitter, async () => {
    const { body, errors } = read(form);
    showErrors(form, errors);
    if (errors.length) return form.querySelector("[aria-invalid=true]").focus();
    const overlay = { ...JSON.parse(form.dataset.overlay), ...changedIn(body.bot_config, JSON.parse(form.elements[0].defaultValue)) };
    const sent = await sentOrRefused(form, () => sendOnce(form, { bot_config: overlay }, { what: "The run" }));
    if (!sent) return;
    changes.close();
    say(sent.repeated ? "It had been queued already, and runs once" : "Run with changes queued", { link: { label: "Watch", href: form.dataset.runs + sent.answer.run_id } });
    await refresh();
  });
});

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-cancel]");
  if (!button) return;
  busy(button, async () => {
    const run = await sendFrom(button);
    say(run.finished_at ? "Run cancelled" : "The run is stopping; it ends within 10 seconds");
    await refresh();
  });
});
