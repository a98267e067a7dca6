// Save each vote when it changes, and show the new tallies. Without the script, the whole form is sent at once.
export default function ballot(form) {
  const save = form.querySelector("[data-ballot-save]");
  const status = form.querySelector("[data-ballot-status]");
  if (!save) return;
  save.hidden = true;
  // Send one request at a time, so that the last tap counts.
  let last = Promise.resolve();

  form.addEventListener("change", (event) => {
    const row = event.target.closest("li");
    const isTicked = event.target.checked;
    last = last.then(() => send(row)).catch(() => {
      event.target.checked = !isTicked;
      status.textContent = "Your vote could not be saved. Reload the page and try again.";
    });
  });

  async function send(row) {
    const body = new URLSearchParams({ csrfmiddlewaretoken: form.elements.csrfmiddlewaretoken.value });
    for (const field of row.querySelectorAll("[name=votes]")) {
      if (field.type === "hidden" || field.checked) body.append("votes", field.value);
    }
    // The response redirects to the page, which has the new tallies.
    const response = await fetch(form.action, { method: "POST", body, headers: { Accept: "text/html" } });
    if (!response.ok) throw new Error(response.statusText);
    const page = new DOMParser().parseFromString(await response.text(), "text/html");
    for (const part of document.querySelectorAll("[data-tally]")) show(part, page.getElementById(part.id));
    status.textContent = "Saved.";
  }
}

// Move the bars of a part and replace its text. If the structure of the part has changed, replace all of it.
function show(part, fresh) {
  if (!fresh) return;
  part.hidden = fresh.hidden;
  const bars = part.querySelectorAll("rect");
  const moved = fresh.querySelectorAll("rect");
  const text = part.querySelector(".bar__numbers");
  if (!text || bars.length !== moved.length) {
    part.replaceChildren(...fresh.childNodes);
    return;
  }
  bars.forEach((bar, index) => {
    for (const name of ["x", "width"]) bar.setAttribute(name, moved[index].getAttribute(name) ?? "0");
  });
  text.textContent = fresh.querySelector(".bar__numbers").textContent;
  part.querySelector("svg").setAttribute("aria-label", fresh.querySelector("svg").getAttribute("aria-label"));
}
