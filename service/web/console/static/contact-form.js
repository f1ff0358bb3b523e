// Form of a contact.
import { Refused, sendFrom } from "./api.js";
import { deleteSoon } from "./deletion.js";
import { keepDraft } from "./drafts.js";
import { inWords, read, showErrors } from "./form.js";
import { busy, sayOnNextPage } from "./messages.js";

const form = document.getElementById("contact-form");
const summary = document.getElementById("summary");
const { contact: id, name: called } = form.dataset;
let changed = false;
const draft = keepDraft(form, { restored: () => { changed = true; } });
form.addEventListener("discarded", () => { changed = false; });

// Empty fields remove their values.
function contents() {
  const { body } = read(form);
  return Object.fromEntries(Object.entries(body).map(([name, value]) => [name, value === "" && name !== "name" ? null : value]));
}

async function save() {
  showErrors(form, []);
  try {
    const contact = await sendFrom(form, contents());
    changed = false;
    draft.forget();
    sayOnNextPage(`“${contact.name}” saved`);
    location.assign("/contacts");
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    const homeless = showErrors(form, error.errors);
    const first = form.querySelector("[aria-invalid=true]");
    summary.textContent = homeless.length ? homeless.map((one) => inWords(form, one)).join("; ") : first ? "Not saved. The reasons are next to the fields." : error.message;
    summary.hidden = false;
    (first ?? summary).focus();
  }
}

form.addEventListener("input", ({ target }) => {
  changed = true;
  draft.keep();
  summary.hidden = true;
  showErrors(form, [], (path) => path === target.dataset.path);
});
form.addEventListener("submit", (event) => {
  event.preventDefault();
  busy(document.getElementById("save"), save);
});
// The form of a person who has been erased is gone.
addEventListener("beforeunload", (event) => { if (changed && form.isConnected) event.preventDefault(); });

document.getElementById("delete")?.addEventListener("click", ({ currentTarget }) => {
  changed = false;
  draft.forget();
  deleteSoon({ id, name: called, loss: "" }, currentTarget);
});
