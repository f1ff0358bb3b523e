// Deletion with eight seconds to undo it. The tab's session storage keeps pending deletions, so that the time runs on
// across pages of the console. If somebody closes the tab within that time, nothing is deleted.
import { Refused, send } from "./api.js";
import { refresh } from "./live.js";
import { say, sayOnNextPage } from "./messages.js";

const DELAY_MS = 8000;
const KEY = "deletions";
const KEPT = "It can be restored for 30 days, without its runs: Jobs › Deleted jobs";

const pending = () => JSON.parse(sessionStorage.getItem(KEY) ?? "{}");
const keep = (all) => sessionStorage.setItem(KEY, JSON.stringify(all));
const shown = new Map();

// Deletes a job by {id, name}; anything else also needs the words for its loss. The button has the request (data-request)
// and, where the page would be gone, the page to go to (data-then), and where it can be restored, that page (data-kept).
export function deleteSoon({ id, name, loss = " and its history" }, button) {
  const path = button.dataset.request.split(" ")[1];
  const { then, kept } = button.dataset;
  keep({ ...pending(), [id]: { name, path, loss, kept, at: Date.now() + DELAY_MS, fresh: true } });
  if (then) location.assign(then);
  else resume();
}

function undo(id) {
  const { [id]: _, ...rest } = pending();
  keep(rest);
  mark();
}

// Continues pending deletions; every page calls it.
export function resume() {
  for (const [id, { name, path, loss, kept, at, fresh }] of Object.entries(pending())) {
    if (shown.has(id)) continue;
    keep({ ...pending(), [id]: { ...pending()[id], fresh: false } });
    const left = Math.max(0, at - Date.now());
    const remove = say(`Deleting “${name}”${loss} in ${Math.ceil(left / 1000)} seconds${kept ? `. ${KEPT}` : ""}`, {
      stays: true, quietly: !fresh, undo: () => { shown.delete(id); undo(id); say(`“${name}” was not deleted`); },
    });
    shown.set(id, remove);
    setTimeout(() => carryOut(id, name, path, kept), left);
  }
  mark();
}

async function carryOut(id, name, path, kept) {
  if (!(id in pending())) return;
  undo(id);
  shown.get(id)?.();
  shown.delete(id);
  const done = kept ? `“${name}” deleted. ${KEPT}` : `“${name}” deleted`;
  try {
    await send("DELETE", path, undefined, { keepalive: true });
    say(done, kept ? { link: { label: "Deleted jobs", href: kept } } : {});
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    if (error.status !== 404) say(`“${name}” was not deleted: ${error.message}`, { bad: true });
  }
  const own = path.replace("/scheduler", "");
  if (location.pathname.startsWith(own)) {
    sayOnNextPage(done);
    location.assign(own.slice(0, own.lastIndexOf("/")));
  } else {
    await refresh().catch(() => {});
  }
}

// Marks the rows of pending deletions.
export function mark() {
  const going = pending();
  for (const row of document.querySelectorAll("[data-job], [data-contact]")) {
    row.classList.toggle("going", (row.dataset.job ?? row.dataset.contact) in going);
  }
}
