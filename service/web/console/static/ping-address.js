// Makes a key for the pings of a heartbeat job, and shows its address once. It stands in the page alone, and goes with it.
import { sendFrom } from "./api.js";
import { busy } from "./messages.js";

const button = document.getElementById("make-ping");
const place = document.getElementById("ping-made");
const address = document.getElementById("ping-address");
const lines = document.getElementById("ping-lines");

button?.addEventListener("click", () => busy(button, async () => {
  const made = await sendFrom(button, JSON.parse(button.dataset.key));
  const call = "curl -fsS -m 10 --retry 5 --retry-connrefused -o /dev/null";
  address.textContent = made.ping;
  lines.textContent = ["/start", "", "/fail"].map((end) => `${call} "${made.ping}${end}"`).join("\n");
  place.hidden = false;
  place.focus();
}));
// A browser may keep a page for "Back".
addEventListener("pagehide", () => { address.textContent = lines.textContent = ""; });
