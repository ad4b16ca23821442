/* Light or dark: as the report's URL says, else as the reader's system, else as the button. */

const systemDark = window.matchMedia("(prefers-color-scheme: dark)");
const themeListeners = [];
let chosenTheme = window.theme === "dark" || window.theme === "light" ? window.theme : null;
let onPaper = false;

function currentTheme() {
  return onPaper ? "light" : chosenTheme || (systemDark.matches ? "dark" : "light");
}

function applyTheme() {
  const theme = currentTheme();
  if (document.documentElement.dataset.theme !== theme) {
    document.documentElement.dataset.theme = theme;
    themeListeners.forEach((listener) => listener(theme));
  }
}

function onTheme(listener) {
  themeListeners.push(listener);
}

function toggleTheme() {
  chosenTheme = currentTheme() === "dark" ? "light" : "dark";
  applyTheme();
}

/* Paper is always light. */
function setOnPaper(on) {
  onPaper = on;
  applyTheme();
}

/* A colour of page.css. */
function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue("--" + name).trim();
}

function themeButton() {
  const button = h("button", {class: "button", type: "button", title: "Switch between light and dark",
    id: "theme", onclick: toggleTheme});
  const name = () => {
    button.textContent = currentTheme() === "dark" ? "Light" : "Dark";
  };
  onTheme(name);
  name();
  return button;
}

systemDark.addEventListener("change", applyTheme);
applyTheme();
