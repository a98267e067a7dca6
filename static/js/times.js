// Switch between relative and exact times. The choice is kept in a cookie for the server to render.
import localtime from "./localtime.js";
import { ZONE } from "./moment.js";

const YEAR = 31536000;

export default function times(button) {
  const root = document.documentElement;
  const label = button.querySelector("[data-label]");
  show();
  button.removeAttribute("data-needs-script");
  button.addEventListener("click", () => {
    root.dataset.times = root.dataset.times === "exact" ? "" : "exact";
    const secure = location.protocol === "https:" ? "; secure" : "";
    const age = root.dataset.times ? YEAR : 0;
    document.cookie = `times=${root.dataset.times}; path=/; max-age=${age}; samesite=lax${secure}`;
    localtime(document.body);
    show();
  });

  function show() {
    label.textContent = root.dataset.times === "exact" ? `Times: exact, ${ZONE}` : "Times: relative";
  }
}
