// On every page.
import { keepLive } from "./live.js";
import { sayWhatWasLeft } from "./messages.js";
import { showTimes } from "./times.js";

showTimes();
setInterval(() => { if (!document.hidden) showTimes(); }, 10_000);
sayWhatWasLeft();
keepLive();

const retry = document.querySelector("[data-retry]");
if (retry) setTimeout(() => location.reload(), 5000);
