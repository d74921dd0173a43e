"""Measures of legibility in the page: text that is cut off, broken or has too little contrast."""

from typing import Any

from tests.browser.chromium import Browser

_WIDER = """
return [...document.querySelectorAll('body *')]
  .filter(e => e.checkVisibility() && e.getBoundingClientRect().right > WIDTH + 1
    && !e.closest('svg, .visually-hidden, .swagger-ui'))
  .map(e => e.outerHTML.slice(0, 100))
"""

_CLIPPED = """
return [...document.querySelectorAll('body *')]
  .filter(e => e.checkVisibility()
    && !e.matches('input, select, textarea, svg *, [class^=selector-]')
    && !e.closest('.swagger-ui, .visually-hidden')
    && getComputedStyle(e).overflowX !== 'visible' && e.scrollWidth > e.clientWidth + 1)
  .map(e => e.outerHTML.slice(0, 100))
"""

_TEXTS = """
const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
const texts = [];
while (walker.nextNode()) {
  const e = walker.currentNode.parentElement;
  const isText = walker.currentNode.textContent.trim() && !e.closest('script, style, noscript');
  if (isText && e.checkVisibility() && !e.closest('.swagger-ui, :disabled')) {
    texts.push(walker.currentNode);
  }
}
"""

_BROKEN = """
const broken = [];
for (const node of texts) {
  for (const word of node.textContent.matchAll(/[가-힣]+/g)) {
    const range = document.createRange();
    range.setStart(node, word.index);
    range.setEnd(node, word.index + word[0].length);
    const lines = new Set([...range.getClientRects()].map(box => Math.round(box.top)));
    if (lines.size > 1) broken.push(word[0]);
  }
}
return broken;
"""

# https://www.w3.org/TR/WCAG22/#contrast-minimum
_FAINT = """
const context = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
function rgba(color) {
  context.clearRect(0, 0, 1, 1);
  context.fillStyle = color;
  context.fillRect(0, 0, 1, 1);
  return [...context.getImageData(0, 0, 1, 1).data].map(part => part / 255);
}
const over = ([r, g, b, a], under) =>
  [r, g, b].map((part, i) => part * a + under[i] * (1 - a)).concat(1);
function behind(e) {
  const layers = [];
  for (; e; e = e.parentElement) layers.push(rgba(getComputedStyle(e).backgroundColor));
  return layers.reduceRight((under, layer) => over(layer, under), [1, 1, 1, 1]);
}
const linear = part => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
const light = ([r, g, b]) => 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
const faint = [];
for (const node of texts) {
  const e = node.parentElement, style = getComputedStyle(e), ground = behind(e);
  const pair = [light(over(rgba(style.color), ground)), light(ground)].sort((a, b) => a - b);
  const ratio = (pair[1] + 0.05) / (pair[0] + 0.05);
  const size = parseFloat(style.fontSize);
  const isLarge = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
  if (ratio < (isLarge ? 3 : 4.5)) {
    faint.push(`${node.textContent.trim().slice(0, 40)} ${style.color} ${ratio.toFixed(2)}`);
  }
}
return [...new Set(faint)];
"""

_STILL = """
const style = new CSSStyleSheet();
style.replaceSync('*, *::before { transition: none !important; animation: none !important }');
document.adoptedStyleSheets.push(style);
"""


def wider_than(window: Browser, width: int) -> Any:
    """Elements that reach beyond the window's right edge, also where a table could be scrolled."""
    return window.run_script(_WIDER.replace("WIDTH", str(width)))


def clipped_elements(window: Browser) -> Any:
    """Elements whose content is wider than they are, so that a user must scroll to see it."""
    return window.run_script(_CLIPPED)


def broken_words(window: Browser) -> Any:
    """Korean words that are broken over two lines."""
    return window.run_script(_TEXTS + _BROKEN)


def faint_texts(window: Browser, theme: str) -> Any:
    """Texts with less contrast than 4.5 to 1 (large ones: 3 to 1), in Django's light or dark."""
    window.run_script(f"{_STILL}; document.documentElement.dataset.theme = '{theme}'")
    return window.run_script(_TEXTS + _FAINT)
