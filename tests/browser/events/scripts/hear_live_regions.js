// Records in `heard` what a screen reader would say by itself: each text that comes into a live
// region that was in the page before. https://www.w3.org/TR/wai-aria-1.2/#live_region_roles
(() => {
  globalThis.heard = [];
  const POLITENESS = { status: "polite", log: "polite", alert: "assertive", timer: "off", marquee: "off" };
  const isLive = (element) =>
    !["off", undefined].includes(element.getAttribute("aria-live") ?? POLITENESS[element.role]);
  const regionOf = (node) => {
    for (let at = node.parentElement ?? node; at; at = at.parentElement) {
      if (at.hasAttribute("aria-live") || at.role in POLITENESS) return isLive(at) ? at : null;
    }
    return null;
  };
  const take = (changes) => {
    const regions = changes.map(({ target }) =>
      target.nodeType === Node.TEXT_NODE ? regionOf(target) : regionOf({ parentElement: target }));
    for (const region of new Set(regions)) {
      const text = region?.checkVisibility() ? region.textContent.trim() : "";
      if (text) globalThis.heard.push(text);
    }
  };
  const root = document.querySelector("coupon-button").shadowRoot;
  new MutationObserver(take).observe(root, { subtree: true, childList: true, characterData: true });
})();
