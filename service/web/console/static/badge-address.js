// Makes a key for the badge of a job, and shows its addresses once. They stand in the page alone, and go with it.
import { sendFrom } from "./api.js";
import { busy } from "./messages.js";

const button = document.getElementById("make-badge");
const place = document.getElementById("badge-made");
const [address, page, markdown] = ["address", "page", "markdown"].map((part) => document.getElementById(`badge-${part}`));

button?.addEventListener("click", () => busy(button, async () => {
  const made = await sendFrom(button, JSON.parse(button.dataset.key));
  address.textContent = made.badge;
  page.textContent = made.status_page;
  markdown.textContent = `![job](${made.badge}?text=job)`;
  place.hidden = false;
  place.focus();
}));
// A browser may keep a page for "Back".
addEventListener("pagehide", () => { address.textContent = page.textContent = markdown.textContent = ""; });
