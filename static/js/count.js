// Show the remaining characters near the limit. The text is not truncated; the server enforces the limit.
export default function count(element) {
  const control = element.querySelector("[data-maxlength]");
  if (!control) return;

  const limit = Number(control.dataset.maxlength);
  const answer = document.createElement("p");
  answer.className = "field__count";
  answer.setAttribute("role", "status");
  element.append(answer);
  control.addEventListener("input", update);
  update();

  function update() {
    const left = limit - [...control.value].length;
    if (left < 0) answer.textContent = `${-left} too many`;
    else answer.textContent = left <= limit / 5 ? `${left} left` : "";
    answer.hidden = answer.textContent === "";
  }
}
