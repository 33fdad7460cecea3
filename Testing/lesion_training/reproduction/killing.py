"""Runs that are killed between two of their steps."""

from __future__ import annotations


class Killed(BaseException):
    """What nobody catches."""


def kill_before_each(steps, monkeypatch):
    """The first call of each step, (owner, name), is never done.

    Returns:
        Two lists of names that grow: what was killed, and what was done.
    """
    killed, done = [], []

    def watched(name, plain):
        def step(*arguments, **options):
            if name not in killed:
                killed.append(name)
                raise Killed
            result = plain(*arguments, **options)
            done.append(name)
            return result

        return step

    for owner, name in steps:
        monkeypatch.setattr(owner, name, watched(name, getattr(owner, name)))
    return killed, done
