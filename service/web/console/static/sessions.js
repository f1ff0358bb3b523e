// Ends sessions of the console.
import { Refused, sendFrom } from "./api.js";
import { confirmed } from "./confirmation.js";
import { refresh } from "./live.js";
import { busy, say } from "./messages.js";

const everywhere = document.getElementById("everywhere");

async function end(row) {
  try {
    await sendFrom(row.querySelector("[data-end]"));
  } catch (error) {
    if (!(error instanceof Refused) || error.status !== 404) throw error; // else it has ended meanwhile
  }
}

async function endOne(row) {
  await end(row);
  if ("current" in row.dataset) return location.assign("/sign-in");
  say("Session ended");
  await refresh();
  document.querySelector("#own [data-end]").focus();
}

// The page shows the sessions that were used last: once they have ended, it shows the next ones. Its own session is last.
async function endAll() {
  if (!(await confirmed("Sign out everywhere? This ends all sessions of your key, this one too. Whoever else signed in with that key has to sign in again."))) return;
  for (;;) {
    await refresh();
    const others = document.querySelectorAll("#own [data-session]:not([data-current])");
    if (!others.length) break;
    for (const row of others) await end(row);
  }
  const current = document.querySelector("#own [data-current]");
  if (current) await end(current);
  location.assign("/sign-in");
}

document.addEventListener("click", ({ target }) => {
  const button = target.closest("[data-end]");
  if (button) busy(button, () => endOne(button.closest("[data-session]")));
});
everywhere.addEventListener("click", () => busy(everywhere, endAll));
