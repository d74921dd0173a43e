// What doesn't fit: elements that reach beyond the window's right edge, or hide a part of their own
// content; and Korean words that are broken over two lines. Shadow trees are searched, too.
() => {
  const walk = (root) => [...root.querySelectorAll("*")].flatMap((element) =>
    [element, ...(element.shadowRoot ? walk(element.shadowRoot) : [])]);
  const isSeen = (element) => element.checkVisibility() && !element.closest(".unseen, script, style")
    && !element.matches("input");
  const shown = walk(document.body).filter(isSeen);
  const named = (element) => element.outerHTML.slice(0, 100);
  const wide = shown.filter((element) => element.getBoundingClientRect().right > innerWidth + 1);
  const clips = (element) => getComputedStyle(element).overflowX !== "visible";
  const overflows = (element) => element.children.length
    ? [...element.children].some((child) => isSeen(child)
      && child.getBoundingClientRect().right > element.getBoundingClientRect().right + 1)
    : element.scrollWidth > element.clientWidth + 1;
  const cut = shown.filter((element) => clips(element) && overflows(element));
  const isBroken = (node, { index, 0: word }) => {
    const range = document.createRange();
    range.setStart(node, index);
    range.setEnd(node, index + word.length);
    return new Set([...range.getClientRects()].map((box) => Math.round(box.top))).size > 1;
  };
  const broken = shown.flatMap((element) => [...element.childNodes])
    .filter((node) => node.nodeType === Node.TEXT_NODE)
    .flatMap((node) => [...node.textContent.matchAll(/[가-힣]+/g)]
      .filter((word) => isBroken(node, word)).map((word) => word[0]));
  return [...wide.map((e) => `wide: ${named(e)}`), ...cut.map((e) => `cut: ${named(e)}`),
    ...broken.map((word) => `broken: ${word}`)];
}
