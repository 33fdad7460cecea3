"""The front page: trame's client, as its own page loads it, with what it connects with and without what we do not allow."""

from __future__ import annotations

import json
import re
import secrets
from pathlib import Path

from .gate import content_policy

_PAGE = """<!doctype html>
<html lang="en" data-app-name="trame" data-launcher-retry="[]">
<head>
<meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<title>Lesion Detection</title><link rel="icon" href="data:,">
{styles}
<script nonce="{nonce}">
  // Where trame's client looks for it; the client takes it out of the address again.
  history.replaceState({{}}, "", "?secret=" + {secret});
</script>
{scripts}
<style>body {{ margin: 0; background: #111417; color: #8d98a1; font: 15px system-ui, sans-serif; }}
#app > p {{ position: absolute; inset: 45% 0 auto; text-align: center; }}</style>
</head>
<body><noscript>The viewer needs JavaScript.</noscript><div id="app"><p>Opening the viewer</p></div></body>
</html>
"""
_SCRIPT = re.compile(r'<script\s[^>]*src="([^":]+)"[^>]*>')
_MODULE = ' type="module"'
_STYLE = re.compile(r'<link\s+rel="stylesheet"[^>]*href="([^":]+)"')


class FrontPage:
    """Args:
    client: the folder of trame's client.
    secret: that a WebSocket has to say first.
    """

    def __init__(self, client: Path, secret: str) -> None:
        text = (client / "index.html").read_text(encoding="utf-8")
        self._scripts = "\n".join(
            f'<script src="{found[1]}"{_MODULE if _MODULE in found[0] else ""}></script>'
            for found in _SCRIPT.finditer(text)
        )
        self._styles = "\n".join(f'<link rel="stylesheet" href="{name}">' for name in _STYLE.findall(text))
        self._secret = json.dumps(secret)

    def made(self, host: str) -> tuple[str, str]:
        """The page, and the policy that goes with it; both anew each time.

        Args:
            host: name and port by which the browser asked.
        """
        nonce = secrets.token_urlsafe(16)
        page = _PAGE.format(styles=self._styles, scripts=self._scripts, secret=self._secret, nonce=nonce)
        return page, content_policy(nonce, host)
