"""What a user does: command line, session, report."""
