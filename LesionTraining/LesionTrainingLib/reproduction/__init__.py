"""The papers' tables and figures, made anew by one command: a folder here with a ``REPRODUCTION`` is a method's."""
