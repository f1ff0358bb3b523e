// Page of pauses: makes one, and ends one.
import { Refused, sendFrom } from "./api.js";
import { inWords, read, showErrors } from "./form.js";
import { busy, sayOnNextPage } from "./messages.js";
import { sendOnce } from "./once.js";
import { toInstant, toLocal } from "./times.js";

const HOUR_MS = 3_600_000;

const form = document.getElementById("pause-form");
const summary = document.getElementById("summary");

const chosen = () => form.querySelector("[name=kind]:checked")?.value;

function scope() {
  const kind = chosen();
  if (kind === "all") return "all";
  if (kind !== "label") return { [kind]: document.getElementById(kind).value };
  const pairs = document.getElementById("label").value.split(/\s+/).filter(Boolean).map((text) => text.split(":"));
  return { label: Object.fromEntries(pairs.map(([name, ...rest]) => [name, rest.join(":")])) };
}

// Shows the fields of the chosen kind of scope alone.
function showKind() {
  for (const field of form.querySelectorAll("[data-kind-of]")) field.hidden = field.dataset.kindOf !== chosen();
}

async function pause() {
  const { body, errors } = read(form);
  if (!body.reason) errors.push({ field: "reason", message: "is required" });
  if (chosen() === "label" && !document.getElementById("label").value.trim()) errors.push({ field: "scope.label", message: "Enter a label, such as team:crm" });
  showErrors(form, errors);
  if (errors.length) return summarize([], "");
  try {
    const until = body.until && toInstant(body.until, form.dataset.zone);
    const { answer: made } = await sendOnce(form, { ...body, until, scope: scope() }, { what: "The pause" });
    sayOnNextPage(`Paused: ${made.scope.job_id ? form.dataset.name : made.jobs}`);
    location.assign("/pauses");
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    const homeless = showErrors(form, error.errors);
    summarize(homeless, homeless.length ? homeless.map((one) => inWords(form, one)).join("; ") : error.message);
  }
}

function summarize(homeless, message) {
  const isBesideFields = form.querySelector("[data-error]:not([hidden])") && !homeless.length;
  summary.textContent = isBesideFields ? "Nothing was paused. The reasons are next to the fields." : message;
  summary.hidden = false;
  (form.querySelector("[aria-invalid=true]") ?? summary).focus();
}

if (form) {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    busy(document.getElementById("save"), pause);
  });
  form.addEventListener("input", () => {
    summary.hidden = true;
    showErrors(form, []);
    showKind();
  });
  showKind();
  // Most pauses are short, and one without an end is forgotten: it begins with two hours, to the full quarter.
  const until = document.getElementById("until");
  const end = Math.ceil((Date.now() + 2 * HOUR_MS) / (HOUR_MS / 4)) * (HOUR_MS / 4);
  until.value ||= toLocal(new Date(end).toISOString().slice(0, 19), form.dataset.zone);
}

document.addEventListener("click", ({ target }) => {
  const button = target.closest("[data-end]");
  if (button) busy(button, async () => {
    await sendFrom(button);
    sayOnNextPage(`No longer paused: ${button.dataset.jobs}`);
    location.reload();
  });
});
