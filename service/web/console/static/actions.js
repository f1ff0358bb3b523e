// Buttons of a job. data-action names the action, data-request the request; an element around the button has data-job and
// data-name.
import { newKey, Refused, sendFrom } from "./api.js";
import { deleteSoon } from "./deletion.js";
import { refresh } from "./live.js";
import { busy, say } from "./messages.js";

const run = async (job, button, body) => {
  const { run_id } = await sendFrom(button, body, { headers: { "Idempotency-Key": newKey() } });
  return { label: "Watch", href: `/jobs/${job.id}/runs/${run_id}` };
};

const ACTIONS = {
  run: async (job, button) => say(`Run of “${job.name}” queued`, { link: await run(job, button) }),
  rehearse: async (job, button) => say(`Rehearsal of “${job.name}” queued`, { link: await run(job, button, { bot_config: { dry_run: true } }) }),
  enable: async (job, button) => { await sendFrom(button, { enabled: true }); say(`“${job.name}” enabled`); },
  disable: async (job, button) => { await sendFrom(button, { enabled: false }); say(`“${job.name}” disabled`, { action: { label: "Undo", run: () => act("enable", job, button) } }); },
  delete: async (job, button) => deleteSoon(job, button),
};

async function act(name, job, button) {
  try {
    await ACTIONS[name](job, button);
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    say(error.message, { bad: true });
  }
  await refresh().catch(() => {});
}

export function listen() {
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-action]");
    const place = button?.closest("[data-job]");
    if (!place) return;
    const job = { id: place.dataset.job, name: place.dataset.name };
    const label = button.dataset.action;
    busy(button, () => act(label, job, button));
  });
  document.addEventListener("click", (event) => {
    for (const menu of document.querySelectorAll("details.menu[open]")) if (!menu.contains(event.target)) menu.open = false;
  });
  document.addEventListener("keydown", (event) => {
    const menu = event.key === "Escape" && event.target.closest?.("details.menu[open]");
    if (menu) { menu.open = false; menu.querySelector("summary").focus(); }
  });
}
