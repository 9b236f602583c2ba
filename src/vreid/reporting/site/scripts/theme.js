// The theme follows the system until the button says otherwise; the choice is kept where storage is allowed.
(function () {
  "use strict";
  const words = { auto: "system", light: "light", dark: "dark" };
  const order = Object.keys(words);
  const button = document.getElementById("theme");

  function remembered() {
    try {
      return localStorage.getItem("vreid-theme");
    } catch {
      return null;
    }
  }

  function apply(theme) {
    if (theme === "auto") {
      delete document.documentElement.dataset.theme;
    } else {
      document.documentElement.dataset.theme = theme;
    }
    button.textContent = "Theme: " + words[theme];
    button.dataset.theme = theme;
  }

  button.addEventListener("click", function () {
    const next = order[(order.indexOf(button.dataset.theme) + 1) % order.length];
    apply(next);
    try {
      localStorage.setItem("vreid-theme", next);
    } catch {
      // nothing is remembered then
    }
  });

  const found = remembered();
  apply(order.includes(found) ? found : "auto");
  for (const element of document.querySelectorAll(
    "#theme, .tools, button.runs, button.zoom, .live"
  )) {
    element.hidden = false;
  }
  if (window.matchMedia("(max-width: 64rem)").matches) {
    document.querySelector(".contents details").open = false;
  }
})();
