// The page of one job.
import { listen } from "./actions.js";
import { say } from "./messages.js";

listen();
for (const button of document.querySelectorAll("[data-copy]")) {
  button.addEventListener("click", async () => {
    const text = document.getElementById(button.dataset.copy);
    try {
      await navigator.clipboard.writeText(text.textContent);
      say("It is copied");
    } catch {
      // Without TLS a page has no clipboard: the text is selected for the person's own copying.
      getSelection().selectAllChildren(text);
      say("It is selected: copy it with Ctrl or ⌘ and C");
    }
  });
}
