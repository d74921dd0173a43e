// <coupon-button campaign="…" token-url="/token">: countdown, button and honest answer of an
// event, for the event page and for a shop's own pages. One file, no dependency.
// Attributes, events and CSS parts: coupons/pages/README.md.
"use strict";

(() => {
  const OWN_ORIGIN = new URL(document.currentScript?.src ?? location.href, location.href).origin;

  // ---- Texts ---------------------------------------------------------------------------------

  const TEXTS = {
    en: {
      loading: "One moment, please …",
      opensIn: "Opens in",
      days: (n) => `${n} d `,
      open: "Open now",
      pausedShort: "Paused",
      paused: "The button works again as soon as it goes on.",
      soldOut: "All coupons are gone.",
      closed: "This event is over.",
      unknown: "There is no such event.",
      left: (left, of) => `${left} of ${of} left`,
      button: "Get my coupon",
      again: "Get another coupon",
      asking: "Asking …",
      early: (time) => `Not open yet. It opens at ${time}.`,
      askingAgain: "No answer yet. We ask again by ourselves; you lose nothing by it.",
      busy: "We can't answer right now. We ask again by ourselves; please stay.",
      offline: "You are offline. We ask as soon as you are back.",
      gaveUp: "There is still no answer. Please press again; asking again is safe.",
      won: "It is yours!",
      kept: "You have this coupon already.",
      copy: "Copy the code",
      copied: "Copied",
      place: (place) => `You were number ${place}.`,
      usableUntil: (time) => `Use it before ${time}.`,
      states: {
        redeemed: "This coupon has been used.", revoked: "This coupon was withdrawn.",
        expired: "This coupon has expired.",
      },
      dead: "None of your coupons can be used any more.",
      placeThen: (place) => `You were number ${place}. The code can't be used any more.`,
      receipt: "Receipt",
      receiptWhy: "It proves that this coupon was promised to you. Keep it.",
      copyReceipt: "Copy the receipt",
      refused: "You were not among the first.",
      margin: (last, answered, gap) =>
        `The last coupon went at ${last}; you were answered at ${answered}: ${gap} later.`,
      seconds: (text) => `${text} s`,
      minutesAnd: (minutes, seconds) => `${minutes} min ${seconds} s`,
      asked: (asked, stock, one) => `${asked} requests came for ${stock} ${one ? "coupon" : "coupons"}.`,
      notEligible: "This event is not open to you: the shop chooses for whom.",
      login: "Log in at the shop",
      loginWhy: "To take part, please log in at the shop.",
      loginExpired: "Your login has expired. Please log in at the shop again.",
      loginGoesOn: "Your login has expired. Please log in at the shop again; then we ask by ourselves.",
      loginEnds: (time) => `Your login ends before it opens. Please log in at the shop again shortly before ${time}.`,
      loginGone: "To see a coupon of yours or the waitlist, please log in at the shop.",
      pausedAsking: "Paused for a moment. We ask by ourselves as soon as it goes on.",
      away: "The coupon service can't be reached right now. We keep trying.",
      failed: "That did not work. Please load the page again.",
      join: "Join the waitlist",
      waiting: (position) => `You are number ${position} on the waitlist.`,
      leave: "Leave the waitlist",
      offered: (time) => `A coupon is free for you until ${time}.`,
      accept: "Take it",
      served: "Your coupon from the waitlist is here.",
      skipped: "The offer has passed to the next one.",
      exact: (ms) => `Countdown by the shop's clock, exact to ±${ms} ms`,
      mark: (time) => `Opens in ${time}`,
      minutes: (n) => (n === 1 ? "1 minute" : `${n} minutes`),
      secondsLong: (n) => `${n} seconds`,
    },
    ko: {
      loading: "잠시만 기다려 주세요 …",
      opensIn: "오픈까지",
      days: (n) => `${n}일 `,
      open: "진행 중",
      pausedShort: "일시 중지",
      paused: "다시 시작하면 바로 누를 수 있습니다.",
      soldOut: "선착순 마감되었습니다.",
      closed: "종료된 이벤트입니다.",
      unknown: "존재하지 않는 이벤트입니다.",
      left: (left, of) => `${of}장 중 ${left}장 남음`,
      button: "쿠폰 받기",
      again: "한 장 더 받기",
      asking: "신청 중 …",
      early: (time) => `아직 오픈 전입니다. ${time}에 열립니다.`,
      askingAgain: "아직 응답이 없어 자동으로 다시 신청합니다. 불이익은 없습니다.",
      busy: "지금은 응답할 수 없습니다. 자동으로 다시 신청하니 그대로 기다려 주세요.",
      offline: "오프라인입니다. 연결되면 바로 신청합니다.",
      gaveUp: "아직 응답이 없습니다. 다시 눌러 주세요. 여러 번 눌러도 괜찮습니다.",
      won: "쿠폰을 받았습니다!",
      kept: "이미 받은 쿠폰입니다.",
      copy: "번호 복사",
      copied: "복사했습니다",
      place: (place) => `${place}번째로 받았습니다.`,
      usableUntil: (time) => `${time}까지 사용할 수 있습니다.`,
      states: { redeemed: "사용한 쿠폰입니다.", revoked: "회수된 쿠폰입니다.", expired: "만료된 쿠폰입니다." },
      dead: "사용할 수 있는 쿠폰이 없습니다.",
      placeThen: (place) => `${place}번째로 받았으나, 이 번호는 더 이상 사용할 수 없습니다.`,
      receipt: "영수증",
      receiptWhy: "이 쿠폰을 약속받았다는 증명입니다. 보관해 주세요.",
      copyReceipt: "영수증 복사",
      refused: "아쉽게도 순위 안에 들지 못했습니다.",
      margin: (last, answered, gap) =>
        `마지막 쿠폰은 ${last}에 발급되었고, 회원님의 응답 시각은 ${answered}입니다. 차이는 ${gap}입니다.`,
      seconds: (text) => `${text}초`,
      minutesAnd: (minutes, seconds) => `${minutes}분 ${seconds}초`,
      asked: (asked, stock) => `쿠폰 ${stock}장에 신청 ${asked}건이 들어왔습니다.`,
      notEligible: "이 이벤트의 참여 대상이 아닙니다. 대상은 쇼핑몰이 정합니다.",
      login: "쇼핑몰에서 로그인",
      loginWhy: "참여하려면 쇼핑몰에서 로그인해 주세요.",
      loginExpired: "로그인이 만료되었습니다. 쇼핑몰에서 다시 로그인해 주세요.",
      loginGoesOn: "로그인이 만료되었습니다. 쇼핑몰에서 다시 로그인하면 자동으로 이어서 신청합니다.",
      loginEnds: (time) => `오픈 전에 로그인이 만료됩니다. 오픈 시각(${time}) 직전에 쇼핑몰에서 다시 로그인해 주세요.`,
      loginGone: "받은 쿠폰이나 대기 순번을 보려면 쇼핑몰에서 로그인해 주세요.",
      pausedAsking: "잠시 멈췄습니다. 다시 시작하면 자동으로 신청합니다.",
      away: "쿠폰 서비스에 연결할 수 없습니다. 계속 다시 시도합니다.",
      failed: "처리되지 않았습니다. 페이지를 다시 불러와 주세요.",
      join: "대기 신청",
      waiting: (position) => `대기 순번은 ${position}번입니다.`,
      leave: "대기 취소",
      offered: (time) => `${time}까지 받을 수 있는 쿠폰이 있습니다.`,
      accept: "받기",
      served: "대기하신 쿠폰이 발급되었습니다.",
      skipped: "제안이 다음 분께 넘어갔습니다.",
      exact: (ms) => `쇼핑몰 시계 기준 카운트다운, 오차 ±${ms}ms`,
      mark: (time) => `오픈까지 ${time}`,
      minutes: (n) => `${n}분`,
      secondsLong: (n) => `${n}초`,
    },
  };

  // ---- Small things --------------------------------------------------------------------------

  const TIME_PATIENCE_MS = 5000;
  const LONGEST_TIMER_MS = 2 ** 30; // setTimeout wraps at 2 ** 31
  const sleep = (ms) => new Promise((done) => setTimeout(done, ms));
  const between = (low, high) => low + Math.random() * (high - low);
  const millis = (text) => (text ? Date.parse(text) : null);

  function storage(key, value) {
    // Without storage (a private window that refuses it) the page works, and forgets on a reload.
    try {
      if (value === undefined) return JSON.parse(sessionStorage.getItem(key));
      if (value === null) sessionStorage.removeItem(key);
      else sessionStorage.setItem(key, JSON.stringify(value));
    } catch {
      /* nothing is remembered */
    }
    return null;
  }

  function readToken(token) {
    // Of a JWT's payload, for display and storage only: the server verifies.
    try {
      const text = atob(token.split(".")[1].replaceAll("-", "+").replaceAll("_", "/"));
      return JSON.parse(new TextDecoder().decode(Uint8Array.from(text, (c) => c.charCodeAt(0))));
    } catch {
      return {};
    }
  }

  // ---- The deciding clock --------------------------------------------------------------------

  // The server's time as this browser knows it, by the round trips to /time: an answer's time lies
  // between request and response, so its middle is right to half of the round trip. Durations are
  // measured by the monotonic clock: the visitor's wall clock may be set to anything.
  class ServerClock {
    static ROUNDS = 5; // at most; three once the time is known
    static GOOD_MS = 20; // no more rounds when it is known so exactly
    static DRIFT = 0.0002; // of the local clock, per ms, until it is measured again
    static SLEW = 0.1; // a small correction makes seconds at most so much longer or shorter
    static JUMP_MS = 1500; // a larger error (the machine slept) is corrected at once

    constructor(api) {
      this.api = api;
      this.within = Infinity; // ms, either way
      this._offset = null; // server − performance.now(), as measured
      this._shown = null; // the same, as shown: it follows without jumps
      this._at = 0; // when it was measured or slewed, performance.now()
      this._measuredAt = -Infinity;
      this._wall = Date.now() - performance.now();
      this._syncing = null;
      this.failures = 0; // in a row
      this._again = false; // somebody came back while it was being measured
      this.onFirst = () => {};
    }

    get isKnown() {
      return this._offset !== null;
    }

    now() {
      const at = performance.now();
      const error = this._offset - this._shown;
      const step = ServerClock.SLEW * (at - this._at);
      this._shown += Math.abs(error) > ServerClock.JUMP_MS ? error : clamp(error, -step, step);
      this._at = at;
      return at + this._shown;
    }

    // For decisions: not slewed.
    exactNow() {
      return performance.now() + this._offset;
    }

    // How wrong the shown time may be now, ms either way.
    get shownWithin() {
      const aged = ServerClock.DRIFT * (performance.now() - this._measuredAt);
      return this.within + aged + Math.abs(this._offset - this._shown);
    }

    // Whether the machine slept: then the two local clocks no longer run together.
    hasSlept() {
      const wall = Date.now() - performance.now();
      const slept = Math.abs(wall - this._wall) > 500;
      this._wall = wall;
      return slept;
    }

    sync({ anew = false } = {}) {
      if (this._syncing && anew) this._again = true;
      this._syncing ??= this._sync(anew).finally(() => {
        this._syncing = null;
        if (this._again) {
          this._again = false;
          this.sync({ anew: true });
        }
      });
      return this._syncing;
    }

    async _sync(anew) {
      let best = null;
      const rounds = this.isKnown ? 3 : ServerClock.ROUNDS;
      for (let round = 0; round < rounds; round++) {
        const sample = await this._measure().catch(() => null);
        if (!sample) break; // a site that is away is not asked five times
        if (!best || sample.within < best.within) best = sample;
        if (!this.isKnown) {
          this._take(sample, true); // roughly right at once: nobody waits for the other rounds
          this.onFirst();
        }
        if (best.within < ServerClock.GOOD_MS) break;
      }
      this.failures = best ? 0 : this.failures + 1;
      if (best) this._take(best, anew);
      return best !== null;
    }

    async _measure() {
      const wall = Date.now();
      const began = performance.now();
      const options = { cache: "no-store", signal: timeout(TIME_PATIENCE_MS) };
      const answer = await fetch(`${this.api}/api/v1/time`, options);
      const ended = performance.now();
      if (!answer.ok) throw new Error(answer.status);
      const { now_ms: ms, within_ms: servers } = await answer.json();
      if (Math.abs(Date.now() - wall - (performance.now() - began)) > 200) throw new Error("slept");
      return { offset: ms + 0.5 - (began + ended) / 2, within: (ended - began) / 2 + 0.5 + servers, at: ended };
    }

    _take(sample, anew) {
      const aged = this.within + ServerClock.DRIFT * (sample.at - this._measuredAt);
      const differs = Math.abs(sample.offset - this._offset) > sample.within + aged;
      if (this.isKnown && !anew && !differs && sample.within > aged) return;
      this._offset = sample.offset;
      this.within = sample.within;
      this._measuredAt = sample.at;
      if (this._shown === null) {
        this._shown = sample.offset;
        this._at = performance.now();
      }
    }
  }

  const clamp = (value, low, high) => Math.min(high, Math.max(low, value));

  // ---- The opening: what is known, and how it is asked ------------------------------------------

  const RESYNC_MS = 60_000;
  const PATIENCE_MS = 10_000; // for one answer
  const BEHIND_MS = 10_000; // more is no delay: the deciding clock was set back
  const MOST_SHOWN = 20; // coupons of one visitor
  const HIDDEN_MS = 5000; // a hidden tab asks nothing; it looks whether it is seen again
  const ASK_FOR_MS = 600_000; // then the visitor is asked to press again
  const RESUME_MS = 600_000; // a press of before the reload is gone on with, so long after it
  const FINAL = new Set(["sold_out", "closed", "not_eligible"]);

  class Opening extends EventTarget {
    constructor(api, slug, tokenUrl) {
      super();
      this.api = api;
      this.slug = slug;
      this.tokenUrl = tokenUrl;
      this.perUser = 1;
      this.clock = new ServerClock(api);
      this.clock.onFirst = () => this._changed();
      this.live = null;
      this.token = "";
      this.visitor = ""; // a name for the page: the token's `name`, else `sub`
      this.login = "none"; // none, ok, expired
      this.asking = null; // "first", "again", "busy", "offline" while a press is not answered
      this.places = []; // bodies of the coupons that this visitor has
      this.isNew = false; // the last of them came by this visit's press
      this.refusal = null; // body of a final refusal, or of a failure that a reload may mend
      this.entry = null; // of the waitlist
      this.isUnknown = false;
      this._knownMs = 0; // of the newest answer; older live documents are not shown any more
      this._isRunning = false;
      this._timers = new Set();
    }

    // -- beginning and end

    start() {
      if (this._isRunning) return;
      this._isRunning = true;
      this._stop = new AbortController();
      const on = (target, name, act) =>
        target.addEventListener(name, act, { signal: this._stop.signal });
      on(document, "visibilitychange", () => document.hidden || this._comeBack());
      on(window, "focus", () => this._comeBack());
      on(window, "online", () => this._comeBack());
      on(window, "pageshow", (event) => event.persisted && this._comeBack());
      this._comeBack();
      this._keep(() => this.clock.sync().then(() => this._changed()), () => this._untilResync());
      this._watch();
      this._every(250, () => this.clock.hasSlept() && this._comeBack());
      if (this.tokenUrl && !this.token) this.fetchToken();
    }

    stop() {
      this._isRunning = false;
      this._stop?.abort();
      for (const timer of this._timers) clearTimeout(timer);
      this._timers.clear();
    }

    // After sleep, focus, back or a lost network: nothing of before is believed.
    _comeBack() {
      const now = performance.now();
      if (now - (this._cameBack ?? -Infinity) < 1000) return;
      this._cameBack = now;
      this.clock.sync({ anew: true }).then(() => this._changed());
      this._pollNow?.();
      this._wake?.();
      if (this.tokenUrl && this.login !== "ok") this.fetchToken(); // logged in elsewhere meanwhile
    }

    _later(ms, act) {
      const timer = setTimeout(() => {
        this._timers.delete(timer);
        if (this._isRunning) act();
      }, clamp(ms, 0, LONGEST_TIMER_MS));
      this._timers.add(timer);
      return timer;
    }

    _every(ms, act) {
      this._later(ms, () => {
        act();
        this._every(ms, act);
      });
    }

    _keep(act, untilNext) {
      this._later(untilNext(), async () => {
        await act().catch(() => null);
        if (this._isRunning) this._keep(act, untilNext);
      });
    }

    // Often enough, and once more shortly before it opens.
    _untilResync() {
      const { failures, isKnown } = this.clock;
      if (failures) return between(0.5, 1) * Math.min(RESYNC_MS, 2000 * 2 ** failures);
      if (!isKnown) return between(1000, 3000);
      const left = this.msUntilOpen();
      // Each watcher at a moment of its own: they must not be a crowd shortly before the opening.
      for (const before of [30_000, 8_000]) {
        const at = before * between(0.8, 2);
        if (left > 2 * before + 2_000 && left < 2 * before + RESYNC_MS) return left - at;
      }
      return RESYNC_MS * between(0.8, 1.2);
    }

    _changed() {
      this.dispatchEvent(new Event("change"));
    }

    // -- what is known

    msUntilOpen() {
      return this.live && this.clock.isKnown ? this.live.opensMs - this.clock.exactNow() : Infinity;
    }

    // scheduled, open, paused, sold_out, closed, unknown, loading: by the deciding clock, which
    // opens the event here at the same moment as there.
    get phase() {
      if (this.isUnknown) return "unknown";
      if (!this.live) return "loading";
      const { state, opensMs, closesMs } = this.live;
      if (!this.clock.isKnown) return state === "scheduled" ? "loading" : state;
      const now = this.clock.exactNow();
      if (state === "closed" || now >= closesMs) return "closed";
      if (state === "paused" || state === "sold_out") return state;
      return now < opensMs ? "scheduled" : "open";
    }

    // -- the live document, which all watchers share

    _watch() {
      let turn = 0; // of the newest poll: one that came back meanwhile goes on, the other ends
      const poll = async () => {
        const mine = ++turn;
        clearTimeout(this._pollTimer);
        const pause = document.hidden ? HIDDEN_MS : await this._readLive();
        if (!this._isRunning || mine !== turn) return;
        this._pollTimer = this._later(pause ?? this._pollPause(), poll);
      };
      this._pollNow = poll;
      poll();
    }

    _pollPause() {
      const left = this.clock.isKnown ? this.msUntilOpen() : 0;
      const wanted = { open: 1000, paused: 1000, sold_out: 5000, closed: 60_000, unknown: 30_000 };
      const pause = wanted[this.phase] ?? (left > 60_000 ? 15_000 : 4000);
      // At the opening itself nobody needs a poll: the claim's answer comes first.
      return pause * between(0.85, 1.15);
    }

    async _readLive() {
      try {
        const answer = await fetch(this._path("/live"), { signal: timeout(PATIENCE_MS) });
        if (answer.status === 404) {
          this.isUnknown = true;
          this._changed();
          return null;
        }
        if (!answer.ok) throw new Error(answer.status);
        const live = await answer.json();
        live.opensMs = millis(live.opens_at);
        live.closesMs = millis(live.closes_at);
        // This visitor knows it better, or another host or cache was behind.
        const newest = Math.max(this._knownMs, millis(this.live?.now) ?? 0);
        if (millis(live.now) < newest && newest - millis(live.now) < BEHIND_MS) return null;
        this.isUnknown = false;
        this.live = live;
        this._failures = 0;
        this._changed();
        if (live.waitlist && live.state === "sold_out" && this.login === "ok" && !this._hasAskedEntry) {
          this.readEntry();
        }
        return null;
      } catch {
        this._failures = (this._failures ?? 0) + 1;
        this._changed();
        return between(500, Math.min(10_000, 1000 * 2 ** this._failures));
      }
    }

    _path(below) {
      return `${this.api}/api/v1/campaigns/${encodeURIComponent(this.slug)}${below}`;
    }

    // -- who this visitor is

    async setToken(token) {
      const { sub, exp, name } = readToken(token);
      const isAnother = !this._hasToken || this._user !== sub;
      this._hasToken = true;
      const isNew = this.token !== token;
      this.token = token;
      this._user = sub;
      this.visitor = typeof name === "string" && name ? name : (sub ?? "");
      this._expires = exp ? exp * 1000 : Infinity;
      this.login = token ? "ok" : "none";
      // A new token may have other segments.
      if (isNew && this.refusal?.code === "not_eligible") this.refusal = null;
      if (isAnother) this._forget();
      this._renewInTime();
      this._changed();
      if (token && isAnother) await this._remember();
      else if (token && isNew) this._resume();
    }

    // A token of `token-url` is exchanged before it ends, each at a moment of its own: at the
    // opening nobody waits for the shop's backend.
    _renewInTime() {
      clearTimeout(this._renewTimer);
      if (!this.tokenUrl || !this.token || this._expires === Infinity) return;
      const now = this.clock.isKnown ? this.clock.exactNow() : Date.now();
      const left = this._expires - now;
      const wanted = left - Math.min(between(30_000, 120_000), left / 2);
      this._renewTimer = this._later(Math.max(2000, wanted), () => this.fetchToken());
    }

    // Everything about the visitor of before, whose request may still be on its way.
    _forget() {
      this.places = [];
      this._hasAskedEntry = false;
      this.refusal = this.entry = this.asking = this._pressing = null;
      this._wake?.();
    }

    // The shop's backend gives a fresh token to its page; the shop's own cookie goes along.
    async fetchToken() {
      try {
        const answer = await fetch(this.tokenUrl, {
          credentials: "same-origin", headers: { Accept: "application/json" }, cache: "no-store",
          signal: timeout(PATIENCE_MS),
        });
        if (answer.status === 401 || answer.status === 403) {
          this.login = this.token ? "expired" : "none";
          this._changed();
          return false;
        }
        if (!answer.ok) throw new Error(answer.status);
        this._tokenFailures = 0;
        await this.setToken((await answer.json()).token ?? "");
      } catch {
        // The shop's backend is away: the login is not at fault.
        this._tokenFailures = Math.min((this._tokenFailures ?? 0) + 1, 6);
        clearTimeout(this._renewTimer);
        const pause = between(500, 1000 * 2 ** this._tokenFailures);
        this._renewTimer = this._later(pause, () => this.fetchToken());
      }
      return this.login === "ok";
    }

    // A token that ends while the visitor waits is exchanged before it is needed.
    async _freshToken() {
      const ends = this._expires - 10_000;
      if (this.tokenUrl && (!this.token || (this.clock.isKnown && this.clock.exactNow() > ends))) {
        await this.fetchToken();
      }
      return this.login === "ok";
    }

    get _key() {
      return `coupon ${this.api} ${this.slug} ${this._user ?? ""}`;
    }

    // After a reload or a new login: coupons by the server, a press that was not answered, and a
    // refusal, by this window's storage or by the server.
    async _remember() {
      const visitor = this._user;
      const kept = storage(this._key) ?? {};
      if (kept.refusal) this.refusal = kept.refusal;
      for (let nth = 1; nth <= Math.min(this.perUser, MOST_SHOWN); nth++) {
        const held = await this._call("GET", `/claims/me?nth=${nth}`);
        if (visitor !== this._user) return;
        if (held?.body?.place) this._take(held.body, false);
      }
      if (!this.refusal && !this.places.length) await this._recallRefusal(visitor);
      if (this.live?.waitlist || kept.waits) await this.readEntry();
      if (visitor === this._user) this._resume();
    }

    // What the server remembers of a refusal, in a window that does not.
    async _recallRefusal(visitor) {
      if (!["sold_out", "closed"].includes(this.live?.state)) return;
      const asked = await this._call("GET", "/attempts/me");
      const late = asked?.body?.refusals?.find((one) => one.outcome === "sold_out" && one.last_place_at);
      if (!late || visitor !== this._user) return;
      this.refusal = { code: "sold_out", answered_at: late.last_at, last_place_at: late.last_place_at };
    }

    // Goes on with a press that was not answered: before a reload, or before the login ended.
    _resume() {
      const pressed = Date.now() - (storage(this._key)?.pressed ?? -Infinity);
      if (pressed < RESUME_MS && !this.places.length && !this.refusal) this.press();
      this._changed();
    }

    _note(members, key = this._key) {
      storage(key, { ...storage(key), ...members });
    }

    get isAway() {
      return (this._failures ?? 0) > 1 || this.clock.failures > 1;
    }

    // Whether the login ends before it can be used, and nobody renews it.
    get endsTooSoon() {
      if (this.tokenUrl || this.login !== "ok" || !this.clock.isKnown) return false;
      return this.phase === "scheduled" && this._expires < this.live.opensMs + 10_000;
    }

    get isExpired() {
      return !this.tokenUrl && this.clock.exactNow() > this._expires + 5000;
    }

    get wasPressed() {
      return Boolean(storage(this._key)?.pressed);
    }

    // -- the press

    get nextNth() {
      let nth = 1;
      while (this.places.some((place) => place.nth === nth)) nth++;
      return nth;
    }

    get mayPress() {
      return !this.asking && this.places.length < this.perUser && !this.isRefused;
    }

    // Stock may come back: a refusal counts until a live document of a moment later says "open".
    get isRefused() {
      const { refusal, live } = this;
      if (!FINAL.has(refusal?.code)) return false;
      const isOver = refusal.code !== "not_eligible" && live?.state === "open"
        && millis(live.now) > millis(refusal.answered_at) + 3000;
      return !isOver;
    }

    async press() {
      if (this.asking) return; // a second press of the same wish
      if (!(await this._freshToken())) {
        this.dispatchEvent(new Event("login-needed"));
        this._changed();
        return;
      }
      if (this.asking || !this.mayPress) return;
      const key = this._key;
      const pressing = (this._pressing = {});
      this.asking = "first";
      this.refusal = null;
      this._note({ pressed: Date.now(), refusal: null });
      this._changed();
      try {
        await this._askUntilAnswered(() => this._pressing === pressing);
      } finally {
        if (this._pressing === pressing) {
          this.asking = null;
          if (this.login === "ok") this._note({ pressed: null }, key); // else after the next login
          this._changed();
        }
      }
    }

    // `isMine`: false once another visitor has logged in; then the answer is not theirs.
    async _askUntilAnswered(isMine) {
      const until = performance.now() + ASK_FOR_MS;
      for (let tries = 0; performance.now() < until && this._isRunning; tries++) {
        const answer = await this._call("POST", "/claims", { nth: this.nextNth });
        const code = answer?.body?.code;
        if (!isMine() || answer?.status === 401) return null;
        if (answer?.ok && answer.body?.place) {
          const place = answer.status === 200 && !tries ? await this._placeNow(answer.body) : answer.body;
          return isMine() ? this._take(place, true) : null;
        }
        if (FINAL.has(code)) return this._refuse(answer.body);
        if (answer && !answer.ok && answer.status < 500 && answer.status !== 429 && code !== "not_open") {
          return this._refuse(answer.body ?? {});
        }
        const pause = this._pause(answer, tries);
        if (pause === null) return null; // not open for long yet
        this._changed();
        await this._rest(pause);
        if (!isMine()) return null;
      }
      this.refusal = { code: "no_answer" };
      return null;
    }

    // A place of before this press, with what became of its coupon: the answer to a claim says only
    // that there is one.
    async _placeNow(place) {
      const held = await this._call("GET", `/claims/me?nth=${place.nth}`);
      return held?.ok && held.body?.place ? held.body : place;
    }

    // How long until the next try, in ms, with jitter: nobody comes back in step with the others.
    _pause(answer, tries) {
      if (answer?.body?.code === "not_open") {
        const left = this.clock.isKnown
          ? millis(answer.body.opens_at) - this.clock.exactNow() : 1000 * (answer.body.retry_after_s ?? 1);
        if (left > 5000) return null;
        return Math.max(0, left) + between(0, 150);
      }
      if (!navigator.onLine) {
        this.asking = "offline";
        return 5000;
      }
      this.asking = answer?.body?.code === "paused" ? "paused" : answer ? "busy" : "again";
      const wanted = Number(answer?.retryAfter) * 1000;
      if (wanted > 0) return Math.min(wanted, 30_000) * between(0.8, 1.3);
      return between(300, Math.min(8000, 600 * 2 ** tries));
    }

    // A pause that ends at once when the network or the visitor comes back.
    _rest(ms) {
      return new Promise((done) => {
        this._wake = done;
        setTimeout(done, ms);
      });
    }

    _take(place, isNew) {
      this.places = [...this.places.filter((other) => other.nth !== place.nth), place];
      this.isNew = isNew;
      this.refusal = null;
      const { stock = 0, remaining = 0 } = this.live ?? {};
      if (isNew) this._learn(place.admitted_at, { remaining: clamp(stock - place.place, 0, remaining) });
      this._note({ refusal: null });
      this.dispatchEvent(new CustomEvent(isNew ? "claimed" : "held", { detail: place }));
      this._changed();
    }

    _refuse(problem) {
      this.refusal = problem;
      if (problem.code === "sold_out") this._learn(problem.answered_at, { state: "sold_out", remaining: 0 });
      // Not `not_eligible`: the next token may say otherwise.
      if (["sold_out", "closed"].includes(problem.code)) this._note({ refusal: problem });
      this.dispatchEvent(new CustomEvent("refused", { detail: problem }));
      this._changed();
    }

    // An answer is newer than what the watchers were told.
    _learn(moment, members) {
      this._knownMs = Math.max(this._knownMs, millis(moment) ?? 0);
      if (this.live) this.live = { ...this.live, ...members };
    }

    _loseLogin() {
      this.login = "expired";
      this.dispatchEvent(new Event("login-needed"));
      this._changed();
    }

    // -- the waitlist

    async readEntry() {
      this._hasAskedEntry = true;
      const answer = await this._call("GET", "/waitlist");
      await this._takeEntry(answer);
    }

    async changeEntry(method, below = "") {
      const answer = await this._call(method, `/waitlist${below}`);
      if (answer && !answer.ok && answer.status !== 401 && answer.body) this._refuse(answer.body);
      await this._takeEntry(answer);
    }

    async _takeEntry(answer) {
      clearTimeout(this._entryTimer);
      const again = () => this._later(between(10_000, 20_000), () => this.readEntry());
      if (!answer?.ok) {
        // Lost, or the site is away: an offer must not be missed for it.
        if (answer?.status !== 404 && answer?.status !== 401) this._entryTimer = again();
        return;
      }
      this.entry = answer.body;
      const waits = ["waiting", "offered"].includes(this.entry.state);
      this._note({ waits });
      if (this.entry.state === "served" && !this.places.length) {
        const held = await this._call("GET", "/claims/me");
        if (held?.body?.place) this._take(held.body, true);
      }
      if (waits) this._entryTimer = again();
      this._changed();
    }

    // -- one request, with a token that is still good. Null: no answer came, and the request may
    // have arrived; or the answer is another visitor's by now.

    async _call(method, below, body) {
      const visitor = this._user;
      await this._freshToken();
      let answer = await this._send(method, below, body);
      if (visitor !== this._user) return null;
      if (answer?.status === 401 && this.tokenUrl && (await this.fetchToken())) {
        answer = await this._send(method, below, body);
        if (visitor !== this._user) return null;
      }
      if (answer?.status === 401) this._loseLogin();
      return answer;
    }

    async _send(method, below, body) {
      try {
        const answer = await fetch(this._path(below), {
          // No `cache` option: with it Chromium sends a preflight before every single request.
          method, signal: timeout(PATIENCE_MS),
          headers: {
            Authorization: `Bearer ${this.token}`,
            ...(body && { "Content-Type": "application/json" }),
          },
          body: body && JSON.stringify(body),
        });
        const text = await answer.text();
        return {
          ok: answer.ok, status: answer.status, retryAfter: answer.headers.get("Retry-After"),
          body: parsed(text),
        };
      } catch {
        return null;
      }
    }
  }

  function timeout(ms) {
    const patience = new AbortController();
    setTimeout(() => patience.abort(), ms);
    return patience.signal;
  }

  function parsed(text) {
    try {
      return JSON.parse(text);
    } catch {
      return null; // the answer of some proxy
    }
  }

  // ---- The element ---------------------------------------------------------------------------

  const STYLE = `
    :host {
      --_accent: var(--coupon-accent, light-dark(#c2410c, #fb923c));
      --_on-accent: var(--coupon-on-accent, light-dark(#fff, #1d1207));
      --_text: var(--coupon-text, light-dark(#1d1b19, #f3efe9));
      --_muted: var(--coupon-muted, light-dark(#655f58, #b8afa4));
      --_line: var(--coupon-line, light-dark(#e7e0d6, #3a352f));
      --_good: var(--coupon-good, light-dark(#166534, #86efac));
      --_radius: var(--coupon-radius, 14px);
      display: block; color: var(--_text); font: inherit; line-height: 1.5;
    }
    :host([hidden]), [hidden] { display: none !important; }
    .card { display: grid; gap: 1rem; justify-items: stretch; text-align: center; }
    p { margin: 0; overflow-wrap: anywhere; }
    :lang(ko) p, :host(:lang(ko)) p { word-break: keep-all; }
    .label { display: block; font-size: .875rem; color: var(--_muted); letter-spacing: .02em; }
    .digits {
      display: block; font-size: clamp(2.6rem, 13vw, 4.5rem); font-weight: 700; line-height: 1.1;
      font-variant-numeric: tabular-nums; letter-spacing: -.02em;
    }
    .bar { height: .5rem; border-radius: 1rem; background: var(--_line); overflow: hidden; }
    .fill {
      height: 100%; width: 100%; border-radius: inherit; background: var(--_accent);
      transform-origin: left; transition: transform .6s ease-out;
    }
    .stock .label { margin-top: .375rem; font-variant-numeric: tabular-nums; }
    button, .link {
      font: inherit; cursor: pointer; border-radius: var(--_radius); min-height: 3rem;
      padding: .6rem 1.2rem; box-sizing: border-box;
    }
    .main {
      border: 0; background: var(--_accent); color: var(--_on-accent); font-size: 1.25rem;
      font-weight: 700; min-height: 4rem; text-decoration: none; display: grid; place-items: center;
      touch-action: manipulation; transition: transform .08s, filter .15s;
    }
    .main:hover { filter: brightness(1.08); }
    .main:active { transform: scale(.985); }
    .main[aria-disabled="true"] {
      background: var(--_line); color: var(--_text); cursor: default; filter: none; transform: none;
    }
    .quiet { background: none; border: 1.5px solid color-mix(in srgb, var(--_muted) 60%, transparent); color: var(--_text); }
    .quiet:hover { border-color: var(--_accent); }
    button:focus-visible, .link:focus-visible, summary:focus-visible {
      outline: 3px solid var(--_accent); outline-offset: 3px;
    }
    .clock:empty { display: none; }
    .message:empty, .state:empty { position: absolute; } /* takes no room, and is heard when filled */
    .state { justify-self: center; display: inline-flex; gap: .5rem; align-items: center; font-weight: 600; }
    .state:not(:empty)::before { content: ""; width: .625rem; height: .625rem; border-radius: 50%; background: var(--_muted); }
    .state.open::before { background: var(--_good); box-shadow: 0 0 0 .25rem color-mix(in srgb, var(--_good) 25%, transparent); }
    .state.paused::before { background: var(--_accent); }
    .result { display: grid; gap: .75rem; justify-items: center; }
    .result:focus { outline: none; } /* moved there by the script, for the reader; not a control */
    .headline { font-size: 1.5rem; font-weight: 700; }
    .won .headline { color: var(--_good); }
    .code {
      font: 700 clamp(1.15rem, 5.6vw, 1.75rem)/1.3 ui-monospace, monospace; letter-spacing: .04em;
      padding: .8rem 1rem; border: 2px dashed var(--_accent); border-radius: var(--_radius);
      user-select: all; white-space: nowrap;
    }
    .dead-code { font: .875rem/1.5 ui-monospace, monospace; color: var(--_muted); text-decoration: line-through; }
    .row { display: flex; flex-wrap: wrap; gap: .5rem; justify-content: center; }
    .small { font-size: .875rem; color: var(--_muted); font-variant-numeric: tabular-nums; }
    details { width: 100%; text-align: left; font-size: .875rem; }
    details button { margin-top: .5rem; }
    summary { cursor: pointer; text-align: center; padding: .5rem; color: var(--_muted); }
    .receipt { font: .75rem/1.5 ui-monospace, monospace; overflow-wrap: anywhere; user-select: all; }
    .unseen { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
    @media (prefers-reduced-motion: reduce) { * { transition: none !important; } }
    @media (forced-colors: active) { .main { border: 2px solid; } .fill { background: Highlight; } }
  `;
  const HTML = `
    <div class="card" part="card">
      <div class="result" part="result" hidden></div>
      <p class="state" part="state" role="status"></p>
      <p class="time" part="countdown" role="timer" aria-live="off"><span class="label"></span><span class="digits"></span></p>
      <div class="stock" part="stock"><div class="bar" part="bar" aria-hidden="true"><div class="fill" part="fill"></div></div><span class="label"></span></div>
      <button class="main" part="button" type="button"></button>
      <a class="main link login" part="login" hidden></a>
      <p class="message" part="message" role="status"></p>
      <div class="row waitlist" part="waitlist" hidden></div>
      <p class="small clock" part="clock"></p>
      <p class="unseen marks" role="status"></p>
    </div>`;
  const MARKS_S = [600, 300, 60, 30, 10]; // at which a screen reader hears the countdown

  class CouponButton extends HTMLElement {
    static observedAttributes = ["lang"];

    connectedCallback() {
      if (!this.shadowRoot) this._build();
      const api = this.getAttribute("api") ?? OWN_ORIGIN;
      this.opening ??= new Opening(api, this.getAttribute("campaign") ?? "", this.getAttribute("token-url"));
      this.opening.perUser = Number(this.getAttribute("per-user") ?? 1);
      this._listen();
      this.opening.start();
      if (Object.hasOwn(this, "token")) { // set before this script was there
        const { token } = this;
        delete this.token;
        this._given = token;
      }
      if (this._given) this.opening.setToken(this._given);
      this._given = "";
      this._tick();
    }

    disconnectedCallback() {
      clearTimeout(this._timer);
      this.opening.stop();
      this._unlisten.abort();
    }

    attributeChangedCallback() {
      if (this.isConnected && this.shadowRoot) this._draw();
    }

    // The user's token (JWT) from the shop; kept in memory only.
    set token(token) {
      this._given = token;
      this.opening?.setToken(token);
    }

    press() {
      return this.opening.press();
    }

    get _language() {
      const asked = this.closest("[lang]")?.lang || navigator.language || "en";
      return asked.toLowerCase().startsWith("ko") ? "ko" : "en";
    }

    _build() {
      const root = this.attachShadow({ mode: "open" });
      const sheet = new CSSStyleSheet(); // needs no `unsafe-inline` of a page's policy
      sheet.replaceSync(STYLE);
      root.adoptedStyleSheets = [sheet];
      root.innerHTML = HTML;
      const one = (css) => root.querySelector(css);
      this._parts = {
        state: one(".state"), time: one(".time"), timeLabel: one(".time .label"), digits: one(".digits"),
        stock: one(".stock"), fill: one(".fill"), left: one(".stock .label"),
        button: one("button.main"), login: one(".login"), message: one(".message"),
        result: one(".result"), waitlist: one(".waitlist"), clock: one(".clock"),
        marks: one(".marks"),
      };
      this._parts.button.addEventListener("click", () => this._press());
    }

    _listen() {
      this._unlisten = new AbortController();
      const { signal } = this._unlisten;
      const tell = (name, detail) =>
        this.dispatchEvent(new CustomEvent(name, { detail, bubbles: true, composed: true }));
      const on = (name, act) => this.opening.addEventListener(name, act, { signal });
      on("change", () => this._draw());
      on("claimed", ({ detail }) => tell("coupon-claimed", detail));
      on("held", ({ detail }) => tell("coupon-held", detail));
      on("refused", ({ detail }) => tell("coupon-refused", detail));
      on("login-needed", () => tell("coupon-login-needed"));
      this._tell = tell;
    }

    _press() {
      const { opening } = this;
      const t = TEXTS[this._language];
      const { phase } = opening;
      this._hint = "";
      if (phase === "scheduled") {
        this._hint = t.early(this._clockText(opening.live.opensMs));
      } else if (["open", "paused"].includes(phase) && opening.mayPress) {
        opening.press();
      }
      this._draw();
    }

    // Draws at each whole second of the deciding clock, and at the opening.
    _tick() {
      this._draw();
      const { clock } = this.opening;
      const left = this.opening.msUntilOpen();
      const isTimed = clock.isKnown && left < Infinity;
      const second = isTimed ? mod(this.opening.live.opensMs - clock.now(), 1000) + 2 : 250;
      const aim = left > 0 ? Math.min(second, left + 1) : second;
      this._timer = setTimeout(() => this._tick(), Math.max(4, aim));
    }

    // -- drawing

    _draw() {
      const t = TEXTS[this._language];
      const { opening } = this;
      const { phase } = opening;
      if (phase !== this._phase) {
        this._phase = phase;
        this._hint = "";
        this._tell("coupon-state", { phase });
      }
      this._drawResult(t, phase);
      this._drawState(t, phase);
      this._drawTime(t, phase);
      this._drawStock(t, phase);
      this._drawButton(t, phase);
      this._drawWaitlist(t, phase);
      put(this._parts.message, this._message(t, phase));
      const isTimed = opening.clock.isKnown && phase === "scheduled";
      put(this._parts.clock, isTimed ? t.exact(Math.ceil(opening.clock.shownWithin)) : "");
    }

    _drawState(t, phase) {
      const { state } = this._parts;
      const isSaid = phase === "sold_out" && this._shown; // by the result's headline
      state.className = `state ${phase}`;
      put(state, { open: t.open, paused: t.pausedShort, sold_out: isSaid ? "" : t.soldOut, closed: t.closed }[phase] ?? "");
    }

    _drawTime(t, phase) {
      const { time, timeLabel, digits, marks } = this._parts;
      time.hidden = phase !== "scheduled";
      if (time.hidden) return put(marks, this._said ?? "");
      const left = Math.max(1, this.opening.live.opensMs - this.opening.clock.now());
      put(timeLabel, t.opensIn);
      put(digits, countdown(left, t));
      const seconds = Math.ceil(left / 1000);
      const mark = MARKS_S.findLast((each) => seconds <= each);
      if (!mark || mark === this._mark) return null;
      const isFirst = this._mark === undefined && seconds < mark - 2; // on loading: say it once
      this._mark = mark;
      const told = isFirst ? seconds : mark;
      return put(marks, t.mark(told >= 60 ? t.minutes(Math.round(told / 60)) : t.secondsLong(told)));
    }

    _drawStock(t, phase) {
      const { stock, fill, left } = this._parts;
      const { live } = this.opening;
      stock.hidden = !live || ["unknown", "closed"].includes(phase);
      if (stock.hidden) return;
      fill.style.transform = `scaleX(${live.stock ? live.remaining / live.stock : 0})`;
      put(left, t.left(this._number(live.remaining), this._number(live.stock)));
    }

    _drawButton(t, phase) {
      const { button, login } = this._parts;
      const { opening } = this;
      const canStill = opening.mayPress && ["open", "paused", "scheduled"].includes(phase);
      if (opening.login === "ok" && opening.clock.isKnown && opening.isExpired) opening.login = "expired";
      const needsLogin = (opening.login !== "ok" || opening.endsTooSoon) && !opening.asking;
      const couldSee = phase === "sold_out" && opening.login !== "ok" && !opening.places.length;
      const url = this.getAttribute("login-url");
      const hasFocus = this.shadowRoot.activeElement === button;
      button.hidden = !(opening.asking || (canStill && !needsLogin) || (phase === "loading" && !needsLogin));
      login.hidden = !(needsLogin && (canStill || couldSee) && url);
      if (url) login.href = url;
      put(login, t.login);
      const isOff = Boolean(opening.asking) || phase !== "open";
      button.setAttribute("aria-disabled", String(isOff));
      put(button, opening.asking ? t.asking : opening.places.length ? t.again : t.button);
      if (hasFocus && button.hidden) this._focusResult();
    }

    _focusResult() {
      const { result } = this._parts;
      if (result.hidden) return;
      result.tabIndex = -1;
      result.focus({ preventScroll: true });
    }

    _message(t, phase) {
      const { opening } = this;
      const { refusal, asking, login } = opening;
      if (phase === "unknown") return t.unknown;
      if (asking === "again") return t.askingAgain;
      if (asking === "busy") return t.busy;
      if (asking === "paused") return t.pausedAsking;
      if (asking === "offline") return t.offline;
      if (asking) return "";
      if (this._hint) return this._hint;
      if (opening.places.length) return "";
      if (login === "expired" && phase !== "closed") {
        return opening.wasPressed ? t.loginGoesOn : t.loginExpired;
      }
      if (opening.endsTooSoon) return t.loginEnds(this._dateText(opening.live.opensMs));
      if (login === "none" && ["scheduled", "open", "paused"].includes(phase)) return t.loginWhy;
      if (login === "none" && phase === "sold_out") return t.loginGone;
      if (phase === "loading" && opening.isAway) return t.away;
      if (refusal?.code === "no_answer") return t.gaveUp;
      if (refusal?.code === "not_eligible") return t.notEligible;
      if (refusal && !FINAL.has(refusal.code)) return refusal.detail ?? t.failed;
      if (!navigator.onLine) return t.offline;
      return { loading: t.loading, paused: t.paused }[phase] ?? "";
    }

    _drawResult(t, phase) {
      const { result } = this._parts;
      const { places, refusal, isNew } = this.opening;
      const isRefused = refusal?.code === "sold_out" && !places.length && this.opening.isRefused;
      const shown = places.length ? JSON.stringify([places, isNew, this._language])
        : isRefused ? JSON.stringify([refusal, this.opening.live?.asked, this._language]) : "";
      if (shown === this._shown) return;
      this._shown = shown;
      result.hidden = !shown;
      result.classList.toggle("won", places.some((place) => !t.states[place.state]));
      if (places.length) result.replaceChildren(...this._placesParts(t, places, isNew));
      else if (isRefused) result.replaceChildren(...this._refusedParts(t, refusal));
      // A live region that is new with its text is not heard everywhere; `marks` is there before.
      this._said = shown ? result.querySelector(".headline").textContent : "";
    }

    _placesParts(t, places, isNew) {
      const dead = places.filter((place) => t.states[place.state]);
      const all = dead.length === places.length;
      const headline = !all ? (isNew ? t.won : t.kept) : dead.length === 1 ? t.states[dead[0].state] : t.dead;
      const isSaid = all && dead.length === 1; // by the headline
      return [
        make("p", { class: "headline" }, headline),
        ...places.flatMap((place) =>
          t.states[place.state] ? this._deadParts(t, place, isSaid) : this._liveParts(t, place)),
      ];
    }

    _liveParts(t, place) {
      return [
        make("p", { class: "code", part: "code" }, place.code),
        this._copyButton(t.copy, t.copied, place.code),
        make("p", {}, t.place(this._number(place.place))),
        make("p", { class: "small" }, t.usableUntil(this._dateText(millis(place.usable_until ?? place.expires_at)))),
        this._receipt(t, place),
      ];
    }

    // Of a coupon that no checkout takes any more: its code is there to be recognised, not to be copied.
    _deadParts(t, place, isSaid) {
      return [
        ...(isSaid ? [] : [make("p", {}, t.states[place.state])]),
        make("p", { class: "dead-code", part: "dead-code" }, place.code),
        make("p", { class: "small" }, t.placeThen(this._number(place.place))),
        this._receipt(t, place),
      ];
    }

    _receipt(t, place) {
      return make("details", { part: "receipt" },
        make("summary", {}, t.receipt), make("p", {}, t.receiptWhy),
        make("p", { class: "receipt" }, place.receipt),
        this._copyButton(t.copyReceipt, t.copied, place.receipt));
    }

    _refusedParts(t, refusal) {
      const parts = [make("p", { class: "headline" }, t.soldOut), make("p", {}, t.refused)];
      const last = millis(refusal.last_place_at);
      const answered = millis(refusal.answered_at);
      if (last && answered) {
        const late = Math.max(0, answered - last) / 1000;
        const gap = late < 60 ? t.seconds(this._decimal(late))
          : t.minutesAnd(this._number(Math.floor(late / 60)), Math.floor(late % 60));
        parts.push(make("p", { part: "margin" }, t.margin(this._clockText(last), this._clockText(answered), gap)));
      }
      const { live } = this.opening;
      if (live?.asked) {
        parts.push(make("p", { class: "small" }, t.asked(this._number(live.asked), this._number(live.stock), live.stock === 1)));
      }
      return parts;
    }

    _copyButton(text, copied, value) {
      const button = make("button", { class: "quiet", type: "button" }, text);
      button.addEventListener("click", async () => {
        await copyText(value, this.shadowRoot);
        button.textContent = copied;
        put(this._parts.marks, copied);
        setTimeout(() => {
          button.textContent = text;
          put(this._parts.marks, "");
        }, 2000);
      });
      return button;
    }

    _drawWaitlist(t, phase) {
      const { waitlist } = this._parts;
      const { live, entry, places, login, refusal } = this.opening;
      const state = entry?.state ?? "none";
      const isOffered = live?.waitlist && phase === "sold_out" && login === "ok" && !places.length
        && refusal?.code !== "not_eligible";
      const shown = isOffered ? JSON.stringify([entry, this._language]) : "";
      if (shown === this._shownEntry) return;
      this._shownEntry = shown;
      waitlist.hidden = !isOffered;
      if (!isOffered) return;
      const act = (text, method, below, kind = "quiet") => {
        const button = make("button", { class: kind, type: "button" }, text);
        button.addEventListener("click", () => this.opening.changeEntry(method, below));
        return button;
      };
      const says = (text) => make("p", { role: "status", part: "position" }, text);
      const parts = {
        waiting: () => [says(t.waiting(this._number(entry.position))), act(t.leave, "DELETE")],
        offered: () => [says(t.offered(this._dateText(millis(entry.offer_until)))),
          act(t.accept, "POST", "/accept", "main"), act(t.leave, "DELETE")],
        served: () => [says(t.served)],
        skipped: () => [says(t.skipped)],
      }[state] ?? (() => [act(t.join, "POST")]);
      waitlist.replaceChildren(...parts());
    }

    // -- numbers and times, in the visitor's zone

    _number(value) {
      return value.toLocaleString(this._language);
    }

    _decimal(seconds) {
      return seconds.toLocaleString(this._language, { minimumFractionDigits: 2, maximumFractionDigits: 2 });
    }

    _clockText(ms) {
      return new Date(ms).toLocaleTimeString(this._language === "ko" ? "ko" : "en-GB", {
        hour: "2-digit", minute: "2-digit", second: "2-digit", fractionalSecondDigits: 3, hour12: false,
      });
    }

    _dateText(ms) {
      return new Date(ms).toLocaleString(this._language === "ko" ? "ko" : "en-GB", {
        year: "numeric", month: "long", day: "numeric", hour: "2-digit", minute: "2-digit", hour12: false,
        timeZoneName: "short",
      });
    }
  }

  const mod = (value, by) => ((value % by) + by) % by;

  function countdown(ms, t) {
    const whole = Math.max(0, Math.ceil(ms / 1000));
    const two = (n) => String(n).padStart(2, "0");
    const days = Math.floor(whole / 86_400);
    const time = [Math.floor(whole / 3600) % 24, Math.floor(whole / 60) % 60, whole % 60];
    return (days ? t.days(days) : "") + time.map(two).join(":");
  }

  function put(element, text) {
    if (element.textContent !== text) element.textContent = text;
  }

  function make(name, attributes, ...children) {
    const element = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    element.append(...children);
    return element;
  }

  // Without a secure origin browsers offer no clipboard: then by a selection.
  async function copyText(text, root) {
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      const field = make("textarea", { class: "unseen", "aria-hidden": "true" });
      field.value = text;
      root.append(field);
      field.select();
      document.execCommand("copy");
      field.remove();
    }
  }

  window.CouponOpening = { Opening, ServerClock, TEXTS };
  if (!customElements.get("coupon-button")) customElements.define("coupon-button", CouponButton);
})();
