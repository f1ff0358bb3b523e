// Form of a key: sets choose scopes, and only changed fields are sent.
import { Refused, sendFrom } from "./api.js";
import { keepDraft } from "./drafts.js";
import { read, showErrors } from "./form.js";
import { showSecret } from "./key-secret.js";
import { busy, sayOnNextPage } from "./messages.js";
import { inFull, toInstant, toLocal, zone } from "./times.js";

const DAY_MS = 86_400_000;
const form = document.getElementById("key-form");
const summary = document.getElementById("summary");
const { key: id } = form.dataset;
const expiry = document.getElementById("expires_at");
let changed = false;

// The service sends and takes UTC; people read and write their own time. A value that the browser has restored is theirs.
document.getElementById("zone").textContent = zone;
if (expiry.defaultValue) expiry.defaultValue = toLocal(expiry.defaultValue);
if (expiry.max) expiry.max = toLocal(expiry.max);

const chosen = (name) => [...form.querySelectorAll(`[name=${name}]:checked`)].map((box) => box.value);

// Returns {body, errors}; what is empty is null.
function contents() {
  const { body, errors } = read(form);
  const bots = chosen("bot");
  const { labels, bad } = labelLists(body.labels);
  if (bad) errors.push({ field: "labels", message: "must have one label on each line, such as team:crm" });
  errors.push(...beyondOwn(body.expires_at, bots));
  return { body: { ...body, scopes: chosen("scope"), labels, bot_types: bots.length ? bots : null, expires_at: body.expires_at ? toInstant(body.expires_at) : null, note: body.note || null }, errors };
}

// The API refuses a key that may do more than its maker's in a sentence; where a field is to blame, the page says so there.
function* beyondOwn(expires, bots) {
  const { max } = expiry;
  if (max && (!expires || new Date(expires) > new Date(max))) yield { field: "expires_at", message: `must be ${inFull(new Date(max))}, when your own key expires, or earlier` };
  if (!bots.length && form.querySelector("[data-limited]")) yield { field: "bot_types", message: "must be one or more, since your own key is limited to these" };
}

// Makes {team: ["crm", "sales"]} of the lines team:crm and team:sales.
function labelLists(lines) {
  const labels = {};
  for (const line of lines) {
    const [label, ...rest] = line.split(":");
    const value = rest.join(":").trim();
    if (!label.trim() || !value) return { labels, bad: true };
    (labels[label.trim()] ??= []).push(value);
  }
  return { labels: lines.length ? labels : null };
}

// Compares with what the service sent, for browsers restore what somebody has typed before a reload.
function isChanged(name) {
  const inputs = [...form.querySelectorAll(`[data-field=${name}] :is(input:not([type=radio]), textarea)`)];
  return inputs.some((input) => (input.type === "checkbox" ? input.checked !== input.defaultChecked : whole(input.value) !== whole(input.defaultValue)));
}

// Browsers leave the seconds of a time out where they are 0.
const whole = (text) => (/T\d\d:\d\d$/.test(text) ? `${text}:00` : text);

async function save() {
  const { body, errors } = contents();
  showErrors(form, errors);
  if (errors.length) return summarize([], "");
  try {
    if (id) {
      const changes = Object.fromEntries(Object.entries(body).filter(([name]) => isChanged(name)));
      const key = await sendFrom(form, changes);
      changed = false;
      draft.forget();
      sayOnNextPage(`“${key.name}” saved`);
      location.assign("/access");
    } else {
      const made = await sendFrom(form, body);
      changed = false;
      draft.forget();
      showSecret(made);
    }
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    summarize(showErrors(form, error.errors.map(inOwnTime)), error.message);
  }
}

// The API names instants in UTC.
function inOwnTime({ field, message }) {
  const told = message.replace(/"?(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)"?/g, (_, instant) => inFull(new Date(`${instant}Z`)));
  return { field, message: field === "expires_at" ? told : message };
}

function summarize(homeless, message) {
  const isBesideFields = form.querySelector("[data-error]:not([hidden])") && !homeless.length;
  summary.textContent = isBesideFields ? "Not saved. The reasons are next to the fields." : message;
  summary.hidden = false;
  (form.querySelector("[aria-invalid=true]") ?? summary).focus();
}

// Sets

function choose(set) {
  const scopes = set.split(" ");
  for (const box of form.querySelectorAll("[name=scope]")) box.checked = scopes.includes(box.value);
}

function showSet() {
  const custom = form.querySelector("[name=set][value='']");
  if (!custom) return;
  const scopes = chosen("scope").join(" ");
  for (const radio of form.querySelectorAll("[name=set]")) radio.checked = (radio.dataset.scopes ?? "") === scopes;
  if (!form.querySelector("[name=set]:checked")) custom.checked = true;
}

// A key for pings is bound to a job; the choice of it is there for such a key alone.
const pinged = document.getElementById("pinged");
function offerJobs() {
  if (pinged) pinged.hidden = chosen("scope").join() !== "ping";
}

// A set may have been chosen before this script was there.
const early = form.querySelector("[name=set]:checked");
if (early?.dataset.scopes) choose(early.dataset.scopes);
offerJobs();

const draft = keepDraft(form, { restored: () => { changed = true; showSet(); offerJobs(); } });
form.addEventListener("discarded", () => { changed = false; });
form.addEventListener("input", ({ target }) => {
  changed = true;
  draft.keep();
  summary.hidden = true;
  if (target.name === "set" && target.dataset.scopes) choose(target.dataset.scopes);
  if (target.name === "scope") showSet();
  offerJobs();
  const field = target.closest("[data-field]")?.dataset.field;
  showErrors(form, [], (path) => path === field);
});
// Adds a label of the reader's jobs to the limits.
function limitTo(label) {
  const input = document.getElementById("labels");
  const lines = input.value.split("\n").map((line) => line.trim()).filter(Boolean);
  if (!lines.includes(label)) input.value = [...lines, label].join("\n");
  input.dispatchEvent(new Event("input", { bubbles: true }));
}

form.addEventListener("click", ({ target }) => {
  if ("label" in target.dataset) limitTo(target.dataset.label);
  if (!("days" in target.dataset)) return;
  const { days } = target.dataset;
  expiry.value = days ? toLocal(new Date(Date.now() + Number(days) * DAY_MS).toISOString().slice(0, 19)) : "";
  expiry.dispatchEvent(new Event("input", { bubbles: true }));
});
form.addEventListener("submit", (event) => {
  event.preventDefault();
  busy(document.getElementById("save"), save);
});
addEventListener("beforeunload", (event) => { if (changed) event.preventDefault(); });
