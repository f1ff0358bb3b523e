// Page of one job.
import { listen } from "./actions.js";
import { copy } from "./copying.js";

listen();
for (const button of document.querySelectorAll("[data-copy]")) {
  button.addEventListener("click", () => copy(document.getElementById(button.dataset.copy)));
}
