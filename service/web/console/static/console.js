// On every page.
import { resume } from "./deletion.js";
import { keepLive } from "./live.js";
import { sayWhatWasLeft } from "./messages.js";
import { showTimes } from "./times.js";

showTimes();
setInterval(() => { if (!document.hidden) showTimes(); }, 10_000);
sayWhatWasLeft();
resume();
keepLive();

if (document.querySelector("[data-retry]")) setTimeout(() => location.reload(), 5000);
