"""Where something of a locustfile is written, for messages."""

import inspect
from functools import lru_cache


@lru_cache(maxsize=256)
def place_of(thing) -> str:
    """" (FILE, line N)" of a class or function; "" where that cannot be known."""
    code = getattr(inspect.unwrap(thing), "__code__", None)
    if code is not None:
        return f" ({code.co_filename}, line {code.co_firstlineno})"
    try:
        return f" ({inspect.getsourcefile(thing)}, line {inspect.getsourcelines(thing)[1]})"
    except (OSError, TypeError):
        return ""
