// Form of a job: describes the schedule while somebody types, and shows errors next to their fields.
import { newKey, Refused, send } from "./api.js";
import { read, showErrors } from "./form.js";
import { busy, sayOnNextPage } from "./messages.js";
import { inFull, zone } from "./times.js";

const PARTS = ["bot_config", "options", "schedule_config"];
const form = document.getElementById("job-form");
const preview = form.querySelector(".preview");
const summary = document.getElementById("summary");
const weekday = new Intl.DateTimeFormat(undefined, { weekday: "short", timeZone: "UTC" });

const kind = () => form.querySelector("[name=schedule_type]:checked").value;

// Hides the parts of other schedule types and other bots; hidden parts are not read either.
function choose() {
  for (const part of form.querySelectorAll("[data-for]")) part.hidden = !part.dataset.for.split(" ").includes(kind());
  const bot = document.getElementById("bot_type").value;
  for (const part of form.querySelectorAll("[data-bot]")) part.hidden = part.dataset.bot !== bot;
}

// The preview: requested shortly after the last keystroke, which cancels the request before.
let asking = new AbortController();
let waiting;

function soon() {
  clearTimeout(waiting);
  preview.setAttribute("aria-busy", "true");
  waiting = setTimeout(look, 150);
}

async function look() {
  asking.abort();
  asking = new AbortController();
  const { signal } = asking;
  const { body, errors } = read(form, PARTS);
  const asked = { schedule_type: body.schedule_type, schedule_config: body.schedule_config ?? {}, options: body.options ?? {}, count: 10 };
  try {
    const answer = await send("POST", "/scheduler/preview", asked, { signal });
    showErrors(form, errors.filter(isOfPreview), isPathOfPreview);
    show(answer);
  } catch (error) {
    if (signal.aborted) return;
    showErrors(form, error.errors ?? [], isPathOfPreview);
    document.getElementById("sentence").textContent = error.errors?.length ? "This schedule is not valid yet." : error.message;
    rows([]);
  }
  preview.removeAttribute("aria-busy");
}

const isPathOfPreview = (path) => path.startsWith("schedule") || path.startsWith("options");
const isOfPreview = (error) => isPathOfPreview(error.field);

function show({ description, local, occurrences }) {
  const sentence = document.getElementById("sentence");
  if (sentence.textContent !== description) sentence.textContent = description;
  const name = kind() === "interval" ? "UTC" : document.getElementById("timezone").value || "UTC";
  document.getElementById("zone-of-job").textContent = name;
  document.getElementById("zone-of-reader").textContent = `Your time zone (${zone})`;
  rows(local.map((text, index) => [inZone(text), inFull(new Date(`${occurrences[index]}Z`))]));
  if (!local.length) sentence.textContent = `${description} No more occurrences.`;
}

// Formats 2025-03-30T03:00:00+02:00 as a clock in that zone shows it.
function inZone(text) {
  const [, day, clock, offset] = /^(.{10})T(.{8})(.*)$/.exec(text);
  return `${weekday.format(new Date(`${day}T00:00:00Z`))} ${day} ${clock} ${offset}`;
}

function rows(cells) {
  const body = form.querySelector("#occurrences tbody");
  body.replaceChildren(...cells.map((texts) => {
    const row = document.createElement("tr");
    for (const text of texts) row.insertCell().textContent = text;
    return row;
  }));
}

// Saving

// One Idempotency-Key for each body: if the answer is lost, a second request does not create a second job.
let once = {};
function onceFor(body) {
  const text = JSON.stringify(body);
  if (once.text !== text) once = { text, key: newKey() };
  return once.key;
}

async function save(revision) {
  const { body, errors } = read(form, PARTS);
  showErrors(form, errors);
  if (errors.length) return summarize(errors.length);
  const id = form.dataset.job;
  try {
    const job = id
      ? await send("PUT", `/scheduler/jobs/${id}`, body, { headers: revision ? { "If-Match": `"${revision}"` } : {} })
      : await send("POST", "/scheduler/jobs", body, { headers: { "Idempotency-Key": onceFor(body) } });
    changed = false;
    sayOnNextPage(id ? `“${job.name}” saved` : `“${job.name}” created`);
    location.assign(`/jobs/${job.id}`);
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    if (error.status === 412) return showConflict();
    const homeless = showErrors(form, error.errors);
    summarize(error.errors.length, homeless.length ? homeless.map((one) => `${one.field} ${one.message}`).join("; ") : error.errors.length ? "" : error.message);
  }
}

function summarize(count, text = "") {
  summary.textContent = text || (count === 1 ? "Not saved. One field has an error; see the reason next to it." : `Not saved. ${count} fields have errors; see the reasons next to them.`);
  summary.hidden = false;
  const first = form.querySelector("[aria-invalid=true]");
  const closed = first?.closest("details:not([open])");
  if (closed) closed.open = true;
  (first ?? summary).focus();
}

function showConflict() {
  summary.textContent = "Not saved. Somebody else has changed this job since you opened it. ";
  const reload = document.createElement("a");
  reload.href = location.href;
  reload.textContent = "Discard my changes";
  const force = document.createElement("button");
  force.type = "button";
  force.textContent = "Overwrite their changes";
  force.addEventListener("click", () => busy(force, () => save(null)));
  const actions = document.createElement("p");
  actions.className = "actions";
  actions.append(reload, force);
  summary.append(actions);
  summary.hidden = false;
  summary.focus();
  changed = false;
}

let changed = false;
form.addEventListener("input", ({ target }) => {
  changed = true;
  summary.hidden = true;
  const path = target.closest("[data-path]")?.dataset.path;
  showErrors(form, [], (other) => other === path);
  choose();
  soon();
});
form.addEventListener("submit", (event) => {
  event.preventDefault();
  busy(document.getElementById("save"), () => save(form.dataset.revision));
});
addEventListener("beforeunload", (event) => { if (changed) event.preventDefault(); });

const zoneField = document.getElementById("timezone");
if ("own" in zoneField.dataset && [...zoneField.list.options].some((option) => option.value === zone)) zoneField.value = zone;
choose();
look();
