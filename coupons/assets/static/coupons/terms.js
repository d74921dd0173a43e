// The sentence below the terms follows what is typed. The form may be replaced while the page is
// open, so nothing of it is kept.
"use strict";

(() => {
  const PAUSE_MS = 200;
  const PATIENCE_MS = 10000;
  const FIELDS = [
    "discount", "discount_value", "currency", "minimum_order", "discount_cap", "valid_days",
    "valid_until", "valid_until_shown", "valid_until_meant",
  ];
  const fieldOf = (name) => document.querySelector(`#campaign_form [name="${name}"]`);
  let timer = 0;
  let asked = 0;

  async function show() {
    const mine = ++asked;
    const typed = new URLSearchParams(FIELDS.map((name) => [name, fieldOf(name)?.value ?? ""]));
    const { url } = document.getElementById("terms-preview").dataset;
    const answer = await fetch(`${url}?${typed}`, {
      redirect: "error",
      signal: AbortSignal.timeout(PATIENCE_MS),
    }).catch(() => null);
    const preview = answer?.ok ? await answer.json() : { text: "", is_fault: false };
    if (mine !== asked) return; // an older answer
    const shown = document.getElementById("terms-preview");
    shown.classList.toggle("is-fault", preview.is_fault);
    shown.querySelector("output").textContent = preview.text || "–";
  }

  document.addEventListener("input", (event) => {
    if (!FIELDS.some((name) => event.target === fieldOf(name))) return;
    clearTimeout(timer);
    timer = setTimeout(show, PAUSE_MS);
  });
})();
