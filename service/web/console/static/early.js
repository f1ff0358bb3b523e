// Keeps clicks on buttons that come before the page's modules have loaded, marks the buttons busy, and repeats the clicks then.
(() => {
  const pressed = new Set();
  const keep = (event) => {
    const button = event.target.closest("button");
    if (!button || button.closest("form[method=post]")) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    button.setAttribute("aria-busy", "true");
    pressed.add(button);
  };
  document.addEventListener("click", keep, true);
  // This event fires after all modules have run.
  document.addEventListener("DOMContentLoaded", () => {
    document.removeEventListener("click", keep, true);
    for (const button of pressed) {
      button.removeAttribute("aria-busy");
      button.click();
    }
  });
})();
