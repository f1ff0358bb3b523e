// Form of a calendar: sends the changed fields, and shows errors next to them, of closed days with their lines.
import { Refused, sendFrom } from "./api.js";
import { readDays, writeDays } from "./closed-days.js";
import { keepDraft } from "./drafts.js";
import { forgetForeseen, showForeseen } from "./foreseen.js";
import { inWords, read, showErrors } from "./form.js";
import { busy, sayOnNextPage } from "./messages.js";

const form = document.getElementById("calendar-form");
const summary = document.getElementById("summary");
const lines = document.getElementById("closed-days");
const isNew = "new" in form.dataset;
let stored = JSON.parse(form.dataset.calendar);
let changed = false;

// Returns {body, errors, places}; empty fields are null.
function contents() {
  const { body: { closed_days: text, ...body }, errors } = read(form);
  const { dates, ranges, places, errors: wrong } = readDays(text);
  errors.push(...wrong.map((message) => ({ field: "closed_days", message })));
  const { country, subdivision, open_hours: hours } = body;
  return { body: { ...body, country: country || null, subdivision: subdivision || null, open_hours: Object.keys(hours).length ? hours : null, dates, ranges }, errors, places };
}

const isChanged = ([name, value]) => JSON.stringify(value) !== JSON.stringify(stored[name]);

const save = () => sent(form, (calendar) => {
  changed = false;
  draft.forget();
  sayOnNextPage(isNew ? `“${calendar.name}” created` : `“${calendar.name}” saved`);
  location.assign(`/calendars/${calendar.name}`);
});

// Sends what is in the form by the request of `element`, and hands on the answer; shows the errors of a refusal.
async function sent(element, done) {
  const { body, errors, places } = contents();
  if (refused(errors)) return;
  try {
    done(await sendFrom(element, isNew ? body : Object.fromEntries(Object.entries(body).filter(isChanged))));
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    const found = error.status === 409 && isNew ? [{ field: "name", message: error.message }] : error.errors;
    if (!refused(found.map((one) => inLines(one, places)))) summarize(error.message);
  }
}

// Names the line of a date or range that the API refuses.
function inLines({ field, message }, places) {
  const [, item, part] = /^((?:dates|ranges)\[\d+\])\.?(.*)$/.exec(field) ?? [];
  if (item) return { field: "closed_days", message: `line ${places[item]}${part && ` (${part})`} ${message}.` };
  return /^(dates|ranges)$/.test(field) ? { field: "closed_days", message: `${field} ${message}` } : { field, message };
}

// Shows errors; returns whether there are any.
function refused(errors) {
  const homeless = showErrors(form, errors);
  if (errors.length) summarize(homeless.map((one) => inWords(form, one)).join("; ") || "Not saved. The reasons are next to the fields.");
  return errors.length > 0;
}

function summarize(text) {
  summary.textContent = text;
  summary.hidden = false;
  (form.querySelector("[aria-invalid=true]") ?? summary).focus();
}

form.addEventListener("input", ({ target }) => {
  changed = true;
  draft.keep();
  summary.hidden = true;
  forgetForeseen();
  const path = target.closest("[data-path]")?.dataset.path;
  showErrors(form, [], (other) => other === path);
});
form.addEventListener("submit", (event) => {
  event.preventDefault();
  busy(document.getElementById("save"), save);
});
const see = document.getElementById("foresee");
see?.addEventListener("click", () => busy(see, () => sent(see, showForeseen)));
addEventListener("beforeunload", (event) => { if (changed) event.preventDefault(); });

// Takes over the closed days of the calendar as it is stored now.
export function take(calendar) {
  stored = calendar;
  lines.value = writeDays(stored);
}

export const hasChanges = () => changed;
export const forget = () => { changed = false; draft.forget(); };

take(stored);
const draft = keepDraft(form, { restored: () => { changed = true; } });
form.addEventListener("discarded", () => { changed = false; });
