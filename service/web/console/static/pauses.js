// Page of pauses: makes one, and ends one.
import { Refused, sendFrom } from "./api.js";
import { read, showErrors } from "./form.js";
import { busy, sayOnNextPage } from "./messages.js";

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
  showErrors(form, errors);
  if (errors.length) return summarize([], "");
  try {
    const made = await sendFrom(form, { ...body, scope: scope() });
    sayOnNextPage(`Paused: ${made.scope.job_id ? form.dataset.name : made.jobs}`);
    location.assign("/pauses");
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    summarize(showErrors(form, error.errors), error.message);
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
}

document.addEventListener("click", ({ target }) => {
  const button = target.closest("[data-end]");
  if (button) busy(button, async () => {
    await sendFrom(button);
    sayOnNextPage(`No longer paused: ${button.dataset.jobs}`);
    location.reload();
  });
});
