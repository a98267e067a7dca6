// Warns before a page with a changed form is left. A form that was refused counts as changed: its text is saved nowhere.
export default function unsaved(form) {
  let isSent = false;
  form.addEventListener("submit", () => (isSent = true));
  // Back from the answer, out of the browser's memory.
  addEventListener("pageshow", () => (isSent = false));
  addEventListener("beforeunload", (event) => {
    if (!isSent && ("refused" in form.dataset || [...form.elements].some(isChanged))) event.preventDefault();
  });
}

function isChanged(control) {
  if (control.type === "checkbox" || control.type === "radio") return control.checked !== control.defaultChecked;
  if (control.tagName === "SELECT") return control.selectedIndex !== Math.max(0, [...control.options].findLastIndex((option) => option.defaultSelected));
  return "defaultValue" in control && control.type !== "hidden" && control.value !== control.defaultValue;
}
