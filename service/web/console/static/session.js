// Asks for the key in place when the session has ended, so that nothing on the page is lost.
import { say } from "./messages.js";

const dialog = document.getElementById("session");
const form = dialog?.querySelector("form");
const wrong = document.getElementById("session-error");

let asking; // while the dialog is open: all requests wait for the same answer
let offered; // removes the message that offers to sign in

// Resolves with whether somebody has signed in again. quietly: for a request that nobody has asked for; a dialog would
// take the keyboard from a person who writes, so a message offers to sign in, and the answer is no.
export async function signInAgain({ quietly = false } = {}) {
  if (!quietly) return asking ??= ask().finally(() => { asking = undefined; });
  offered ??= say("Your session has ended", { stays: true, action: { label: "Sign in", run: () => { offered = undefined; signInAgain(); } } });
  return false;
}

// Escape and “Not now” mean no.
function ask() {
  wrong.hidden = true;
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "signed-in"), { once: true });
  });
}

async function signIn() {
  const reason = await refusal();
  form.elements.key.value = "";
  if (reason) {
    Object.assign(wrong, { textContent: reason, hidden: false });
    form.elements.key.focus();
    return;
  }
  offered?.();
  offered = undefined;
  dialog.close("signed-in");
  document.dispatchEvent(new CustomEvent("signedin"));
}

// Sends the key. Resolves with why it was refused, or with an empty text.
async function refusal() {
  try {
    const answer = await fetch(form.action, {
      method: "POST", body: new URLSearchParams(new FormData(form)), redirect: "manual", headers: { Accept: "application/json" },
    });
    if (answer.type === "opaqueredirect") return "";
    const text = await answer.text();
    if ((answer.headers.get("Content-Type") ?? "").includes("json")) return JSON.parse(text).detail;
    return new DOMParser().parseFromString(text, "text/html").getElementById("key-error").textContent.trim();
  } catch {
    return "No connection to the service. Is it running, and is your network working?";
  }
}

form?.addEventListener("submit", async (event) => {
  event.preventDefault();
  const button = form.querySelector(".primary");
  if (button.getAttribute("aria-busy") === "true") return;
  button.setAttribute("aria-busy", "true");
  await signIn().finally(() => button.removeAttribute("aria-busy"));
});
form?.querySelector("[type=button]").addEventListener("click", () => dialog.close());
