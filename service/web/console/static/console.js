// Runs on every page.
import { resume } from "./deletion.js";
import { forgetDrafts } from "./drafts.js";
import { listenToKeys } from "./keys.js";
import { keepLive } from "./live.js";
import { saySaved } from "./messages.js";
import { copyWholeTimes, showTimes } from "./times.js";

showTimes();
copyWholeTimes();
setInterval(() => { if (!document.hidden) showTimes(); }, 10_000);
saySaved();
resume();
keepLive();
if (document.querySelector(".sections")) listenToKeys();
document.querySelector(".sign-out")?.addEventListener("submit", forgetDrafts);

// On a phone, a list's filters other than its search are folded away.
const more = document.querySelector("[data-more]");
more?.addEventListener("click", () => more.setAttribute("aria-expanded", more.form.classList.toggle("open")));

// On a phone, the sections scroll: begin with the present one in sight.
const here = document.querySelector(".sections [aria-current]");
if (here) here.parentElement.scrollLeft = here.offsetLeft - (here.parentElement.clientWidth - here.offsetWidth) / 2;

if (document.querySelector("[data-retry]")) setTimeout(() => location.reload(), 5000);
