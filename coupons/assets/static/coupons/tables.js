// On a phone a wide table becomes one card for each row: each cell is told the name of its column,
// which the style sheet then shows beside it.
"use strict";

function labelCells(table) {
  const heads = [...table.querySelectorAll("thead th")];
  if (!heads.length) return;
  const labels = heads.map((head) => (head.querySelector(".text") ?? head).textContent.trim());
  for (const row of table.querySelectorAll("tbody tr")) {
    [...row.cells].forEach((cell, i) => {
      cell.dataset.label = labels[i] ?? "";
    });
  }
  table.dataset.cards = "";
}

document.querySelectorAll(".results table, .scrolls table").forEach(labelCells);
