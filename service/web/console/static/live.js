// Keeps parts of a page up to date: replaces each element with an id and data-live by its current version. The service sends
// only those that have changed. data-seldom: as often, in seconds, an element is renewed at the most unless somebody acts.
// data-every on any element is the interval in seconds; without one, nothing is requested, until a part that is renewed
// has one.
import { getChanged } from "./api.js";
import { say } from "./messages.js";
import { showTimes } from "./times.js";

const FOCUSABLE = "a[href], button, summary, input, select, textarea, [tabindex]";
let waiting;
let stale;
const shown = new Map(); // id of a live part -> the digest of the version that it shows
const renewed = new Map(); // id of a live part -> when it was renewed, ms since the page was opened
let asked = 0; // requests so far
let answered = 0; // the newest answered one about all parts: an answer to an older one is out of date

export function keepLive() {
  const every = () => 1000 * (document.querySelector("[data-every]")?.dataset.every ?? 0);
  const again = () => { clearTimeout(waiting); if (every()) waiting = setTimeout(look, every()); };
  const soon = () => { clearTimeout(waiting); if (every()) look(); };
  const look = async () => {
    if (!document.hidden) {
      try {
        await refresh({ gently: true });
        stale?.();
        stale = undefined;
      } catch (error) {
        if (error.status !== 401) stale ??= say(`This page is not up to date: ${error.message}`, { stays: true });
      }
    }
    again();
  };
  document.addEventListener("visibilitychange", () => { if (!document.hidden) soon(); });
  document.addEventListener("signedin", soon);
  document.addEventListener("renewed", again);
  again();
}

// Requests the live parts that have changed and replaces them; gently: but not those that somebody is using, and not too
// often those that are renewed seldom; quietly: without asking for the key if the session has ended.
export async function refresh({ gently = false, quietly = gently } = {}) {
  const turn = ++asked;
  const answer = await getChanged(location.href, known(gently), { quietly });
  if (turn < answered) return;
  if (!gently) answered = turn;
  if (!answer) return;
  const fresh = new DOMParser().parseFromString(answer.text, "text/html");
  for (const element of document.querySelectorAll("[data-live][id]")) {
    const now = fresh.getElementById(element.id);
    if (!now || (gently && isInUse(element))) continue; // a part in use is left for the next time
    shown.set(element.id, answer.digests.get(element.id));
    renewed.set(element.id, performance.now());
    if (now.outerHTML !== element.dataset.was) replace(element, now);
  }
}

// Names the parts that need not be sent: those that are shown as they are, and those whose time has not come.
function known(gently) {
  const parts = [];
  for (const { id, dataset } of document.querySelectorAll("[data-live][id]")) {
    const isEarly = performance.now() - (renewed.get(id) ?? 0) < 1000 * (dataset.seldom ?? 0);
    if (gently && isEarly) parts.push(`${id}=*`);
    else if (shown.has(id)) parts.push(`${id}=${shown.get(id)}`);
  }
  return parts.join(" ");
}

function isInUse(element) {
  const active = element.contains(document.activeElement) && document.activeElement.matches("input, select, textarea");
  // A button that is replaced between press and release gets no click.
  return active || element.matches(":active") || element.querySelector("[aria-busy=true], [data-by], details.menu[open]") || element.contains(getSelection().anchorNode) && !getSelection().isCollapsed;
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

// Locates the focus: its index among the focusable elements in the nearest element with an id.
function focusIn(element) {
  const active = document.activeElement;
  if (!element.contains(active) || active === element) return null;
  const named = active.parentElement.closest("[id]");
  return { id: named.id, index: focusables(named).indexOf(active) };
}
