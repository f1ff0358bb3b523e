// Page of a job's backfills: shows the instants of one first, then starts it; cancels one.
import { sendFrom } from "./api.js";
import { sentOrRefused } from "./form.js";
import { refresh } from "./live.js";
import { busy, say } from "./messages.js";
import { sendOnce } from "./once.js";
import { onClocks, toInstant, toLocal } from "./times.js";

const form = document.getElementById("backfill");
const plan = document.getElementById("plan");
const SHOWN = 200;

const asked = () => ({
  since: toInstant(form.elements.since.value, form.dataset.zone),
  until: toInstant(form.elements.until.value, form.dataset.zone),
  only: form.elements.only.value,
  max_parallel: Number(form.elements.parallel.value),
});

function showPlan({ total, instants, reasons, rule }) {
  const more = total > SHOWN ? `; these are the first ${SHOWN}` : "";
  document.getElementById("plan-count").textContent = total === 1 ? "1 instant would run" : `${total} instants would run${more}`;
  const why = Object.entries(reasons).map(([reason, count]) => `${count} ${reason}`).join(", ");
  document.getElementById("plan-rule").textContent = why ? `${rule} Why nothing ran: ${why}.` : rule;
  const list = document.getElementById("plan-instants");
  list.replaceChildren(...instants.slice(0, SHOWN).map((at) => (
    Object.assign(document.createElement("li"), { textContent: onClocks(at, form.dataset.zone) })
  )));
  document.getElementById("start").hidden = total === 0;
  plan.hidden = false;
}

for (const input of form?.querySelectorAll("[data-instant]") ?? []) input.value ||= toLocal(input.dataset.instant, form.dataset.zone);
form?.addEventListener("submit", (event) => {
  event.preventDefault();
  busy(event.submitter, async () => {
    const found = await sentOrRefused(form, () => sendFrom(form, { ...asked(), dry_run: true }));
    if (found) showPlan(found);
  });
});
form?.addEventListener("input", () => { plan.hidden = true; });
document.getElementById("start")?.addEventListener("click", ({ target }) => busy(target, async () => {
  const { answer: { backfill_id, total } } = await sendOnce(target, asked(), { what: "The backfill" });
  say(backfill_id ? `Backfill of ${total} instants started` : "There is nothing to run any more");
  plan.hidden = true;
  await refresh();
}));
document.addEventListener("click", ({ target }) => {
  const button = target.closest("[data-cancel-backfill]");
  if (!button) return;
  busy(button, async () => {
    await sendFrom(button);
    say("Backfill cancelled; runs that are open go on");
    await refresh();
  });
});
