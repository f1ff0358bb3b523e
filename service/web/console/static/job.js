// Page of one job.
import { listen } from "./actions.js";
import { copy } from "./copying.js";
import { listen as listenForLater } from "./later.js";
import { zone } from "./times.js";

// The reader's own time stands beside the job's only where the two differ.
function hideOwnTime() {
  for (const table of document.querySelectorAll("table[data-zone]")) {
    for (const row of table.rows) row.cells[1].hidden = table.dataset.zone === zone;
  }
}

listen();
listenForLater();
hideOwnTime();
document.addEventListener("renewed", hideOwnTime);
for (const button of document.querySelectorAll("[data-copy]")) {
  button.addEventListener("click", () => copy(document.getElementById(button.dataset.copy)));
}
