// Restores a former revision of a job, or a deleted job. data-restore is the question, data-request the request;
// data-revision is the job's present revision, which nobody may have changed meanwhile.
import { changeNote, sendFrom } from "./api.js";
import { confirmed } from "./confirmation.js";
import { busy, sayOnNextPage } from "./messages.js";

const note = document.getElementById("note");

document.addEventListener("click", ({ target }) => {
  const button = target.closest("[data-restore]");
  if (button) busy(button, () => restore(button));
});

async function restore(button) {
  note.value = "";
  if (!(await confirmed(button.dataset.restore))) return;
  const headers = changeNote(note.value);
  if (button.dataset.revision) headers["If-Match"] = `"${button.dataset.revision}"`;
  const job = await sendFrom(button, undefined, { headers });
  sayOnNextPage(`“${job.name}” restored`);
  location.assign(`/jobs/${job.id}`);
}
