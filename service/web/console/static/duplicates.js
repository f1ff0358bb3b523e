// Contacts that may be the same person: somebody chooses the one to keep, and which others to merge into it.
import { sendFrom } from "./api.js";
import { confirmed } from "./confirmation.js";
import { refresh } from "./live.js";
import { busy, say } from "./messages.js";

document.addEventListener("click", ({ target }) => {
  const button = target.closest("[data-keep]");
  if (button) busy(button, () => keep(button));
});

async function keep(button) {
  const stays = button.closest("[data-person]");
  const others = [...stays.parentElement.querySelectorAll("[data-person]")]
    .filter((other) => other !== stays && other.querySelector("input").checked);
  if (!others.length) {
    say("Check “Same person” for at least one other contact", { bad: true });
    return;
  }
  const names = others.map(({ dataset }) => `“${dataset.name}”`).join(", ");
  if (!(await confirmed(`Merge ${names} into “${stays.dataset.name}”${born(stays)}?`))) return;
  const { contact, left_out: lost } = await sendFrom(button, {
    from: others.map(({ dataset }) => dataset.person),
  });
  const losses = lost.length ? ` Not kept: ${lost.slice(0, 5).map(({ field, value }) => `${field} ${value}`).join(", ")}${lost.length > 5 ? " and more" : ""}` : "";
  say(`Merged into “${contact.name}”.${losses}`);
  await refresh();
  document.querySelector("#duplicates a, #duplicates button")?.focus();
}

function born(person) {
  return ` (${person.querySelector("dd").textContent.trim()})`.replace(" (–)", "");
}
