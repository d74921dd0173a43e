// Runs before each page's own scripts: a wall clock that is set wrong (clockAheadMs), and a machine
// that sleeps. trueNow(): the right time, for the test.
(() => {
  const TrueDate = Date;
  const trueMonotonic = performance.now.bind(performance);
  let asleepMs = 0;
  const now = () => TrueDate.now() + (globalThis.clockAheadMs ?? 0);
  globalThis.trueNow = () => TrueDate.now();
  globalThis.Date = class extends TrueDate {
    constructor(...parts) {
      if (parts.length) super(...parts);
      else super(now());
    }
    static now() {
      return now();
    }
  };
  performance.now = () => trueMonotonic() - asleepMs;
  // As a sleeping machine: nothing runs, the wall clock goes on, the monotonic clock stands still.
  globalThis.sleepFor = (ms) => {
    const until = trueMonotonic() + ms;
    while (trueMonotonic() < until);
    asleepMs += ms;
  };
})();
