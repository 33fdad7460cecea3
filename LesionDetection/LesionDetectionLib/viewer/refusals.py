"""What a person sees in place of the viewer: small pages that need nothing else, say what is wrong and what to do, and name
nothing of this machine."""

from __future__ import annotations

import html
from typing import NamedTuple

_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{title}</title>
<style>
  body {{ margin: 0; min-height: 100vh; display: flex; align-items: center; justify-content: center;
         font: 16px/1.55 system-ui, sans-serif; background: #f4f5f6; color: #1d2226; }}
  main {{ max-width: 34rem; margin: 2rem; padding: 1.6rem 2rem 1.3rem; background: #fff; border-radius: 10px;
         border: 1px solid #dfe3e6; }}
  h1 {{ font-size: 1.25rem; margin: 0 0 .6rem; }} p {{ margin: 0 0 .7rem; }} small {{ color: #6a737b; }}
  code {{ background: #eef0f2; border-radius: 4px; padding: .1em .35em; }} a {{ color: #1766b3; }}
  @media (prefers-color-scheme: dark) {{
    body {{ background: #111417; color: #e4e8eb; }} main {{ background: #1b1f23; border-color: #2c3238; }}
    code {{ background: #2a3036; }} a {{ color: #4c9be8; }} small {{ color: #929ca5; }} }}
</style></head>
<body><main role="alert"><h1>{title}</h1>
<p>{text}</p>{link}
<small>Lesion Detection{status}</small></main></body></html>
"""


class Refusal(NamedTuple):
    """Attributes:
    status: of HTTP.
    title: a few words.
    text: what is wrong and what to do; what stands between backquotes is shown as code.
    link: words that lead to the viewer; empty for none.
    """

    status: int
    title: str
    text: str
    link: str = ""

    def with_text(self, text: str) -> Refusal:
        """The same with other words: the reason of this one case."""
        return self._replace(text=text)


BAD_REQUEST = Refusal(
    400, "That made no sense", "The browser sent something that this viewer cannot read. Try it again."
)
NO_SESSION = Refusal(
    403,
    "This viewer belongs to another browser",
    "It shows one person's scans, and its link works once, in one browser. To have one of your own, start it with "
    "`lesion view` and open the link that it prints.",
)
WRONG_TOKEN = Refusal(
    403,
    "This link is not valid",
    "Its token is not the one of this viewer: copy the whole link that `lesion view` printed, or start it again for a new one.",
)
TOO_MANY_TRIES = Refusal(429, "Too many wrong links", "Wait a minute, then open the link that `lesion view` printed.")
WRONG_HOST = Refusal(
    403, "Not at this address", "This viewer answers at `127.0.0.1` alone. Open the link that `lesion view` printed."
)
WRONG_ORIGIN = Refusal(403, "Asked from another page", "Only the viewer's own page may ask for this.")
ELSEWHERE = Refusal(
    200,
    "The viewer is open in another tab",
    "It is shown in one tab at a time, the one that was opened last. Nothing is lost: all that is open goes on there.",
    "Show it here instead",
)
NOT_FOUND = Refusal(
    404, "There is nothing here", "What was asked for is not a part of this viewer, or not in the folder that it shows."
)
NOT_ALLOWED = Refusal(405, "Not in this way", "The viewer's page asks for this in another way.")
TOO_LARGE = Refusal(413, "Too much at once", "More was sent than this viewer takes at once. Nothing of it was kept.")
WRONG_KIND = Refusal(
    415, "Not a kind of file that is read here", "Open a scan, a folder of DICOM, or a scene of Slicer."
)
FAULT = Refusal(
    500,
    "Something went wrong here",
    "This is a fault of the viewer, not of yours. Load the page again; its terminal says more.",
)
ENDING = Refusal(
    503, "The viewer has ended", "It was stopped. Start it again with `lesion view`, then open the new link."
)

_BY_STATUS = {
    one.status: one for one in (BAD_REQUEST, NO_SESSION, NOT_FOUND, NOT_ALLOWED, TOO_LARGE, WRONG_KIND, FAULT, ENDING)
}


def refusal_of(status: int) -> Refusal:
    """What is said for a status of HTTP."""
    return _BY_STATUS.get(status) or (BAD_REQUEST if status < 500 else FAULT)._replace(status=status)


def page(refusal: Refusal) -> str:
    """The page as text."""
    parts = html.escape(refusal.text, quote=False).split("`")
    text = "".join(f"<code>{part}</code>" if n % 2 else part for n, part in enumerate(parts))
    link = f'\n<p><a href="/">{html.escape(refusal.link)}</a></p>' if refusal.link else ""
    status = f" &middot; {refusal.status}" if refusal.status >= 400 else ""
    return _PAGE.format(title=html.escape(refusal.title, quote=False), text=text, link=link, status=status)
