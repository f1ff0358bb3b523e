// Page of one job.
import { listen } from "./actions.js";
import { copy } from "./copying.js";
import { listen as listenForLater } from "./later.js";

listen();
listenForLater();
for (const button of document.querySelectorAll("[data-copy]")) {
  button.addEventListener("click", () => copy(document.getElementById(button.dataset.copy)));
}
