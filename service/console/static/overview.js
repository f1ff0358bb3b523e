// The overview: loads the example for whoever has nothing yet.
import { Refused, send } from "./api.js";
import { busy, say } from "./messages.js";

// Where the timeline is wider than the screen, it begins around now.
const now = document.querySelector(".timeline .now");
const frame = now?.closest(".scroll");
if (frame) frame.scrollLeft = now.getBoundingClientRect().left - frame.getBoundingClientRect().left - frame.clientWidth / 2;

for (const button of document.querySelectorAll("[data-load-example]")) {
  button.addEventListener("click", () => busy(button, async () => {
    const file = await fetch(button.dataset.loadExample);
    if (!file.ok) throw new Refused(file.status, "The example is not there");
    const report = await send("POST", "/scheduler/contacts/import", await file.blob(), { headers: { "Content-Type": "text/vcard" } });
    const count = report.created + report.updated + report.unchanged;
    document.getElementById("loaded").textContent = `✓ ${count} contacts are there`;
    say(`${count} contacts are in the address book`);
    document.querySelector('.steps a[href^="/jobs/new"]').classList.add("primary");
    button.classList.remove("primary");
  }));
}
