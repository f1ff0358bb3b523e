// Refreshes the page every few seconds while it is visible and nothing in it is selected or focused.

const EVERY_MS = 2500;

async function refresh() {
  const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
  if (!answer.ok || answer.redirected) return;
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("main");
  const shown = document.querySelector("main");
  const undisturbed = getSelection().isCollapsed && !shown.contains(document.activeElement);
  if (fresh && undisturbed && fresh.innerHTML !== shown.innerHTML) shown.replaceWith(document.adoptNode(fresh));
}

setInterval(() => {
  if (!document.hidden && document.getElementById("autorefresh").checked) refresh().catch(() => {});
}, EVERY_MS);
