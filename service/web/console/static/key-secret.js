// Shows a key's new text, once; of a key for a feed, a badge or pings, the address in which it stands. It stands in the page alone, and goes with it.
import { copy } from "./copying.js";

const place = document.getElementById("secret");
const text = document.getElementById("secret-text");
const statusPage = document.getElementById("secret-status");
let taken = true;

// until: a sentence about the former secret, if there is one.
export function showSecret({ key, feed, ping, badge, status_page }, until = "") {
  text.textContent = feed ?? ping ?? badge ?? key;
  statusPage.textContent = status_page ?? "";
  const kind = feed ? "feed" : ping ? "ping" : badge ? "badge" : "key";
  for (const words of place.querySelectorAll("[data-of]")) words.hidden = words.dataset.of !== kind;
  const sentence = document.getElementById("secret-until");
  sentence.textContent = until;
  sentence.hidden = !until;
  document.getElementById("rest").hidden = true;
  document.getElementById("revoke")?.setAttribute("hidden", "");
  place.hidden = false;
  taken = false;
  place.focus();
}

document.getElementById("copy").addEventListener("click", async () => { taken = await copy(text) || taken; });
// Also for those who select and copy the text themselves.
text.addEventListener("copy", () => { taken = true; });
addEventListener("beforeunload", (event) => { if (!taken) event.preventDefault(); });
// A browser may keep a page for "Back".
addEventListener("pagehide", () => { text.textContent = statusPage.textContent = ""; });
