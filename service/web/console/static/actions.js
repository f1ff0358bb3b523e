// Buttons of a job. data-action names the action, data-request the request; an element around the button has data-job and
// data-name.
import { Refused, sendFrom } from "./api.js";
import { deleteSoon } from "./deletion.js";
import { refresh } from "./live.js";
import { busy, say } from "./messages.js";
import { sendOnce } from "./once.js";

// Queues a run; `word` is what the message calls it.
const run = async (job, button, word, body) => {
  const { answer: { run_id }, repeated } = await sendOnce(button, body, { what: `A ${word.toLowerCase()} of “${job.name}”` });
  const said = repeated ? `${word} of “${job.name}” had been queued already: there is one` : `${word} of “${job.name}” queued`;
  say(said, { link: { label: "Watch", href: `/jobs/${job.id}/runs/${run_id}` } });
};

const ACTIONS = {
  run: async (job, button) => run(job, button, "Run"),
  rehearse: async (job, button) => run(job, button, "Rehearsal", { bot_config: { dry_run: true } }),
  enable: async (job, button) => { await sendFrom(button, { enabled: true }); say(`“${job.name}” enabled`, { undo: () => act("disable", job, button) }); },
  disable: async (job, button) => { await sendFrom(button, { enabled: false }); say(`“${job.name}” disabled`, { undo: () => act("enable", job, button) }); },
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
  // A menu that would reach beyond the window's lower edge opens upwards.
  document.addEventListener("toggle", ({ target }) => {
    if (!target.matches("details.menu")) return;
    target.classList.remove("up");
    const { bottom } = target.open ? target.lastElementChild.getBoundingClientRect() : { bottom: 0 };
    target.classList.toggle("up", bottom > innerHeight);
  }, { capture: true });
  document.addEventListener("keydown", (event) => {
    const menu = event.key === "Escape" && document.querySelector("details.menu[open]");
    if (menu) { menu.open = false; menu.querySelector("summary").focus(); }
  });
}
