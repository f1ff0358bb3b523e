// List of jobs: filters that act at once, and the actions of each row.
import { listen } from "./actions.js";
import { listenToBatches } from "./batch.js";
import { mark } from "./deletion.js";
import { keepLabelsCounted } from "./labels.js";

const filters = document.getElementById("filters");
filters.addEventListener("change", (event) => { if (event.target.localName === "select") filters.requestSubmit(); });
filters.addEventListener("formdata", ({ formData }) => {
  for (const [name, value] of [...formData]) if (value === "" || (name === "sort" && value === "created")) formData.delete(name);
});
document.addEventListener("renewed", mark);
listen();
keepLabelsCounted();
listenToBatches();
