// Copy the text of the <code> in the element. With data-secret, warn once when the page is left before the secret was copied.
export default function copy(element) {
  const button = element.querySelector("[data-copy]");
  const source = element.querySelector("code");
  if (!button || !source) return;

  const label = button.textContent;
  const answer = document.createElement("span");
  answer.className = "visually-hidden";
  answer.setAttribute("role", "status");
  button.after(answer);
  let timer;

  button.addEventListener("click", async () => {
    const copied = await write(source);
    say(copied ? "Copied" : "Select and copy it manually");
    if (copied) noteCopied(source.textContent);
  });
  if ("secret" in element.dataset) guard(element);

  function say(text) {
    button.textContent = text;
    answer.textContent = text;
    clearTimeout(timer);
    timer = setTimeout(() => { button.textContent = label; answer.textContent = ""; }, 3000);
  }
}

async function write(source) {
  try {
    await navigator.clipboard.writeText(source.textContent);
    return true;
  } catch {
    // Plain HTTP has no clipboard API: copy the selection instead.
    getSelection().selectAllChildren(source);
    return document.execCommand("copy");
  }
}

// Copying a line that contains the secret, such as the export line, counts too.
function noteCopied(text) {
  const element = document.querySelector("[data-secret]");
  if (element && text.includes(element.querySelector("code").textContent)) element.dataset.copied = "";
}

function guard(element) {
  let asked = false;
  document.addEventListener("copy", () => noteCopied(getSelection().toString()));
  addEventListener("beforeunload", (event) => {
    if (asked || "copied" in element.dataset) return;
    asked = true;
    event.preventDefault();
  });
  for (const way of document.querySelectorAll("[data-stored]")) {
    // Reloading then opens the token's page instead of submitting the form again.
    history.replaceState(null, "", way.href);
    way.addEventListener("click", () => { element.dataset.copied = ""; });
  }
}
