// Presses of buttons that come before the page's modules are there are kept, shown as being worked on, and done then.
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
  // It comes after all modules have run.
  document.addEventListener("DOMContentLoaded", () => {
    document.removeEventListener("click", keep, true);
    for (const button of pressed) {
      button.removeAttribute("aria-busy");
      button.click();
    }
  });
})();
