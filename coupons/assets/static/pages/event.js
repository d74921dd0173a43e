// The event page: takes over the user's token, shows times as this visitor reads them, and lists
// the visitor's coupons. The button itself is coupon-button.js.
"use strict";

(() => {
  const KEPT = "coupon token"; // in this window's storage; never in an address, never in a cookie
  const button = document.querySelector("coupon-button");
  const { lang } = document.documentElement;

  // From the shop's form (a hidden field of this page), or from the fragment, which no server
  // sees; else as kept since.
  function takeToken() {
    const field = document.querySelector('coupon-button input[name="token"]');
    const posted = field?.value;
    const handed = new URLSearchParams(location.hash.slice(1)).get("token");
    const token = handed || posted || storage() || "";
    if (field) field.value = ""; // taken: a later hand-over is newer
    // A reload asks for the page anew; it neither posts the token again nor shows it.
    if (posted || handed) history.replaceState(null, "", location.pathname + location.search);
    if (token) storage(token);
    return token;
  }

  function storage(token) {
    try {
      if (token) sessionStorage.setItem(KEPT, token);
      return sessionStorage.getItem(KEPT);
    } catch {
      return token; // kept in memory only
    }
  }

  // In the visitor's zone, which is named; seconds only where an event needs them.
  function showLocalTimes() {
    for (const time of document.querySelectorAll("time[datetime]")) {
      const at = new Date(time.dateTime);
      time.textContent = at.toLocaleString(lang === "ko" ? "ko" : "en-GB", {
        weekday: "short", year: "numeric", month: "short", day: "numeric", hour: "2-digit",
        minute: "2-digit", second: at.getSeconds() ? "2-digit" : undefined, hour12: false,
        timeZoneName: "short",
      });
    }
  }

  // -- my coupons

  const mine = document.querySelector(".mine");
  const states = mine ? { ...mine.dataset } : {};

  async function showCoupons(token) {
    if (!token || !mine) return;
    const { api } = button.opening;
    const answer = await fetch(`${api}/api/v1/coupons?limit=20`, {
      headers: { Authorization: `Bearer ${token}` }, cache: "no-store",
    }).catch(() => null);
    if (!answer?.ok || token !== button.opening.token) return; // another visitor by now
    const { results } = await answer.json();
    mine.hidden = false;
    mine.querySelector(".none").hidden = results.length > 0;
    mine.querySelector("ul").replaceChildren(...results.map(couponLine));
  }

  function couponLine(coupon) {
    const line = document.createElement("li");
    const add = (kind, text) => {
      const part = document.createElement("span");
      part.className = kind;
      part.textContent = text;
      line.append(part, " ");
    };
    add("name", coupon.name);
    add("code", coupon.code);
    add(`state state-${coupon.state}`, states[coupon.state] ?? coupon.state);
    return line;
  }

  // -- whose page this is: on a shared computer, or if somebody else's token was handed over

  const who = document.querySelector(".who");

  function showVisitor() {
    const { visitor, login } = button.opening;
    who.hidden = login !== "ok" || !visitor;
    who.querySelector(".name").textContent = visitor;
  }

  function forgetVisitor() {
    try {
      sessionStorage.clear();
    } catch {
      /* nothing was kept */
    }
    location.replace(location.pathname + location.search);
  }

  function useToken() {
    const token = takeToken();
    if (!token) return;
    if (mine) mine.hidden = true;
    mine?.querySelector("ul").replaceChildren();
    button.token = token;
    customElements.whenDefined("coupon-button").then(() => showCoupons(token));
  }

  showLocalTimes();
  if (button) {
    useToken();
    addEventListener("hashchange", useToken); // handed over to a page that is shown already
    customElements.whenDefined("coupon-button").then(() => {
      button.opening.addEventListener("change", showVisitor);
      showVisitor();
    });
    who.querySelector("button").addEventListener("click", forgetVisitor);
    // The coupon is stored within moments of the answer.
    button.addEventListener("coupon-claimed", () =>
      setTimeout(() => showCoupons(button.opening.token), 1500));
    button.addEventListener("coupon-login-needed", () => sessionStorage.removeItem(KEPT));
  }
})();
