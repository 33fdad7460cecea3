"""One file a command: ``add_parser(commands)`` declares its arguments, ``run(options)`` does it."""
