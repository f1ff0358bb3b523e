// Asks a question in the page's dialog. Resolves with whether the answer is yes. Escape means no.
import { unturned } from "./messages.js";

const dialog = document.getElementById("confirm");
const question = document.getElementById("question");

export function confirmed(text) {
  question.textContent = unturned(text);
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"), { once: true });
  });
}
