// The palette: one field that finds jobs, contacts, the console's sections, and everything that the page can do.
import { get } from "./api.js";

const SOON_MS = 120;
const MOST = 12;
const OFFERED = "#messages a, #messages button, main .head a.button, main .head button, main .head .menu a, main .head .menu button, .sections a, [data-new], [data-found], .sign-out button, [data-show-keys]";

const words = (element) => (element.dataset.says ?? [...element.childNodes].filter((node) => !node.ariaHidden).map((node) => node.textContent).join("")).replace(/\s+/g, " ").trim();
const element = (tag, properties) => Object.assign(document.createElement(tag), properties);

// What can be done from here: {name, kind, run, far}. A link and a button do what a click on them does. Pages without a place
// in the navigation are far: they are found by their name alone. What this page can do stands first.
function offered() {
  const found = new Map();
  for (const one of document.querySelectorAll(OFFERED)) {
    const kind = one.closest(".sections, [data-found]") ? "Go to" : one.closest("main, #messages") ? "On this page" : "Everywhere";
    found.set(`${kind} ${words(one)}`, { name: words(one), kind, run: () => one.click(), far: one.matches("[data-found]") });
  }
  const place = ({ far, kind }) => (far ? 2 : kind === "On this page" ? 0 : 1);
  return [...found.values()].sort((one, other) => place(one) - place(other));
}

// Whether each word that somebody has typed is in a name.
const matches = (name, text) => text.toLowerCase().split(/\s+/).every((word) => name.toLowerCase().includes(word));

// The lists that can be searched for what somebody has typed.
function searches(text) {
  const lists = [...document.querySelectorAll('.sections a[href="/jobs"], .sections a[href="/contacts"]')];
  return text ? lists.map((link) => ({ name: `${words(link)} with “${text}”`, kind: "Search", href: `${link.pathname}?q=${encodeURIComponent(text)}` })) : [];
}

export function openPalette() {
  const dialog = element("dialog", { className: "palette", ariaLabel: "Search and do" });
  const field = element("input", {
    type: "text", placeholder: "Find a job or contact, or do something", autocomplete: "off", spellcheck: false,
    role: "combobox", ariaLabel: "Search and do", ariaExpanded: "true", ariaAutoComplete: "list",
  });
  const list = element("ul", { id: "palette-list", role: "listbox", ariaLabel: "Found" });
  field.setAttribute("aria-controls", list.id);
  const none = element("p", { className: "quiet small", textContent: "Nothing found", hidden: true });
  none.setAttribute("role", "status");
  dialog.append(field, list, none);
  document.body.append(dialog);

  const here = offered();
  let entries = [];
  let chosen = 0;
  let waiting;
  let asking = new AbortController();

  function show(found) {
    entries = found.slice(0, MOST);
    list.replaceChildren(...entries.map(({ name, kind }, index) => {
      const line = element("li", { id: `palette-${index}`, role: "option" });
      line.append(element("span", { textContent: name }), " ", element("span", { className: "quiet small", textContent: kind }));
      line.addEventListener("click", () => take(index));
      return line;
    }));
    list.hidden = !entries.length;
    none.hidden = entries.length > 0;
    choose(0);
  }

  function choose(index) {
    chosen = Math.max(0, Math.min(entries.length - 1, index));
    for (const [at, line] of [...list.children].entries()) line.setAttribute("aria-selected", String(at === chosen));
    list.children[chosen]?.scrollIntoView({ block: "nearest" });
    field.setAttribute("aria-activedescendant", entries.length ? `palette-${chosen}` : "");
  }

  function take(index) {
    const entry = entries[index];
    if (!entry) return;
    dialog.close();
    if (entry.href) location.assign(entry.href);
    else entry.run();
  }

  // The page's own first, at once; what the service finds follows.
  function look() {
    const text = field.value.trim();
    const own = [...here.filter(({ name, far }) => (text || !far) && matches(name, text)), ...searches(text)];
    show(own);
    clearTimeout(waiting);
    asking.abort();
    if (!text) return;
    asking = new AbortController();
    const { signal } = asking;
    waiting = setTimeout(async () => {
      const { found } = await get(`/find?q=${encodeURIComponent(text)}`, { signal }).catch(() => ({ found: [] }));
      if (!signal.aborted && found.length) show([...own.filter(({ kind }) => kind !== "Search").slice(0, MOST - found.length), ...found, ...searches(text)]);
    }, SOON_MS);
  }

  field.addEventListener("input", look);
  field.addEventListener("keydown", (event) => {
    if (event.key === "ArrowDown") choose(chosen + 1);
    else if (event.key === "ArrowUp") choose(chosen - 1);
    else if (event.key === "Enter") take(chosen);
    else return;
    event.preventDefault();
  });
  dialog.addEventListener("click", ({ target }) => { if (target === dialog) dialog.close(); });
  dialog.addEventListener("close", () => { asking.abort(); dialog.remove(); });
  dialog.showModal();
  look();
}
