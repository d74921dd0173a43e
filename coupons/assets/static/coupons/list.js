// The list of campaigns looks again every few seconds: figures and badges change in their cells, so
// that chosen rows stay chosen. A row that comes or goes is shown unless rows are chosen.
"use strict";

(() => {
  const PERIOD_MS = 5000;
  const PATIENCE_MS = 10000;
  const TABLE = "#result_list";
  const words = document.getElementById("list-note").dataset;

  const say = (text) => {
    const note = document.getElementById("list-note");
    if (note && note.textContent !== text) note.textContent = text;
  };

  const keyOf = (row) => row.querySelector("th a")?.getAttribute("href");
  const isChosen = (row) => row.querySelector(".action-select")?.checked ?? false;

  function refreshRow(row, fresh) {
    [...row.cells].forEach((cell, i) => {
      if (cell.classList.contains("action-checkbox")) return;
      if (cell.innerHTML !== fresh.cells[i].innerHTML) cell.innerHTML = fresh.cells[i].innerHTML;
    });
  }

  function refreshTable(table, fresh) {
    const rows = [...table.tBodies[0].rows];
    const freshRows = [...fresh.tBodies[0].rows];
    const isSame = rows.map(keyOf).join() === freshRows.map(keyOf).join();
    if (isSame) rows.forEach((row, i) => refreshRow(row, freshRows[i]));
    else if (!rows.some(isChosen)) {
      table.tBodies[0].replaceWith(fresh.tBodies[0]);
      labelCells(table);
    }
  }

  async function refresh() {
    const page = await refreshParts(PATIENCE_MS);
    const [table, fresh] = [document, page].map((one) => one.querySelector(TABLE));
    if (table && fresh) refreshTable(table, fresh);
  }

  const complain = (error) => say(error instanceof LoggedOut ? words.loggedOut : words.lost);

  async function keepRefreshing() {
    if (!document.hidden) await refresh().catch(complain);
    setTimeout(keepRefreshing, PERIOD_MS);
  }

  setTimeout(keepRefreshing, PERIOD_MS);
})();
