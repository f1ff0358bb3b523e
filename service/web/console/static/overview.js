// The overview: acknowledges notices, and loads the example address book for newcomers.
import { sendFrom } from "./api.js";
import { importExample } from "./example.js";
import { refresh } from "./live.js";
import { busy, say } from "./messages.js";

// If the timeline is wider than the screen, scroll to now.
const now = document.querySelector(".timeline .now");
const frame = now?.closest(".scroll");
if (frame) frame.scrollLeft = now.getBoundingClientRect().left - frame.getBoundingClientRect().left - frame.clientWidth / 2;

// Moves a birthday to today, so that a rehearsal finds somebody on any day. The 28th is the last day that every month has.
function bornToday(cards) {
  const today = new Date();
  const month = String(today.getMonth() + 1).padStart(2, "0"), day = String(Math.min(28, today.getDate())).padStart(2, "0");
  return cards.replace(/^(BDAY.*)-04-12/gm, `$1-${month}-${day}`);
}

// Listens on the document, because refreshes replace the buttons.
document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-acknowledge]");
  if (!button) return;
  busy(button, async () => {
    await sendFrom(button);
    say("Acknowledged");
    await refresh();
  });
});

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-load-example]");
  if (!button) return;
  busy(button, async () => {
    const report = await importExample(button, button.dataset.loadExample, bornToday);
    const count = report.created + report.updated + report.unchanged;
    document.getElementById("loaded").textContent = `✓ ${count} contacts loaded`;
    say(`${count} contacts loaded into the address book`);
    document.querySelector('.steps a[href^="/jobs/new"]').classList.add("primary");
    button.classList.remove("primary");
  });
});
