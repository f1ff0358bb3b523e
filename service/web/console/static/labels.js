// Labels in a line of a list: as many as fit are shown, each of them whole. "+2" says how many are not, and the title of the
// line's labels names all of them. The keyboard reaches those that are not shown; they are in sight while they have the focus.
function countLabels() {
  const lists = [...document.querySelectorAll(".title .chips")];
  const beyond = lists.map((labels) => [...labels.children].filter((one) => one.offsetTop >= labels.clientHeight).length);
  for (const [index, labels] of lists.entries()) {
    if (beyond[index]) labels.dataset.more = `+${beyond[index]}`;
    else delete labels.dataset.more;
    labels.title = [...labels.children].map((one) => one.textContent.trim()).join(", ");
  }
}

export function keepLabelsCounted() {
  countLabels();
  addEventListener("resize", countLabels);
  document.addEventListener("renewed", countLabels);
  document.addEventListener("focusout", ({ target }) => { target.closest(".title .chips")?.scrollTo(0, 0); });
}
