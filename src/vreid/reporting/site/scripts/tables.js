// Tables: which of paper, ours and difference are shown, and the order of the rows.
(function () {
  "use strict";

  // Columns

  const groups = [...document.querySelectorAll(".tools")];
  const all = groups.find((group) => group.dataset.scope === "all");

  function buttons(group) {
    return [...group.querySelectorAll("button")];
  }

  function pressed(button) {
    return button.getAttribute("aria-pressed") === "true";
  }

  function show(group) {
    const table = group.parentElement.querySelector("table.results");
    for (const button of buttons(group)) {
      table.classList.toggle("no-" + button.dataset.side, !pressed(button));
    }
    const shown = buttons(group).filter(pressed).length;
    for (const head of table.querySelectorAll("th.group:not(.alone)")) {
      head.colSpan = shown;
    }
  }

  function toggle(group, button) {
    const on = pressed(button);
    if (on && buttons(group).filter(pressed).length === 1) {
      return; // one of the three is always shown
    }
    button.setAttribute("aria-pressed", String(!on));
    if (group !== all) {
      show(group);
      return;
    }
    for (const other of groups) {
      buttons(other).forEach((one, place) => {
        one.setAttribute("aria-pressed", buttons(all)[place].getAttribute("aria-pressed"));
      });
      if (other !== all) {
        show(other);
      }
    }
  }

  for (const group of groups) {
    for (const button of buttons(group)) {
      button.addEventListener("click", () => toggle(group, button));
    }
  }

  // Rows

  function key(row, place) {
    const cell = row.cells[place];
    if (cell.dataset.sort !== undefined) {
      return cell.dataset.sort === "" ? null : Number(cell.dataset.sort);
    }
    const text = cell.textContent.trim();
    return text !== "" && isFinite(text) ? Number(text) : text.toLowerCase();
  }

  function compare(a, b, sign) {
    if (a === null || b === null) {
      return (a === null) - (b === null); // what is missing stands last in both directions
    }
    if (typeof a === "string" || typeof b === "string") {
      return sign * String(a).localeCompare(String(b));
    }
    return sign * (a - b);
  }

  // The place of a head's column among a row's cells: heads of two lines span, cells of the body do not.
  function placeOf(head, table) {
    if (table.tHead.rows.length === 1 || head.parentElement !== table.tHead.rows[1]) {
      return head.cellIndex;
    }
    return table.tHead.rows[0].querySelectorAll("th[rowspan]").length + head.cellIndex;
  }

  function sort(head, button) {
    const table = head.closest("table");
    const body = table.tBodies[0];
    const first = button.dataset.first;
    const second = first === "ascending" ? "descending" : "ascending";
    const was = head.getAttribute("aria-sort");
    const now = was === first ? second : was === second ? null : first;
    for (const other of table.querySelectorAll("th[aria-sort]")) {
      other.removeAttribute("aria-sort");
    }
    const rows = [...body.rows].sort((a, b) => a.dataset.place - b.dataset.place);
    if (now !== null) {
      const place = placeOf(head, table);
      const sign = now === "ascending" ? 1 : -1;
      rows.sort((a, b) => compare(key(a, place), key(b, place), sign));
      head.setAttribute("aria-sort", now);
    }
    body.append(...rows);
  }

  for (const table of document.querySelectorAll("table.results, table.sorted")) {
    [...table.tBodies[0].rows].forEach((row, place) => {
      row.dataset.place = place;
    });
    for (const button of table.querySelectorAll("button.sort")) {
      button.addEventListener("click", () => sort(button.closest("th"), button));
    }
  }
})();
