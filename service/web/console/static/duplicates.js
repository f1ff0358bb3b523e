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
  const [kept, ...merged] = named([stays, ...others]);
  if (!(await confirmed(`Merge ${merged.join(", ")} into ${kept}?`))) return;
  const { contact, left_out: lost } = await sendFrom(button, {
    from: others.map(({ dataset }) => dataset.person),
  });
  const losses = lost.length ? ` Not kept: ${lost.slice(0, 5).map(({ field, value }) => `${field} ${value}`).join(", ")}${lost.length > 5 ? " and more" : ""}` : "";
  say(`Merged into “${contact.name}”.${losses}`);
  await refresh();
  document.querySelector("#duplicates a, #duplicates button")?.focus();
}

// Names contacts by what tells them apart: their birthday and e-mail address, and their id if others share these.
function named(people) {
  const briefly = people.map(({ dataset }) => inWords(dataset.name, dataset.birthday, dataset.email));
  const isShared = (text) => briefly.indexOf(text) !== briefly.lastIndexOf(text);
  return people.map(({ dataset }, index) => (isShared(briefly[index]) ? inWords(dataset.name, dataset.birthday, dataset.email, `id ${dataset.person}`) : briefly[index]));
}

function inWords(name, ...terms) {
  const told = terms.filter(Boolean).join(", ");
  return told ? `“${name}” (${told})` : `“${name}”`;
}
