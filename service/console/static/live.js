// Keeps parts of a page up to date: each element with an id and `data-live` is replaced by what the page has there now.
// <body>'s or any element's `data-every` says how often, in seconds; without one, nothing is asked for.
import { get } from "./api.js";
import { showTimes } from "./times.js";

let waiting;

export function keepLive() {
  const asked = document.querySelector("[data-every]");
  if (!asked) return;
  const every = Number(asked.dataset.every) * 1000;
  const again = () => { clearTimeout(waiting); waiting = setTimeout(look, every); };
  const look = async () => {
    if (!document.hidden) {
      try { await refresh(); } catch { /* It is away for a moment; the next look tells. */ }
    }
    again();
  };
  document.addEventListener("visibilitychange", () => { if (!document.hidden) { clearTimeout(waiting); look(); } });
  again();
}

// Asks for the page again and puts its live parts in place; what has the focus stays as it is.
export async function refresh() {
  const text = await get(location.href);
  const fresh = new DOMParser().parseFromString(text, "text/html");
  for (const element of document.querySelectorAll("[data-live][id]")) {
    const now = fresh.getElementById(element.id);
    if (!now || element.contains(document.activeElement) || element.querySelector("[aria-busy=true]")) continue;
    if (now.outerHTML === element.dataset.was) continue;
    const was = now.outerHTML;
    showTimes(now);
    now.dataset.was = was;
    element.replaceWith(now);
    now.dispatchEvent(new CustomEvent("renewed", { bubbles: true }));
  }
}
