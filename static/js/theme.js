// Theme switch: as the system says, light, dark. Kept in localStorage, and in a cookie so that the server draws it from the start.
const NEXT = { "": "light", light: "dark", dark: "" }
const NAMES = { "": "as the system", light: "light", dark: "dark" }

export default function theme(button) {
  const root = document.documentElement
  const label = button.querySelector("[data-label]") ?? button
  set(remembered() ?? root.dataset.theme ?? "")
  button.hidden = false
  button.addEventListener("click", () => set(NEXT[root.dataset.theme ?? ""]))

  function set(name) {
    const theme = name in NAMES ? name : ""
    root.dataset.theme = theme
    label.textContent = `Theme: ${NAMES[theme]}`
    remember(theme)
  }
}

function remembered() {
  try {
    return localStorage.getItem("theme")
  } catch {
    return null
  }
}

function remember(theme) {
  const secure = location.protocol === "https:" ? "; secure" : ""
  const age = theme ? 31536000 : 0
  document.cookie = `theme=${theme}; path=/; max-age=${age}; samesite=lax${secure}`
  try {
    localStorage.setItem("theme", theme)
  } catch {
    // Storage may be refused; the cookie is enough.
  }
}
