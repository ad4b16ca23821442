"""Finding files."""

import os


def get_abspaths_in(path: str, extension: str | None = None) -> list[str]:
    """Files below a directory: those named *extension, but none that begins with an underscore."""
    return [
        os.path.abspath(os.path.join(root, name))
        for root, _, names in os.walk(path)
        for name in names
        if not name.startswith("_")
        and (extension is None or name.endswith(extension))
        and os.path.isfile(os.path.join(root, name))
    ]
