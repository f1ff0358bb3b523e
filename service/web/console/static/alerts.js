// Page of alerts: saves channels and rules, tests and deletes them.
import { Refused, sendFrom } from "./api.js";
import { read, showErrors } from "./form.js";
import { busy, say, sayOnNextPage } from "./messages.js";

const TOLD = "Not saved. The reasons are next to the fields.";

// Returns what the form says; what is left empty is null, so that a change can take it away.
function contents(form) {
  const { body, errors } = read(form);
  if ("quiet_hours" in body && !Object.keys(body.quiet_hours).length) body.quiet_hours = null;
  if (form.id === "rule-form") {
    body.template ??= null;
    body.job_id ??= null;
    if (!body.bot_types?.length) body.bot_types = null;
  }
  return { body, errors };
}

async function save(form) {
  const { body, errors } = contents(form);
  if (errors.length) return summarize(form, showErrors(form, errors), TOLD);
  try {
    await sendFrom(form, body);
    sayOnNextPage("Saved");
    location.assign(form.dataset.done);
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    summarize(form, showErrors(form, error.errors), error.message);
  }
}

function summarize(form, homeless, message) {
  const summary = form.querySelector("[data-summary]");
  const isBesideFields = form.querySelector("[data-error]:not([hidden])") && !homeless.length;
  summary.textContent = isBesideFields ? TOLD : message;
  summary.hidden = false;
  (form.querySelector("[aria-invalid=true]") ?? summary).focus();
}

for (const form of document.querySelectorAll("#channel-form, #rule-form")) {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    busy(form.querySelector("button.primary"), () => save(form));
  });
  form.addEventListener("input", () => {
    form.querySelector("[data-summary]").hidden = true;
    showErrors(form, []);
  });
}

document.addEventListener("click", ({ target }) => {
  const button = target.closest("[data-send]");
  if (button) busy(button, async () => {
    await sendFrom(button);
    if (!("reload" in button.dataset)) return say(button.dataset.done);
    sayOnNextPage(button.dataset.done);
    location.assign("/alerts");
  });
});
