// Switch the theme: automatic, light, dark. It is kept in localStorage, and in a cookie for the server to render.
const NEXT = { "": "light", light: "dark", dark: "" };
const NAMES = { "": "automatic", light: "light", dark: "dark" };

export default function theme(button) {
  const root = document.documentElement;
  const label = button.querySelector("[data-label]") ?? button;
  const drawn = root.dataset.theme ?? "";
  show(remembered() ?? drawn);
  if (root.dataset.theme !== drawn) remember(root.dataset.theme);
  button.removeAttribute("data-needs-script");
  button.addEventListener("click", () => {
    show(NEXT[root.dataset.theme]);
    remember(root.dataset.theme);
  });

  function show(name) {
    root.dataset.theme = name in NAMES ? name : "";
    label.textContent = `Theme: ${NAMES[root.dataset.theme]}`;
  }
}

function remembered() {
  try {
    return localStorage.getItem("theme");
  } catch {
    return null;
  }
}

function remember(theme) {
  const age = theme ? 31536000 : 0;
  const secure = location.protocol === "https:" ? "; secure" : "";
  document.cookie = `theme=${theme}; path=/; max-age=${age}; samesite=lax${secure}`;
  try {
    localStorage.setItem("theme", theme);
  } catch {
    // Storage may be disabled; the cookie is enough.
  }
}
