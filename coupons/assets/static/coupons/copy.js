// Buttons that copy a text of the page: data-copy names its element. Hidden where browsers offer no
// clipboard (no secure origin): the text can be selected.
"use strict";

if (navigator.clipboard) {
  for (const button of document.querySelectorAll("[data-copy]")) {
    button.hidden = false;
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).textContent);
      const text = button.firstChild;
      const before = text.textContent;
      text.textContent = button.dataset.done;
      setTimeout(() => (text.textContent = before), 2000);
    });
  }
}
