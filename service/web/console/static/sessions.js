// Ends sessions of the console: one, those that are selected, or all that a button names in data-body.
import { Refused, sendFrom } from "./api.js";
import { confirmed } from "./confirmation.js";
import { refresh } from "./live.js";
import { busy, say } from "./messages.js";

const everywhere = document.getElementById("everywhere");
const agree = document.querySelector("#confirm [value=yes]");

async function endOne(button, row) {
  try {
    await sendFrom(button);
  } catch (error) {
    if (!(error instanceof Refused) || error.status !== 404) throw error; // else it has ended meanwhile
  }
  if ("current" in row.dataset) return location.assign("/sign-in");
  say("Session ended");
  await refreshed();
}

async function endMany(button) {
  const rows = "body" in button.dataset ? [] : selected(button.closest("section"));
  const body = "body" in button.dataset ? JSON.parse(button.dataset.body) : { sessions: rows.map((row) => row.dataset.session) };
  if (body.sessions?.length === 0) throw new Error("Select at least one session");
  agree.textContent = button === everywhere ? button.textContent : "End";
  if (!(await confirmed(button.dataset.question))) return;
  const { ended } = await sendFrom(button, body);
  if (button === everywhere || rows.some((row) => "current" in row.dataset)) return location.assign("/sign-in");
  say(ended === 1 ? "1 session ended" : `${ended.toLocaleString()} sessions ended`);
  await refreshed();
}

async function refreshed() {
  await refresh();
  document.querySelector("#own [data-end]").focus();
}

const selected = (section) => [...section.querySelectorAll("[name=session]:checked")].map((box) => box.closest("[data-session]"));

document.addEventListener("change", ({ target }) => {
  if (target.name !== "all" && target.name !== "session") return;
  const boxes = [...target.closest("table").querySelectorAll("[name=session]")];
  if (target.name === "all") for (const box of boxes) box.checked = target.checked;
  else target.closest("table").querySelector("[name=all]").checked = boxes.every((box) => box.checked);
});
document.addEventListener("click", ({ target }) => {
  const one = target.closest("[data-end]");
  const many = target.closest("[data-many]");
  if (one) busy(one, () => endOne(one, one.closest("[data-session]")));
  if (many) busy(many, () => endMany(many));
});
everywhere.addEventListener("click", () => busy(everywhere, () => endMany(everywhere)));
