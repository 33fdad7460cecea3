"""Undo over any sequence of steps gives every state back."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from LesionDetectionLib.app.session.undo import MOST, UndoStack


@given(st.lists(st.sampled_from(["do", "undo", "redo"]), max_size=40))
def test_it_does_what_a_list_and_a_place_in_it_do(steps):
    stack, state = UndoStack(), 0
    states, at = [0], 0
    for count, step in enumerate(steps, 1):
        if step == "do":
            stack.push(f"step {count}", state)
            state = count
            states, at = [*states[: at + 1], count], at + 1
        elif step == "undo":
            state, at = stack.undo(state), max(at - 1, 0)
        else:
            state, at = stack.redo(state), min(at + 1, len(states) - 1)
        assert state == states[at]
        assert bool(stack.undo_text) == (at > 0)
        assert bool(stack.redo_text) == (at < len(states) - 1)


def test_only_so_many_are_kept():
    stack = UndoStack()
    for n in range(3 * MOST):
        stack.push(str(n), n)
    count, state = 0, 3 * MOST
    while stack.undo_text:
        state, count = stack.undo(state), count + 1
    assert count == MOST
    assert state == 2 * MOST
