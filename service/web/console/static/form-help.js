// Help within the form of a job: expressions that are often used, groups that say what in them is not as usual, and a
// warning of a name that another job has.
import { get } from "./api.js";

const SOON_MS = 300;

// A chosen expression goes into the field below it.
export function offerPresets(form) {
  form.addEventListener("change", ({ target }) => {
    if (!target.matches("[data-preset]") || !target.value) return;
    const field = target.closest(".field").querySelector("[data-path]");
    field.value = target.value;
    target.value = "";
    field.dispatchEvent(new Event("input", { bubbles: true }));
    field.focus();
  });
}

const shown = (input) => (input.localName === "select" ? input.selectedOptions[0]?.textContent.trim() : input.value.trim());
const differs = (input) => (input.type === "checkbox" ? input.checked : input.value.trim() !== (input.dataset.standard ?? "").trim());
const labelOf = (input) => input.labels[0].textContent.trim();

// Shows an empty row for one more language, as long as there is one.
export function offerRows(form) {
  for (const group of form.querySelectorAll("[data-kind=texts]")) {
    const rows = [...group.querySelectorAll("[data-row]")];
    const last = rows.findLastIndex((row) => [...row.querySelectorAll("input, textarea")].some((one) => one.value));
    for (const [index, row] of rows.entries()) row.hidden = index > last + 1;
  }
}

// Says behind the title of each folded group which of its fields are not as usual.
export function sayDifferences(form) {
  for (const group of form.querySelectorAll("[data-group]")) {
    const place = group.querySelector("[data-differs]");
    place.dataset.usual ??= place.textContent;
    const told = [...group.querySelectorAll("[data-path]:not(fieldset), [data-part=tag]")].filter(differs).map((input) => {
      const value = shown(input).split("\n")[0];
      return `${labelOf(input)}: ${value.length > 40 ? `${value.slice(0, 39)}…` : value}`;
    });
    place.textContent = told.join(" · ") || place.dataset.usual;
  }
}

// Warns of a name that another job has: it is allowed, but people then cannot tell the two apart.
export function warnOfTakenName(form) {
  const field = document.getElementById("name");
  const place = document.getElementById("name-taken");
  const own = form.dataset.request.split("/").pop();
  let waiting;
  let asking = new AbortController();
  field.addEventListener("input", () => {
    clearTimeout(waiting);
    asking.abort();
    place.hidden = true;
    waiting = setTimeout(async () => {
      if (!field.value.trim()) return;
      asking = new AbortController();
      const { signal } = asking;
      const { found } = await get(`/find?name=${encodeURIComponent(field.value)}`, { signal, quietly: true }).catch(() => ({ found: [] }));
      const other = found.find(({ href }) => !href.endsWith(own));
      if (signal.aborted || !other) return;
      place.replaceChildren("Another job has this name: ", Object.assign(document.createElement("a"), { href: other.href, textContent: "see it", target: "_blank" }));
      place.hidden = false;
    }, SOON_MS);
  });
}
