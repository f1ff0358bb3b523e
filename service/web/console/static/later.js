// Runs a job at a later time: the form asks for it, in the job's time zone.
import { sentOrRefused } from "./form.js";
import { refresh } from "./live.js";
import { busy, say } from "./messages.js";
import { sendOnce } from "./once.js";
import { toInstant } from "./times.js";

export function listen() {
  const form = document.getElementById("run-later");
  form?.addEventListener("submit", (event) => {
    event.preventDefault();
    busy(event.submitter, async () => {
      const at = form.elements.at.value;
      if (!(await sentOrRefused(form, () => sendOnce(form, { at: toInstant(at, form.dataset.zone) }, { what: "The run" })))) return;
      say(`The job runs on ${at.replace("T", " ")} (${form.dataset.zone})`);
      form.reset();
      await refresh();
    });
  });
}
