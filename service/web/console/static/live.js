// Keeps parts of a page up to date: each element with an id and `data-live` is replaced by what the page has there now.
// `data-every` on any element says how often, in seconds; without one, nothing is asked for.
import { get } from "./api.js";
import { say } from "./messages.js";
import { showTimes } from "./times.js";

const FOCUSABLE = "a[href], button, summary, input, select, textarea, [tabindex]";
let waiting;
let stale;

export function keepLive() {
  const asked = document.querySelector("[data-every]");
  if (!asked) return;
  const every = Number(asked.dataset.every) * 1000;
  const again = () => { clearTimeout(waiting); waiting = setTimeout(look, every); };
  const look = async () => {
    if (!document.hidden) {
      try {
        await refresh({ gently: true });
        stale?.();
        stale = undefined;
      } catch (error) {
        stale ??= say(`What is shown is not up to date: ${error.message}`, { stays: true });
      }
    }
    again();
  };
  document.addEventListener("visibilitychange", () => { if (!document.hidden) { clearTimeout(waiting); look(); } });
  again();
}

// Asks for the page again and puts its live parts in place. `gently` leaves alone what somebody is in the middle of.
export async function refresh({ gently = false } = {}) {
  const text = await get(location.href, { headers: { Accept: "text/html" } });
  const fresh = new DOMParser().parseFromString(text, "text/html");
  for (const element of document.querySelectorAll("[data-live][id]")) {
    const now = fresh.getElementById(element.id);
    if (now && !(gently && isInUse(element)) && now.outerHTML !== element.dataset.was) replace(element, now);
  }
}

function isInUse(element) {
  const active = element.contains(document.activeElement) && document.activeElement.matches("input, select, textarea");
  // Between pressing and letting go of a button it must not be replaced: that would be no click on it.
  return active || element.matches(":active") || element.querySelector("[aria-busy=true], details.menu[open]") || element.contains(getSelection().anchorNode) && !getSelection().isCollapsed;
}

function replace(element, now) {
  const place = focusIn(element);
  const scrolled = [...element.querySelectorAll(".scroll")].map((one) => one.scrollLeft);
  const open = [...element.querySelectorAll("details[open][id]")].map((one) => one.id);
  now.dataset.was = now.outerHTML;
  showTimes(now);
  element.replaceWith(now);
  for (const [index, one] of now.querySelectorAll(".scroll").entries()) one.scrollLeft = scrolled[index] ?? 0;
  for (const id of open) document.getElementById(id)?.setAttribute("open", "");
  if (place) focusables(document.getElementById(place.id) ?? now)[place.index]?.focus({ preventScroll: true });
  now.dispatchEvent(new CustomEvent("renewed", { bubbles: true }));
}

const focusables = (element) => [...element.querySelectorAll(FOCUSABLE)];

// Where the focus is: so many places after the nearest element with an id.
function focusIn(element) {
  const active = document.activeElement;
  if (!element.contains(active) || active === element) return null;
  const named = active.parentElement.closest("[id]");
  return { id: named.id, index: focusables(named).indexOf(active) };
}
