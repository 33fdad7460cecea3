"""What a user does: command line, results folder, pictures, report."""
