"""What an evaluation leaves behind: tables, pictures with their data, and one page."""
