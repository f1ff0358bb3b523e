// The overview: notes that what was noticed has been seen, and loads the example for whoever has nothing yet.
import { Refused, send } from "./api.js";
import { refresh } from "./live.js";
import { busy, say } from "./messages.js";

// Where the timeline is wider than the screen, it begins around now.
const now = document.querySelector(".timeline .now");
const frame = now?.closest(".scroll");
if (frame) frame.scrollLeft = now.getBoundingClientRect().left - frame.getBoundingClientRect().left - frame.clientWidth / 2;

// So that a rehearsal finds somebody on whichever day it is. No later than the 28th, which every month has.
function bornToday(cards) {
  const today = new Date();
  const month = String(today.getMonth() + 1).padStart(2, "0"), day = String(Math.min(28, today.getDate())).padStart(2, "0");
  return cards.replace(/^(BDAY.*)-04-12/gm, `$1-${month}-${day}`);
}

// Parts of the page are drawn anew now and then, so that their buttons cannot be listened to themselves.
document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-acknowledge]");
  if (!button) return;
  busy(button, async () => {
    await send("POST", "/scheduler/acknowledge");
    say("It is noted that this was seen");
    await refresh();
  });
});

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-load-example]");
  if (!button) return;
  busy(button, async () => {
    const file = await fetch(button.dataset.loadExample);
    if (!file.ok) throw new Refused(file.status, "The example is not there");
    const report = await send("POST", "/scheduler/contacts/import", bornToday(await file.text()), { headers: { "Content-Type": "text/vcard" } });
    const count = report.created + report.updated + report.unchanged;
    document.getElementById("loaded").textContent = `✓ ${count} contacts are there`;
    say(`${count} contacts are in the address book`);
    document.querySelector('.steps a[href^="/jobs/new"]').classList.add("primary");
    button.classList.remove("primary");
  });
});
