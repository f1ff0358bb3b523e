// Adds an iCalendar file's days off to a calendar, and deletes it.
import { Refused, sendFrom } from "./api.js";
import { forget, hasChanges, take } from "./calendar-form.js";
import { confirmed } from "./confirmation.js";
import { forgetForeseen, showForeseen } from "./foreseen.js";
import { sentence } from "./form.js";
import { busy, sayOnNextPage } from "./messages.js";

const form = document.getElementById("file-form");
const input = document.getElementById("file");
const report = document.getElementById("report");
const refusal = document.getElementById("error-file");

// Sends the file by the request of `element`, and hands on its name and the answer; shows why it is refused.
async function sent(element, done) {
  const [file] = input.files;
  report.replaceChildren();
  forgetForeseen();
  refuse(whyNot(file));
  if (!refusal.hidden) return;
  try {
    done(file.name, await sendFrom(element, file, { headers: { "Content-Type": "text/calendar" } }));
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    refuse(error.message);
  }
}

// The form beside would forget the days of the file, or the file the changes in the form.
function whyNot(file) {
  if (hasChanges()) return "Save your changes first.";
  if (!file) return "Choose a file.";
  return file.size > Number(form.dataset.limit) ? "The file is larger than 1 MiB." : "";
}

function refuse(reason) {
  refusal.textContent = reason;
  refusal.hidden = !reason;
  input.setAttribute("aria-invalid", String(Boolean(reason)));
  if (reason) input.focus();
}

function added(name, answer) {
  take(answer.calendar);
  tell(name, answer);
}

function foresee(name, answer) {
  showForeseen(answer);
  tell(name, answer.file);
}

function tell(name, { added, unchanged, skipped, skipped_total: total }) {
  const counts = document.createElement("p");
  counts.textContent = `${name}: ${added} added, ${unchanged} unchanged, ${total} left out.`;
  const reasons = document.createElement("ul");
  reasons.append(...skipped.map(({ position, reason }) => {
    const item = document.createElement("li");
    item.textContent = sentence(`event ${position}: ${reason}`);
    return item;
  }));
  report.append(counts, ...(total ? [reasons] : []));
  report.focus();
}

async function remove(button) {
  const { name } = button.dataset;
  if (!(await confirmed(`Delete the calendar “${name}”?`))) return;
  await sendFrom(button);
  forget();
  sayOnNextPage(`“${name}” deleted`);
  location.assign("/calendars");
}

form?.addEventListener("submit", (event) => {
  event.preventDefault();
  busy(document.getElementById("add"), () => sent(form, added));
});
const see = document.getElementById("foresee-file");
see?.addEventListener("click", () => busy(see, () => sent(see, foresee)));
const button = document.getElementById("delete");
button?.addEventListener("click", () => busy(button, () => remove(button)));
