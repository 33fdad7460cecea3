"""The sections of the page: each shows a part of the session and hands on what a person does there."""
