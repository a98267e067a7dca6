// Send a form without leaving the page, and show the changed part of the page. Without the script, or if the
// request is refused, the browser sends the form itself.
import localtime from "./localtime.js";

export default function tap(part) {
  part.addEventListener("submit", async (event) => {
    const form = event.target;
    event.preventDefault();
    const page = await send(form);
    const shown = part.querySelector("[data-shown]");
    const fresh = page?.getElementById(part.id)?.querySelector("[data-shown]");
    if (!fresh) return form.submit();
    shown.replaceWith(fresh);
    localtime(fresh);
    part.querySelector("[role=status]").textContent = page.querySelector(".notice p")?.textContent ?? "";
    (fresh.querySelector("button") ?? part).focus();
  });

  // Return the next page, or null if the form is refused or the server cannot be reached.
  async function send(form) {
    try {
      const body = new URLSearchParams(new FormData(form));
      const response = await fetch(form.action, { method: "POST", body, headers: { Accept: "text/html" } });
      return response.ok ? new DOMParser().parseFromString(await response.text(), "text/html") : null;
    } catch {
      return null;
    }
  }
}
