"""What comes in and goes out: uploads, the served folder, what is opened of them, and downloads. Nothing here knows of widgets."""
