"""A document as a value, and what it becomes: a page of HTML, and a PDF of the same content."""
