// Keys on every page: single letters, which somebody can turn off, and Ctrl+K, which always works.
import { openPalette } from "./palette.js";

const OFF = "keys-off";
const FOCUSABLE = "a[href], button, input, summary";
const SEQUENCE_MS = 1500;

const HELP = [
  ["Ctrl K", "Search for jobs, contacts and pages, and everything that this page can do"],
  ["/", "Search in this list"],
  ["n", "New job; among contacts, new contact"],
  ["g", "Then a letter: go to a section"],
  ["j, k", "Next and previous line of a list; Enter opens it"],
  ["x", "Tick the line"],
  ["m", "More: the menu of the line"],
  ["Ctrl Enter", "Save the form"],
  ["Ctrl Z", "Undo, while a message offers it"],
  ["?", "Show these keys"],
];

let went = 0; // when somebody has pressed g

const isWriting = (element) => element.closest?.("input:not([type=checkbox], [type=radio]), select, textarea, [contenteditable]");
const isOff = () => localStorage.getItem(OFF) === "yes";
const rows = () => [...document.querySelectorAll("main table tbody tr")].filter((row) => row.querySelector("a[href]") && row.checkVisibility());

// Moves the focus to the first link of the next line, or of the one before.
function step(by) {
  const all = rows();
  const here = all.findIndex((row) => row.contains(document.activeElement));
  const next = all[here < 0 ? (by > 0 ? 0 : all.length - 1) : here + by];
  next?.querySelector("a[href]").focus();
}

const inRow = (selector) => document.activeElement?.closest("main tr")?.querySelector(selector);

function search() {
  const field = document.querySelector("main input[type=search]");
  if (!field) return openPalette();
  field.focus();
  field.select();
}

const sections = () => [...document.querySelectorAll(".sections [data-key]")];
const goTo = (letter) => sections().find((link) => link.dataset.key === letter)?.click();
const create = () => (document.querySelector("main .head a[href$='/new']") ?? document.querySelector("[data-new]"))?.click();

const DOES = {
  "/": search,
  "?": showKeys,
  n: create,
  j: () => step(1),
  k: () => step(-1),
  x: () => inRow("input[type=checkbox]")?.click(),
  m: () => { const menu = inRow("details.menu summary"); menu?.click(); menu?.focus(); },
  g: () => { went = Date.now(); },
};

function showKeys() {
  const dialog = document.createElement("dialog");
  dialog.className = "keys";
  dialog.setAttribute("aria-labelledby", "keys-title");
  dialog.append(Object.assign(document.createElement("h2"), { id: "keys-title", textContent: "Keys" }));
  const list = document.createElement("dl");
  list.className = "facts";
  const gone = sections().map((link) => [`g ${link.dataset.key}`, link.textContent]);
  const lines = [...HELP.slice(0, 3), ...gone, ...HELP.slice(4)];
  for (const [keys, does] of lines) {
    const term = document.createElement("dt");
    term.append(Object.assign(document.createElement("kbd"), { textContent: keys }));
    list.append(term, Object.assign(document.createElement("dd"), { textContent: does }));
  }
  const form = Object.assign(document.createElement("form"), { method: "dialog" });
  const label = Object.assign(document.createElement("label"), { className: "check" });
  const box = Object.assign(document.createElement("input"), { type: "checkbox", checked: !isOff() });
  box.addEventListener("change", () => localStorage.setItem(OFF, box.checked ? "no" : "yes"));
  label.append(box, " Single letters do this");
  const close = Object.assign(document.createElement("button"), { textContent: "Close", autofocus: true });
  form.append(label, close);
  dialog.append(list, form);
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}

export function listenToKeys() {
  document.querySelector("[data-show-keys]")?.addEventListener("click", showKeys);
  document.querySelector("[data-show-palette]")?.addEventListener("click", openPalette);
  document.addEventListener("keydown", (event) => {
    const { key = "", target, ctrlKey, metaKey, altKey } = event; // a browser that fills in fields sends no key
    const primary = key === "Enter" && (ctrlKey || metaKey) && target.closest?.("form")?.querySelector("button.primary:not([hidden])");
    if (primary) {
      event.preventDefault();
      return primary.form.requestSubmit(primary);
    }
    if (document.querySelector("dialog[open]")) return;
    if (key.toLowerCase() === "k" && (ctrlKey || metaKey) && !altKey) {
      event.preventDefault();
      return openPalette();
    }
    if (ctrlKey || metaKey || altKey || isOff() || isWriting(target)) return;
    if (went > Date.now() - SEQUENCE_MS) {
      went = 0;
      return goTo(key);
    }
    if (!(key in DOES)) return;
    event.preventDefault();
    DOES[key]();
  });
}
