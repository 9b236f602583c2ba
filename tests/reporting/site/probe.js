// Runs inside a copy of the page, uses it as a reader would, and tells the page around it what it found.
(async function () {
  const found = { errors: [] };
  window.addEventListener("error", (event) => found.errors.push(event.message));
  const texts = (elements) => [...elements].map((one) => one.textContent.trim());
  const table = () => document.querySelector("#se_densenet-table2 table.results");
  const order = () => texts([...table().tBodies[0].rows].map((row) => row.cells[0]));
  const visible = (selector) => [...table().querySelectorAll(selector)].some((one) => one.offsetWidth > 0);

  found.width = window.innerWidth;
  found.clientWidth = document.documentElement.clientWidth;
  found.scrollWidth = document.documentElement.scrollWidth;
  found.bodyScrollWidth = document.body.scrollWidth;
  found.cut = [...document.querySelectorAll("#overview .scroll, [id$=-claims] .scroll")]
    .filter((one) => one.scrollWidth > one.clientWidth)
    .map((one) => one.closest("section").id);
  found.unresolved = [...document.querySelectorAll("a[href]")]
    .map((one) => one.getAttribute("href"))
    .filter((href) => !href.startsWith("#") || !document.getElementById(href.slice(1)));
  found.hidden = [...document.querySelectorAll("[hidden]")].length;

  // Sorting: ours in mAP down, up, and back; the paper's; the labels.
  found.orders = {};
  for (const [name, selector] of [
    ["ours", "th.ours"],
    ["paper", "th.paper"],
    ["label", "th.method"],
  ]) {
    const head = table().querySelector(selector);
    found.orders[name] = [];
    for (let click = 0; click < 3; click++) {
      head.querySelector("button").click();
      found.orders[name].push([head.getAttribute("aria-sort"), order()]);
    }
  }

  const first = document.querySelector("#se_densenet-table1 table.results");
  const backbone = first.tHead.rows[0].cells[2].querySelector("button");
  found.backbones = [];
  for (let click = 0; click < 3; click++) {
    backbone.click();
    found.backbones.push(texts([...first.tBodies[0].rows].map((row) => row.cells[2])));
  }

  // Columns: one table's, then those of all; the last is not given away.
  const tools = document.querySelectorAll("#se_densenet-table2 .tools button");
  const group = table().querySelector("th.group");
  const state = () => [
    [...tools].map((one) => one.getAttribute("aria-pressed")),
    [".paper", ".ours", ".difference"].map((side) => visible("td" + side)),
    group.colSpan,
  ];
  found.sides = [state()];
  for (const place of [0, 2, 1]) {
    tools[place].click();
    found.sides.push(state());
  }
  document.querySelector("#reading .tools [data-side=difference]").click();
  found.sides.push(state());
  document.querySelector("#reading .tools [data-side=difference]").click();
  found.sides.push(state());

  // Dialogs.
  const button = document.querySelector("#se_densenet-table1 tbody button.runs");
  const details = document.getElementById("details");
  button.focus();
  button.click();
  found.dialog = {
    open: details.open,
    title: details.querySelector("h2").textContent,
    runs: texts(details.querySelectorAll(".run > summary code")),
    images: details.querySelectorAll("img").length,
    text: details.textContent,
    curve: details.querySelectorAll("svg.curve circle").length,
    inside: details.contains(document.activeElement),
    wide: details.scrollWidth <= details.clientWidth,
  };
  details.querySelector(".close").click();
  found.closed = [details.open, document.activeElement === button];
  table().querySelector("td[data-runs]").click();
  found.clicked = [details.open, texts(details.querySelectorAll(".run > summary code"))];
  details.close();
  document.querySelector("button.zoom").click();
  found.enlarged = document.querySelectorAll("#enlarged[open] img").length;
  document.getElementById("enlarged").close();

  // Themes: the ground is another in the dark.
  const theme = document.getElementById("theme");
  found.themes = {};
  for (let click = 0; click < 3; click++) {
    theme.click();
    found.themes[theme.textContent] = getComputedStyle(document.body).backgroundColor;
  }
  parent.postMessage(JSON.stringify(found), "*");
})();
