// Keeps clicks on buttons, and the console's keys, that come before the page's modules have loaded, and repeats them then.
// The buttons are busy until then.
(() => {
  const kept = new Set();
  const keys = [];
  const keep = (event) => {
    const button = event.target.closest("button");
    if (!button || button.closest("form[method=post]")) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    button.setAttribute("aria-busy", "true");
    kept.add(button);
  };
  const keepKey = (event) => {
    const { key = "", ctrlKey, metaKey, altKey, target } = event;
    const isCommand = (ctrlKey || metaKey) && key.toLowerCase() === "k";
    const isLetter = key.length === 1 && key !== " " && !ctrlKey && !metaKey && !target.closest?.("input, select, textarea");
    if (altKey || !(isCommand || isLetter)) return;
    if (isCommand) event.preventDefault();
    event.stopImmediatePropagation(); // some modules may have run already
    keys.push({ key, ctrlKey, metaKey });
  };
  document.addEventListener("click", keep, true);
  document.addEventListener("keydown", keepKey, true);
  // This event fires after all modules have run.
  document.addEventListener("DOMContentLoaded", () => {
    document.removeEventListener("click", keep, true);
    document.removeEventListener("keydown", keepKey, true);
    for (const button of kept) {
      button.removeAttribute("aria-busy");
      button.click();
    }
    for (const key of keys) document.activeElement.dispatchEvent(new KeyboardEvent("keydown", { ...key, bubbles: true, cancelable: true }));
  });
})();
