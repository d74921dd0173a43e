r"""Text of strangers as the admin and its log lines show it: letters that are not seen, or that
move others (U+202E turns a name around), become escapes such as \u202e.

`config.middleware` does this to every page of the admin, whatever field a text comes from. A joiner
within an emoji stays, for campaigns' names have such.
"""

import re

# Controls (not tab and line ends), formats, separators of lines and paragraphs; Hangul's fillers.
_UNSEEN = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\xad\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2"
    "\u115f\u1160\u180e\u200b\u200c\u200e\u200f\u2028-\u202e\u2060-\u206f\u3164\ufeff\uffa0"
    "\ufff0-\ufffb\U000110bd\U000110cd\U00013430-\U0001343f\U0001bca0-\U0001bca3"
    "\U0001d173-\U0001d17a\U000e0000-\U000e0fff\ud800-\udfff]"
    "|(?<![\u2600-\u27bf\ufe0f\U0001f000-\U0001faff])\u200d"
)
_LINE_ENDS = re.compile("[\t\n\r]")


def visible_text(text: str) -> str:
    """For a page. Tabs and line ends stay."""
    return _UNSEEN.sub(_escaped, text)


def one_line(text: str) -> str:
    """For a line of a log."""
    return _LINE_ENDS.sub(_escaped, visible_text(text))


def _escaped(found: re.Match[str]) -> str:
    return found[0].encode("unicode_escape", "surrogatepass").decode("ascii")
