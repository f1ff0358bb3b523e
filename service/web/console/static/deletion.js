// Deleting, sent only after eight seconds in which it can be undone. What is to be deleted is kept in this tab, so that
// the time goes on on the next page of the console. Who closes the tab before has deleted nothing.
import { Refused, send } from "./api.js";
import { refresh } from "./live.js";
import { say, sayThere } from "./messages.js";

const DELAY_MS = 8000;
const KEY = "deletions";

const pending = () => JSON.parse(sessionStorage.getItem(KEY) ?? "{}");
const keep = (all) => sessionStorage.setItem(KEY, JSON.stringify(all));
const shown = new Map();

// one: {id, name} of a job; of anything else also its path in the API, and what is lost with it, in words.
// then: a page to go on to, such as from the job's own.
export function deleteSoon({ id, name, path = `/scheduler/jobs/${id}`, loss = ", with its history" }, then) {
  keep({ ...pending(), [id]: { name, path, loss, at: Date.now() + DELAY_MS } });
  if (then) location.assign(then);
  else resume();
}

function undo(id) {
  const { [id]: _, ...rest } = pending();
  keep(rest);
  mark();
}

// Takes up what is pending; on every page.
export function resume() {
  for (const [id, { name, path, loss, at }] of Object.entries(pending())) {
    if (shown.has(id)) continue;
    const left = Math.max(0, at - Date.now());
    const remove = say(`“${name}” is deleted in ${Math.ceil(left / 1000)} seconds${loss}`, {
      stays: true, action: { label: "Undo", run: () => { shown.delete(id); undo(id); say(`“${name}” stays`); } },
    });
    shown.set(id, remove);
    setTimeout(() => carryOut(id, name, path), left);
  }
  mark();
}

async function carryOut(id, name, path) {
  if (!(id in pending())) return;
  undo(id);
  shown.get(id)?.();
  shown.delete(id);
  try {
    await send("DELETE", path, undefined, { keepalive: true });
    say(`“${name}” is deleted`);
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    if (error.status !== 404) say(`“${name}” is not deleted: ${error.message}`, { bad: true });
  }
  const own = path.replace("/scheduler", "");
  if (location.pathname.startsWith(own)) {
    sayThere(`“${name}” is deleted`);
    location.assign(own.slice(0, own.lastIndexOf("/")));
  } else {
    await refresh().catch(() => {});
  }
}

export function mark() {
  const going = pending();
  for (const row of document.querySelectorAll("[data-job], [data-contact]")) {
    row.classList.toggle("going", (row.dataset.job ?? row.dataset.contact) in going);
  }
}
