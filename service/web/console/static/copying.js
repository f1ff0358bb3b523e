// Copies an element's text. Resolves with whether the clipboard has it.
import { say } from "./messages.js";

export async function copy(element) {
  try {
    await navigator.clipboard.writeText(element.textContent);
    say("Copied");
    return true;
  } catch {
    // Without TLS a page has no clipboard: select the text, so that the person can copy it.
    getSelection().selectAllChildren(element);
    say("Text selected. Copy it with Ctrl+C or ⌘C");
    return false;
  }
}
