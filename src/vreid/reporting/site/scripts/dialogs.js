// The two dialogs: the runs behind a number, and a figure in the width of the window.
(function () {
  "use strict";
  const runs = JSON.parse(document.getElementById("data").textContent).runs;
  const details = document.getElementById("details");
  const enlarged = document.getElementById("enlarged");

  function made(name, text, className) {
    const element = document.createElement(name);
    if (text !== undefined) {
      element.textContent = text;
    }
    if (className) {
      element.className = className;
    }
    return element;
  }

  function open(dialog, title, content) {
    const head = dialog.querySelector("h2");
    head.textContent = title;
    dialog.querySelector(".body").replaceChildren(...content);
    dialog.showModal();
    head.focus();
    dialog.scrollTop = 0;
  }

  // Runs

  function facts(group) {
    const [title, entries] = group;
    const part = made("section");
    const list = made("dl", undefined, "facts");
    for (const [name, text] of entries) {
      const pair = made("div");
      pair.append(made("dt", name), made("dd", text));
      list.append(pair);
    }
    part.append(made("h3", title), list);
    return part;
  }

  function configuration(run) {
    const part = made("details");
    const table = made("table", undefined, "lines");
    const body = made("tbody");
    for (const [name, value] of run.config) {
      const row = made("tr");
      const head = made("th", name);
      head.scope = "row";
      row.append(head, made("td", value));
      body.append(row);
    }
    table.append(made("caption", "Configuration of " + run.name, "vh"), body);
    const scroll = made("div", undefined, "scroll");
    scroll.tabIndex = 0;
    scroll.setAttribute("role", "region");
    scroll.setAttribute("aria-label", "Configuration of " + run.name);
    scroll.append(table);
    part.append(made("summary", "Configuration (" + run.config.length + " settings)"), scroll);
    return part;
  }

  function shown(name, first) {
    const run = runs[name];
    const part = made("details", undefined, "run");
    part.open = first;
    const summary = made("summary");
    summary.append(made("strong", run.experiment + " on " + run.dataset + ", seed " + run.seed), " ");
    summary.append(made("code", run.name));
    part.append(summary, made("p", run.status, "status"));
    const columns = made("div", undefined, "columns");
    if (run.loss.length) {
      const part = made("section");
      part.append(made("h3", "Loss"), vreidCurve(run.loss));
      columns.append(part);
    }
    columns.append(...run.facts.map(facts));
    part.append(columns);
    if (run.config.length) {
      part.append(configuration(run));
    }
    return part;
  }

  function showRuns(names, title) {
    open(details, title, names.map((name, place) => shown(name, place === 0)));
  }

  for (const button of document.querySelectorAll("button.runs")) {
    button.addEventListener("click", function () {
      showRuns(button.dataset.runs.split(" "), button.dataset.of);
    });
  }
  for (const cell of document.querySelectorAll("td[data-runs]")) {
    // The keyboard has the button beside the row's name, which shows these runs and those of other columns.
    cell.addEventListener("click", function (event) {
      if (!event.target.closest("a")) {
        const row = cell.parentElement.querySelector("button.runs");
        showRuns(cell.dataset.runs.split(" "), row.dataset.of);
      }
    });
  }

  // Figures

  for (const button of document.querySelectorAll("button.zoom")) {
    button.addEventListener("click", function () {
      const image = document.getElementById(button.dataset.image);
      const copy = image.cloneNode();
      copy.removeAttribute("id");
      open(enlarged, image.alt, [copy]);
    });
  }

  for (const dialog of [details, enlarged]) {
    dialog.querySelector(".close").addEventListener("click", () => dialog.close());
    dialog.addEventListener("click", function (event) {
      if (event.target === dialog) {
        dialog.close(); // beside it
      }
    });
    dialog.addEventListener("close", () => dialog.querySelector(".body").replaceChildren());
  }
})();
