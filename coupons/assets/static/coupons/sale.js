// The live page of a sale: asks for its figures every second and draws them.
"use strict";

(() => {
  const page = document.getElementById("sale");
  const PERIOD_MS = 1000;
  const PATIENCE_MS = 5000;
  const LONGEST_COUNTDOWN_S = 86400;
  const words = page.dataset;
  const spanMs = Number(words.chartMs);
  const chart = page.querySelector("[data-chart]");
  let seconds = [];
  let redisMs = null;
  let aheadMs = Number(words.nowMs) - Date.now(); // by which the deciding clock is ahead of ours
  let clocks = []; // within the verdict's sentences: [element, sentence, clock, moment]
  let spoken = "";

  const write = (element, text) => {
    if (element.textContent !== text) element.textContent = text;
  };

  function made(name, text, className) {
    const element = document.createElement(name);
    element.textContent = text;
    if (className) element.className = className;
    return element;
  }

  function showVerdict({ light, word, text, also, topic, clock, spoken: copy = text }) {
    const verdict = page.querySelector("[data-verdict]");
    verdict.className = `verdict light-${light}`;
    write(verdict.querySelector("[data-word]"), word);
    const lines = also.map((each) => made("li", each.text));
    verdict.querySelector("[data-also]").replaceChildren(...lines);
    const sentences = [[verdict.querySelector("[data-text]"), text, clock]];
    sentences.push(...also.map((each, index) => [lines[index], each.text, each.clock]));
    clocks = sentences.filter(([, , running]) => running);
    if (!clock) write(verdict.querySelector("[data-text]"), text);
    showClocks();
    const news = `${word} ${topic}`;
    if (spoken !== news) write(page.querySelector("[data-spoken]"), `${word}: ${copy}`); // no running numbers
    spoken = news;
  }

  function showFigures(figures) {
    for (const [name, [value, isBad]] of Object.entries(figures)) {
      const figure = page.querySelector(`[data-figure="${name}"]`);
      figure.classList.toggle("bad", isBad);
      write(figure.querySelector("dd"), value);
    }
  }

  function showState(said) {
    const state = page.querySelector("[data-state]");
    state.className = `state ${said.badge}`;
    state.dataset.state = said.state;
    write(state, said.label);
    const countdown = page.querySelector(".countdown");
    countdown.dataset.opens = said.opens_ms;
    countdown.dataset.closes = said.closes_ms;
  }

  function showOutcomes(rows, isKnown) {
    const lines = rows.map((row) => {
      const line = made("tr", "", row.kind);
      const head = made("th", row.label);
      head.scope = "row";
      line.append(head, made("td", row.a_minute), made("td", row.in_all));
      return line;
    });
    if (!lines.length) {
      const line = made("tr", "");
      line.append(made("td", isKnown ? words.nobody : "?"));
      line.firstChild.colSpan = 3;
      lines.push(line);
    }
    page.querySelector("[data-outcomes]").replaceChildren(...lines);
  }

  function showAgenda(entries) {
    const lines = (entries ?? []).map((entry) => {
      const line = made("li", "", entry.own ? "own" : "");
      line.append(made("time", entry.at), " ", made("b", entry.slug), ` ${entry.what}`);
      return line;
    });
    page.querySelector("[data-agenda]").replaceChildren(...(lines.length ? lines : [made("li", entries ? words.none : "?")]));
  }

  // A Redis whose clock went back begins a new chart.
  function keep(said) {
    if (said.redis_ms === null) return;
    if (redisMs !== null && said.redis_ms < redisMs - spanMs) seconds = [];
    redisMs = said.redis_ms;
    const known = new Map([...seconds, ...said.seconds].map((row) => [row[0], row]));
    seconds = [...known.values()].filter(([at]) => at > redisMs - spanMs);
  }

  function showChart() {
    if (redisMs === null) chart.replaceChildren(); // nothing is known: not even that nobody asks
    else drawChart(chart, seconds, redisMs, spanMs, words.zone);
  }

  // As the server writes it: 00:10, 1:02:03.
  function clockText(leftS) {
    const two = (number) => String(number).padStart(2, "0");
    const hours = Math.floor(leftS / 3600);
    return `${hours ? `${hours}:` : ""}${two(Math.floor(leftS / 60) % 60)}:${two(leftS % 60)}`;
  }

  // By the clock that decides: between two answers ours goes on from its last word.
  const leftUntil = (moment) => Math.ceil((Number(moment) - Date.now() - aheadMs) / 1000);

  const isShown = (leftS) => leftS > 0 && leftS < LONGEST_COUNTDOWN_S;

  // The sentences' clocks and the large one run together.
  function showClocks() {
    for (const [element, sentence, [clock, moment]] of clocks) {
      const leftS = Math.max(0, leftUntil(moment));
      write(element, leftS < LONGEST_COUNTDOWN_S ? sentence.replace(clock, clockText(leftS)) : sentence);
    }
    const countdown = page.querySelector(".countdown");
    const { state } = page.querySelector("[data-state]").dataset;
    const opensS = leftUntil(countdown.dataset.opens);
    const leftS = opensS > 0 ? opensS : leftUntil(countdown.dataset.closes);
    countdown.hidden = !isShown(leftS) || (opensS > 0 ? state !== "scheduled" : state === "draft");
    write(countdown.querySelector("span"), opensS > 0 ? words.opensIn : words.closesIn);
    write(countdown.querySelector("b"), clockText(Math.max(0, leftS)));
  }

  async function refresh() {
    const last = seconds.length ? Math.max(...seconds.map(([at]) => at)) : 0;
    const said = await (await ask(`${words.url}?since=${last}`, PATIENCE_MS)).json();
    aheadMs = said.now_ms - Date.now();
    if (said.revision !== words.revision && said.is_whole) {
      await refreshParts(PATIENCE_MS);
      words.revision = said.revision;
    }
    page.classList.remove("old");
    showVerdict(said.verdict_shown);
    showFigures(said.figures_shown);
    showState(said);
    showOutcomes(said.outcomes, said.redis_ms !== null);
    showAgenda(said.agenda);
    keep(said);
    showChart();
  }

  function complain(error) {
    page.classList.add("old");
    const isAway = error instanceof DatabaseAway;
    const text = error instanceof LoggedOut ? words.loggedOut : isAway ? words.databaseAway : words.lost;
    showVerdict({ light: "grey", word: words.ask, text, also: [], topic: text });
  }

  async function keepRefreshing() {
    if (!document.hidden) await refresh().catch(complain);
    setTimeout(keepRefreshing, PERIOD_MS);
  }

  // A tenth of the stock, rounded to two digits.
  page.addEventListener("click", (event) => {
    const step = Number(event.target.dataset?.step);
    if (!step) return;
    const field = document.getElementById("stock");
    const stock = Number(field.value) || 0;
    const tenth = Math.max(1, Number((stock / 10).toPrecision(1)));
    field.value = Math.max(1, Math.round(stock + step * tenth));
  });

  new ResizeObserver(showChart).observe(chart.parentElement);
  keepRefreshing();
  setInterval(showClocks, 250);
})();
