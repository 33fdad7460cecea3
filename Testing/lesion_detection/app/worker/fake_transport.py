"""A process that says what the test wants, at once."""

from __future__ import annotations

import json
from typing import ClassVar


class FakeTransport:
    """Keeps what it is told."""

    made: ClassVar = []

    def __init__(self, command):
        self.command, self.sent, self.timers, self.killed = command, [], [], False
        FakeTransport.made.append(self)

    def start(self, on_line, on_error_line, on_end):
        self.say, self.mutter, self.end = on_line, on_error_line, on_end

    def send(self, line):
        self.sent.append(json.loads(line))

    def kill(self):
        self.killed = True

    def later(self, seconds, call):
        self.timers.append(FakeTimer(seconds, call))
        return self.timers[-1]

    def answer(self, **message):
        self.say(json.dumps(message))


class FakeTimer:
    def __init__(self, seconds, call):
        self.seconds, self.call, self.cancelled = seconds, call, False

    def cancel(self):
        self.cancelled = True


class Seen(list):
    def __call__(self, job):
        self.append((job.state, job.fraction, job.text))
