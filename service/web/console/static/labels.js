// Labels in a line of a list: as many as fit are shown, each of them whole. "+2" says how many are not, and the title of the
// line's labels names all of them.
export function countLabels() {
  for (const labels of document.querySelectorAll(".title .chips")) {
    const beyond = [...labels.children].filter((one) => one.offsetTop >= labels.clientHeight);
    if (beyond.length) labels.dataset.more = `+${beyond.length}`;
    else delete labels.dataset.more;
    labels.title = [...labels.children].map((one) => one.textContent.trim()).join(", ");
  }
}

export function keepLabelsCounted() {
  countLabels();
  addEventListener("resize", countLabels);
  document.addEventListener("renewed", countLabels);
}
