// A page that could not be shown loads itself again, each visitor's at a moment of its own. The
// fragment, which may carry a token, and the language stay.
"use strict";

(() => {
  const again = document.querySelector(".again");
  const load = () => {
    if (again instanceof HTMLFormElement) again.submit();
    else if ("posted" in again.dataset) location.replace(again.href); // a reload would post once more
    else location.reload();
  };
  if (again instanceof HTMLAnchorElement) {
    again.addEventListener("click", (event) => {
      event.preventDefault(); // its address has no fragment
      load();
    });
  }
  // Also a hidden one: whoever comes back to it finds the event.
  setTimeout(load, 1000 * Number(again.dataset.waitS));
})();
