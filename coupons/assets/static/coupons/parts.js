// Replaces the parts of this page by what the server shows there now: elements with `data-part`,
// and the admin's form. What an operator is typing in stays.
"use strict";

class LoggedOut extends Error {}
class DatabaseAway extends Error {}

const PARTS = "[data-part], #campaign_form";

const nameOf = (part) => part.dataset.part ?? part.id;

// Fetched with a limit of time; LoggedOut where the server sends us to its login page, DatabaseAway
// where it has no MySQL.
async function ask(address, patienceMs) {
  const answer = await fetch(address, {
    redirect: "manual",
    headers: { "X-Poll": "yes" }, // a look of the page's own does not keep the session
    signal: AbortSignal.timeout(patienceMs),
  });
  if (answer.type === "opaqueredirect") throw new LoggedOut();
  if (answer.headers.get("X-Dependency-Away") === "database") throw new DatabaseAway();
  if (!answer.ok) throw new Error(answer.statusText);
  return answer;
}

// A browser writes some values its own way (…:30.500 as …:30.5): so compare with its own.
function isTypedIn(field) {
  if (field.type === "hidden") return false;
  if (field.type === "select-one") {
    const given = [...field.options].findLastIndex((option) => option.defaultSelected);
    return field.selectedIndex !== Math.max(given, 0);
  }
  if (field.options) {
    return [...field.options].some((option) => option.selected !== option.defaultSelected);
  }
  const untouched = field.cloneNode(true);
  untouched.value = field.defaultValue;
  return field.value !== untouched.value || field.checked !== field.defaultChecked;
}

function isBeingEdited(part) {
  const fields = [...part.querySelectorAll("input, select, textarea")];
  return fields.some(isTypedIn) || part.querySelector(".errorlist") !== null;
}

// A summary may count: then its details have a name, by which they stay open.
const foldOf = (summary) => summary.parentElement.dataset.fold ?? summary.textContent;

function replacePart(old, part) {
  const opened = new Set([...old.querySelectorAll("details[open] > summary")].map(foldOf));
  for (const summary of part.querySelectorAll("details > summary")) {
    if (opened.has(foldOf(summary))) summary.parentElement.open = true;
  }
  old.replaceWith(part);
}

// Returns the page as the server shows it now.
async function refreshParts(patienceMs) {
  const answer = await ask(location.href, patienceMs);
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const parts = new Map([...page.querySelectorAll(PARTS)].map((part) => [nameOf(part), part]));
  for (const old of document.querySelectorAll(PARTS)) {
    const part = parts.get(nameOf(old));
    if (part && !isBeingEdited(old)) replacePart(old, part);
  }
  return page;
}
