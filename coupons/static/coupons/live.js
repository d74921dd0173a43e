// The live panel of a campaign's page: asks for the counts every second and draws them.
"use strict";

(() => {
  const panel = document.getElementById("live");
  if (!panel) return;

  const PERIOD_MS = 1000;
  const PATIENCE_MS = 5000;
  const SAMPLES = 300; // five minutes
  const LONGEST_COUNTDOWN_S = 86400;
  const WIDTH = 300; // of the line's viewBox, as in the template; its height:
  const HEIGHT = 48;
  const KNOWN = ["stock", "admitted", "stored", "waiting", "parked", "remaining"];
  const words = panel.dataset;
  const note = panel.querySelector(".note");
  const rate = panel.querySelector("[data-rate]");
  const countdown = panel.querySelector(".countdown");
  const samples = [];
  let ahead = 0; // milliseconds by which the deciding clock is ahead of this browser's

  const say = (text) => {
    if (note.textContent !== text) note.textContent = text;
  };

  const grouped = (count) =>
    count === null ? "?" : count.toLocaleString(document.documentElement.lang);

  function showCounts(said) {
    for (const name of KNOWN) {
      panel.querySelector(`[data-count="${name}"]`).textContent = grouped(said[name]);
    }
    panel.querySelector(".sold-out").hidden = said.remaining !== 0;
    for (const bar of panel.querySelectorAll("[data-bar]")) {
      bar.setAttribute("width", (1000 * (said[bar.dataset.bar] ?? 0)) / said.stock);
    }
  }

  function showState(said) {
    const state = panel.querySelector("[data-state]");
    state.textContent = said.label;
    state.className = `state state-${said.state}`;
    say(state.dataset.state === said.state ? said.note : words.moved);
  }

  function showLine(said) {
    if (said.admitted === null) return;
    samples.push(said);
    if (samples.length > SAMPLES) samples.shift();
    const low = Math.min(...samples.map((sample) => sample.stored));
    const high = Math.max(...samples.map((sample) => sample.admitted), low + 1);
    const step = WIDTH / Math.max(samples.length - 1, 30); // fills the width from half a minute on
    const y = (count) => HEIGHT - 1 - ((count - low) / (high - low)) * (HEIGHT - 2);
    for (const line of panel.querySelectorAll("[data-line]")) {
      const points = samples.map(
        (sample, i) => `${(i * step).toFixed(1)},${y(sample[line.dataset.line]).toFixed(1)}`,
      );
      line.setAttribute("points", points.join(" "));
    }
  }

  // Admissions per second over the last five samples, about five seconds.
  function showRate() {
    const [last, first] = [samples.at(-1), samples.at(-6) ?? samples[0]];
    if (!last || last === first) return;
    const seconds = (last.seenAt - first.seenAt) / 1000;
    rate.textContent = grouped(Math.round((last.admitted - first.admitted) / seconds));
  }

  // By the clock that opens the campaign: between two answers ours goes on from its last word.
  function showCountdown() {
    const leftS = Math.ceil((Number(words.opens) - Date.now() - ahead) / 1000);
    countdown.hidden = !(leftS > 0 && leftS < LONGEST_COUNTDOWN_S);
    const two = (number) => String(number).padStart(2, "0");
    const clock = [Math.floor(leftS / 3600), Math.floor(leftS / 60) % 60, leftS % 60];
    countdown.querySelector("b").textContent = clock.map(two).join(":");
  }

  async function refresh() {
    const answer = await fetch(words.url, {
      redirect: "manual", // to the login page
      signal: AbortSignal.timeout(PATIENCE_MS),
    });
    if (answer.type === "opaqueredirect") return say(words.loggedOut);
    if (!answer.ok) return say(words.lost);
    const said = await answer.json();
    said.seenAt = Date.now();
    if (said.now_ms !== null) ahead = said.now_ms - said.seenAt;
    showCounts(said);
    showState(said);
    showLine(said);
    showRate();
  }

  async function keepRefreshing() {
    if (!document.hidden) await refresh().catch(() => say(words.lost));
    setTimeout(keepRefreshing, PERIOD_MS);
  }

  keepRefreshing();
  setInterval(showCountdown, 250);
})();
