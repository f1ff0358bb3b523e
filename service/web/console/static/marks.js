// Says what a mark of the timeline stands for: its title, with links (data-links: [[words, address], …]).
const dialog = document.getElementById("mark");

export function openMark(mark) {
  document.getElementById("mark-told").textContent = mark.querySelector("title").textContent;
  document.getElementById("mark-links").replaceChildren(...JSON.parse(mark.dataset.links).map(([textContent, href]) => {
    const item = document.createElement("li");
    item.append(Object.assign(document.createElement("a"), { textContent, href }));
    return item;
  }));
  dialog.showModal();
}

// Marks that can be moved open where their drag ends (dragging.js).
const fixed = (target) => target.closest?.("[data-links]:not([data-movable])");

document.addEventListener("click", ({ target }) => {
  const mark = fixed(target);
  if (mark) openMark(mark);
});
document.addEventListener("keydown", (event) => {
  const mark = event.key === "Enter" || event.key === " " ? fixed(event.target) : null;
  if (!mark) return;
  event.preventDefault();
  openMark(mark);
});
