// Changes single occurrences of a job: with the dialog that a button with data-change opens, or by taking a change back
// (data-take-back). data-request is the request, data-local the occurrence's time in the job's zone.
import { Refused, send, sendFrom } from "./api.js";
import { inWords, showErrors } from "./form.js";
import { refresh } from "./live.js";
import { busy, say } from "./messages.js";

const dialog = document.getElementById("change");

const WISHES = {
  skip: () => ({ skip: true }),
  move: () => ({ move_to: document.getElementById("change-time").value }),
  rehearse: () => ({ bot_config: { dry_run: true } }),
  set: () => ({ bot_config: JSON.parse(document.getElementById("change-config").value) }),
};

document.addEventListener("click", ({ target }) => {
  const change = target.closest("[data-change]");
  if (change) open(change);
  const back = target.closest("[data-take-back]");
  if (back) busy(back, () => sent(() => sendFrom(back), "The occurrence comes as the schedule has it"));
});

dialog?.addEventListener("change", ({ target }) => { if (target.name === "wish") show(target.value); });

function show(wish) {
  for (const part of dialog.querySelectorAll("[data-wish]")) part.hidden = part.dataset.wish !== wish;
}

const chosen = () => dialog.querySelector("input[name=wish]:checked").value;

// Opens the dialog for the occurrence of a button, and sends what it says. A refusal opens it again.
function open(button, errors = [], refusal = "") {
  if (!errors.length && !refusal) {
    dialog.querySelector("form").reset();
    document.getElementById("change-time").value = button.dataset.local;
  }
  const error = document.getElementById("change-error");
  const homeless = showErrors(dialog, errors);
  error.textContent = homeless.map((one) => inWords(dialog, one)).join("; ") || (errors.length ? "" : refusal);
  error.hidden = !error.textContent;
  document.getElementById("change-which").textContent = button.dataset.change;
  show(chosen());
  dialog.returnValue = "";
  dialog.showModal();
  dialog.querySelector("[aria-invalid=true]")?.focus();
  dialog.addEventListener("close", () => { if (dialog.returnValue === "change") busy(button, () => change(button)); }, { once: true });
}

async function change(button) {
  let body;
  try {
    body = WISHES[chosen()]();
  } catch {
    return open(button, [{ field: "bot_config", message: "must be JSON: check its quotes, commas and brackets" }]);
  }
  const reason = document.getElementById("change-reason").value.trim();
  try {
    await sendFrom(button, reason ? { ...body, reason } : body);
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    return open(button, error.errors, error.message);
  }
  say("The occurrence is changed", { undo: () => takeBack(button) });
  await refresh().catch(() => {});
}

// Takes back what an element's request has changed.
export function takeBack(element) {
  const path = element.dataset.request.split(" ")[1];
  return sent(() => send("DELETE", path), "The occurrence comes as the schedule has it");
}

async function sent(request, words) {
  try {
    await request();
    say(words);
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    say(error.message, { bad: true });
  }
  await refresh().catch(() => {});
}
