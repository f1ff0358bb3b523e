// Rotates and revokes a key.
import { sendFrom } from "./api.js";
import { confirmed } from "./confirmation.js";
import { showSecret } from "./key-secret.js";
import { busy, sayOnNextPage } from "./messages.js";

const { dataset } = document.getElementById("rest");
const isOwn = "own" in dataset;

async function rotate(button) {
  const { value, selectedOptions: [option] } = document.getElementById("overlap");
  const made = await sendFrom(button, { overlap_seconds: Number(value) });
  // Nothing else is asked now: if this was one's own key, the session may have ended.
  showSecret(made, `The former secret stops working ${option.textContent}.`);
}

async function revoke(button) {
  const loss = isOwn ? "You are signed in with it, so you are signed out, too." : "Programs that use it get 401 from now on, and its sessions end.";
  if (!(await confirmed(`Revoke “${dataset.name}”? ${loss}`))) return;
  await sendFrom(button);
  sayOnNextPage(`“${dataset.name}” revoked`);
  location.assign(isOwn ? "/sign-in" : "/access");
}

for (const [id, act] of [["rotate", rotate], ["revoke", revoke]]) {
  const button = document.getElementById(id);
  button?.addEventListener("click", () => busy(button, () => act(button)));
}
