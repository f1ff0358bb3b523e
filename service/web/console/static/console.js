// Runs on every page.
import { resume } from "./deletion.js";
import { keepLive } from "./live.js";
import { saySaved } from "./messages.js";
import { showTimes } from "./times.js";

showTimes();
setInterval(() => { if (!document.hidden) showTimes(); }, 10_000);
saySaved();
resume();
keepLive();

if (document.querySelector("[data-retry]")) setTimeout(() => location.reload(), 5000);
