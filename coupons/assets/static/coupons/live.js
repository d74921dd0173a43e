// The live panel of a campaign's page: asks for the counts every second and draws them. What else
// the page shows is fetched anew when the server says that it has changed.
"use strict";

(() => {
  const panel = document.getElementById("live");
  if (!panel) return;

  const PERIOD_MS = 1000;
  const PATIENCE_MS = 5000;
  const LIGHT_PERIOD_MS = 10000;
  const CHART_MS = 300000; // five minutes
  const NARROWEST_CHART_MS = 30000; // the chart fills its width from half a minute on
  const ONE_SECOND_MS = 1500; // looks that lie further apart give a mean, and the panel says so
  const LONGEST_COUNTDOWN_S = 86400;
  const WIDTH = 300; // of the line's viewBox, as in the template; its height:
  const HEIGHT = 48;
  const KNOWN = ["stock", "admitted", "stored", "waiting", "parked", "remaining"];
  const words = panel.dataset;
  const note = panel.querySelector(".note");
  const rate = panel.querySelector("[data-rate]");
  const mean = panel.querySelector("[data-mean]");
  const keptAs = `samples ${words.url}`;
  let samples = kept();
  let revision = words.revision;
  let ahead = 0; // milliseconds by which the deciding clock is ahead of this browser's

  // A button or a reload makes a new page: the samples of this window outlive it.
  function kept() {
    try {
      const found = JSON.parse(sessionStorage.getItem(keptAs) ?? "[]");
      return found.filter((sample) => Math.abs(Date.now() - sample.seenAt) < CHART_MS);
    } catch {
      return []; // no storage, or not ours: a chart of its own
    }
  }

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
    panel.classList.toggle("is-sold-out", said.remaining === 0);
    for (const bar of panel.querySelectorAll("[data-bar]")) {
      bar.setAttribute("width", (1000 * (said[bar.dataset.bar] ?? 0)) / said.stock);
    }
  }

  function showState(said) {
    const state = panel.querySelector("[data-state]");
    state.textContent = said.label;
    state.className = `state state-${said.state}`;
    state.dataset.state = said.state;
    say(said.note);
  }

  // Of counts that nobody knows there is no sample. A clock that went back begins a new chart.
  function keep(said) {
    if (said.admitted === null) return;
    const { seenAt, admitted } = said;
    const stored = said.stored ?? samples.at(-1)?.stored ?? 0; // MySQL away: nothing is stored
    const at = said.now_ms ?? seenAt;
    if (samples.length && samples.at(-1).at >= at) samples = [];
    samples = samples.filter((sample) => sample.at > at - CHART_MS);
    samples.push({ at, seenAt, admitted, stored });
    try {
      sessionStorage.setItem(keptAs, JSON.stringify(samples));
    } catch {
      // no storage, or a full one: the chart lives as long as this page
    }
  }

  function showLine() {
    if (!samples.length) return;
    const low = Math.min(...samples.map((sample) => sample.stored));
    const high = Math.max(...samples.map((sample) => sample.admitted), low + 1);
    const first = samples[0].at;
    const span = Math.max(samples.at(-1).at - first, NARROWEST_CHART_MS);
    const x = (sample) => ((sample.at - first) / span) * WIDTH;
    const y = (count) => HEIGHT - 1 - ((count - low) / (high - low)) * (HEIGHT - 2);
    for (const line of panel.querySelectorAll("[data-line]")) {
      const points = samples.map(
        (sample) => `${x(sample).toFixed(1)},${y(sample[line.dataset.line]).toFixed(1)}`,
      );
      line.setAttribute("points", points.join(" "));
    }
  }

  // Admissions between the last two looks, which are a second apart, by the clock of the counts.
  function showRate(isKnown) {
    const [before, last] = samples.slice(-2);
    if (!isKnown || !last) {
      rate.textContent = "?";
      mean.textContent = "";
      return;
    }
    const seconds = (last.at - before.at) / 1000;
    const admitted = Math.max(0, last.admitted - before.admitted);
    rate.textContent = grouped(Math.round(admitted / seconds));
    const isMean = seconds * 1000 > ONE_SECOND_MS;
    mean.textContent = isMean ? words.mean.replace("{}", Math.round(seconds)) : "";
  }

  // By the clock that opens the campaign: between two answers ours goes on from its last word.
  function showCountdown() {
    const countdown = panel.querySelector(".countdown");
    const leftS = Math.ceil((Number(countdown.dataset.opens) - Date.now() - ahead) / 1000);
    countdown.hidden = !(leftS > 0 && leftS < LONGEST_COUNTDOWN_S);
    const two = (number) => String(number).padStart(2, "0");
    const clock = [Math.floor(leftS / 3600), Math.floor(leftS / 60) % 60, leftS % 60];
    countdown.querySelector("b").textContent = clock.map(two).join(":");
  }

  async function refresh() {
    const said = await (await ask(words.url, PATIENCE_MS)).json();
    said.seenAt = Date.now();
    if (said.now_ms !== null) ahead = said.now_ms - said.seenAt;
    panel.classList.remove("old");
    if (said.revision !== revision && said.is_whole) {
      await refreshParts(PATIENCE_MS);
      revision = said.revision;
      showLight().catch(() => {});
      showCountdown();
    }
    showState(said);
    showCounts(said);
    keep(said);
    showLine();
    showRate(said.admitted !== null);
  }

  // The light of the readiness board, by its quick checks. While it is not known, the link asks.
  async function showLight() {
    const shown = panel.querySelector("[data-light]");
    if (!shown) return;
    const board = await askBoard();
    shown.className = `light light-${board.light}`;
    shown.querySelector("[data-light-word]").textContent = board.word;
    const reds = board.red_labels.join(", ");
    shown.querySelector("[data-light-reds]").textContent = reds && `: ${reds}`;
  }

  async function askBoard() {
    try {
      return await (await ask(words.lightUrl, LIGHT_PERIOD_MS)).json();
    } catch {
      return { light: "grey", word: words.ready, red_labels: [] }; // the figures complain
    }
  }

  async function keepShowingLight() {
    if (!document.hidden) await showLight().catch(() => {}); // the figures complain by themselves
    setTimeout(keepShowingLight, LIGHT_PERIOD_MS);
  }

  function complain(error) {
    panel.classList.add("old");
    const isAway = error instanceof DatabaseAway;
    say(error instanceof LoggedOut ? words.loggedOut : isAway ? words.databaseAway : words.lost);
  }

  async function keepRefreshing() {
    if (!document.hidden) await refresh().catch(complain);
    setTimeout(keepRefreshing, PERIOD_MS);
  }

  showLine();
  showRate(true);
  keepRefreshing();
  keepShowingLight();
  setInterval(showCountdown, 250);
})();
