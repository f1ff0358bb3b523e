// Browsers send no cookie with a link from another site. Leads on if there is a session all the same.
import { get } from "./api.js";

const form = document.querySelector("form[data-next]");
if (form && !document.getElementById("key-error")) {
  get("/session").then((answer) => { if (answer.signed_in) location.replace(form.dataset.next); }, () => {});
}
