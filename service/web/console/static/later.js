// Runs a job at a later time: the form asks for it, and says when in the reader's time zone.
import { newKey, sendFrom } from "./api.js";
import { refresh } from "./live.js";
import { busy, say } from "./messages.js";
import { inFull, toInstant } from "./times.js";

export function listen() {
  const form = document.getElementById("run-later");
  form?.addEventListener("submit", (event) => {
    event.preventDefault();
    busy(event.submitter, async () => {
      const at = form.elements.at.value;
      await sendFrom(form, { at: toInstant(at) }, { headers: { "Idempotency-Key": newKey() } });
      say(`The job runs on ${inFull(new Date(at))}`);
      form.reset();
      await refresh();
    });
  });
}
