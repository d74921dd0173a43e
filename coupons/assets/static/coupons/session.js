// Warns before the operator's session ends, keeps it at a click, and says when it has ended.
"use strict";

(() => {
  const bar = document.getElementById("session");
  const PERIOD_MS = 1000;
  const PATIENCE_MS = 5000;
  const words = bar.dataset;
  // While it warns: another window may have kept the session, or begun a new one.
  const ASKED_EVERY_MS = Math.min(15000, 250 * Number(words.warnedS));
  const [warning, left, button, login] = ["span", "b", "button", "a"].map((tag) =>
    bar.querySelector(tag),
  );
  const ended = bar.querySelector(".ended");
  let endsAt = Date.now() + 1000 * Number(words.leftS);
  let askedAt = 0;

  const two = (number) => String(number).padStart(2, "0");

  function show(leftS) {
    left.textContent = `${Math.floor(leftS / 60)}:${two(leftS % 60)}`;
    for (const part of [warning, button]) part.hidden = leftS <= 0;
    for (const part of [ended, login]) part.hidden = leftS > 0;
    bar.hidden = leftS > Number(words.warnedS);
  }

  // After another login the forms of this page need another token.
  function renewForms(token) {
    for (const input of document.querySelectorAll("[name=csrfmiddlewaretoken]")) input.value = token;
  }

  async function ask(headers) {
    askedAt = Date.now();
    const signal = AbortSignal.timeout(PATIENCE_MS);
    const answer = await fetch(words.url, { redirect: "manual", headers, signal });
    if (answer.type === "opaqueredirect") endsAt = 0;
    if (!answer.ok) return;
    const said = await answer.json();
    endsAt = said.left_s === null ? Infinity : Date.now() + 1000 * said.left_s;
    renewForms(said.csrf_token);
  }

  async function look() {
    const warns = endsAt - Date.now() <= 1000 * Number(words.warnedS);
    if (warns && !document.hidden && Date.now() - askedAt >= ASKED_EVERY_MS) {
      await ask({ "X-Poll": "yes" }).catch(() => {});
    }
    show(Math.max(0, Math.ceil((endsAt - Date.now()) / 1000)));
  }

  async function keepLooking() {
    await look();
    setTimeout(keepLooking, PERIOD_MS);
  }

  window.addEventListener("focus", () => (askedAt = 0));
  button.addEventListener("click", () => ask({}).then(look, () => {}));
  keepLooking();
})();
