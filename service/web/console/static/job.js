// Page of one job.
import { listen } from "./actions.js";
import { say } from "./messages.js";

listen();
for (const button of document.querySelectorAll("[data-copy]")) {
  button.addEventListener("click", async () => {
    const text = document.getElementById(button.dataset.copy);
    try {
      await navigator.clipboard.writeText(text.textContent);
      say("Copied");
    } catch {
      // Without TLS a page has no clipboard: select the text, so that the person can copy it.
      getSelection().selectAllChildren(text);
      say("Text selected. Copy it with Ctrl+C or ⌘C");
    }
  });
}
