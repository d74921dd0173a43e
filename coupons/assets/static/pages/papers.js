// Of a closed event: a button for each of the visitor's places. It fetches what the proof page needs
// to check this receipt, leaves it in this window's storage and opens that page.
"use strict";

(() => {
  const PATIENCE_MS = 10000;
  const button = document.querySelector("coupon-button");
  const mine = document.querySelector(".published .papers");
  const problem = document.querySelector(".published output");
  const words = mine?.dataset;
  let shown = "";

  async function openProof({ code, receipt }, token) {
    const { api } = button.opening;
    const answer = await fetch(`${api}/api/v1/coupons/${encodeURIComponent(code)}/inclusion`, {
      headers: { Authorization: `Bearer ${token}` }, cache: "no-store",
      signal: AbortSignal.timeout(PATIENCE_MS),
    });
    if (!answer.ok) throw new Error(answer.status);
    const inclusion = await answer.text();
    if (token !== button.opening.token) return; // another visitor by now
    sessionStorage.setItem(words.papers, JSON.stringify({ receipt, inclusion }));
    location.assign(words.page + location.search); // in the same language
  }

  function checkButton(place) {
    const check = document.createElement("button");
    check.type = "button";
    check.textContent = words.check.replace("{place}", place.place);
    check.addEventListener("click", async () => {
      check.disabled = true;
      problem.textContent = "";
      await openProof(place, button.opening.token).catch(() => {
        problem.textContent = words.failed;
      });
      check.disabled = false;
    });
    return check;
  }

  function showButtons() {
    const places = button.opening.places.filter(({ receipt }) => receipt);
    const now = JSON.stringify(places.map(({ receipt }) => receipt));
    if (now === shown) return;
    shown = now;
    mine.hidden = !places.length;
    mine.replaceChildren(...places.map(checkButton));
  }

  if (!mine || !button) return;
  customElements.whenDefined("coupon-button").then(() => {
    button.opening.addEventListener("change", showButtons);
    showButtons();
  });
})();
