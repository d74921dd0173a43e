// Checks a receipt against the published root, in this browser: it sends nothing anywhere.
// As `verify_receipt.py` (RFC 9162, 2.1.3.2).
"use strict";
(() => {
  const form = document.querySelector("form.check");
  const result = form.querySelector("output");

  const bytesOf = (base64) => Uint8Array.from(atob(base64.trim()), (each) => each.charCodeAt(0));
  const base64Of = (bytes) => btoa(String.fromCharCode(...bytes));
  const ascii = (text) => Uint8Array.from(text, (each) => each.charCodeAt(0));

  async function sha256(...parts) {
    const joined = Uint8Array.from(parts.flatMap((part) => [...part]));
    return new Uint8Array(await crypto.subtle.digest("SHA-256", joined));
  }

  async function leafHash(place, receipt) {
    const number = new Uint8Array(8);
    new DataView(number.buffer).setBigUint64(0, BigInt(place));
    return sha256([0], [1], number, await sha256(ascii(receipt)));
  }

  // Places are below 2^32: `>>>`, not `>>`.
  async function rootOf(leaf, place, size, hashes) {
    let root = leaf;
    let index = place - 1;
    let last = size - 1;
    for (const neighbour of hashes) {
      if (last === 0) return null;
      if (index & 1 || index === last) {
        root = await sha256([1], neighbour, root);
        while (!(index & 1) && index) {
          index >>>= 1;
          last >>>= 1;
        }
      } else {
        root = await sha256([1], root, neighbour);
      }
      index >>>= 1;
      last >>>= 1;
    }
    return last === 0 ? root : null;
  }

  function contentsOf(receipt) {
    const payload = receipt.split(".")[1].replaceAll("-", "+").replaceAll("_", "/");
    return JSON.parse(new TextDecoder().decode(bytesOf(payload)));
  }

  // What is no hash, no inclusion, or the inclusion of another coupon proves nothing against the
  // shop.
  function demand(isSo) {
    if (!isSo) throw new TypeError("can't be read");
  }

  function hashOf(text) {
    const bytes = bytesOf(text);
    demand(bytes.length === 32);
    return bytes;
  }

  async function isUnder(receipt, inclusion, root) {
    const { campaign, place } = contentsOf(receipt);
    demand(inclusion.version === 1 && inclusion.campaign === campaign && inclusion.place === place);
    demand(Number.isSafeInteger(place) && place >= 1 && Number.isSafeInteger(inclusion.size));
    if (place > inclusion.size) return false;
    const hashes = inclusion.hashes.map(hashOf);
    const found = await rootOf(await leafHash(place, receipt), place, inclusion.size, hashes);
    demand(found !== null); // some of its hashes are missing
    return base64Of(found) === base64Of(hashOf(root));
  }

  async function check() {
    try {
      const receipt = form.elements.receipt.value.trim();
      const inclusion = JSON.parse(form.elements.inclusion.value);
      return (await isUnder(receipt, inclusion, form.elements.root.value)) ? "yes" : "no";
    } catch {
      return "unreadable";
    }
  }

  // As the event's page left it in this window, once: see papers.js.
  function takePapers() {
    try {
      const papers = JSON.parse(sessionStorage.getItem(form.dataset.papers));
      sessionStorage.removeItem(form.dataset.papers);
      return papers;
    } catch {
      return null; // to be pasted
    }
  }

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const verdict = await check();
    result.textContent = result.dataset[verdict];
    result.className = verdict;
  });

  const papers = takePapers();
  if (papers) {
    form.elements.receipt.value = papers.receipt;
    form.elements.inclusion.value = papers.inclusion;
    form.requestSubmit();
  }
})();
