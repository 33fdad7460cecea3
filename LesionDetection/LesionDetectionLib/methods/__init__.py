"""One folder a method. Each has ``METHOD`` (a ``MethodInfo``) in its ``__init__``, which loads no heavy library."""
