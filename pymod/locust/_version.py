"""The version of the Locust API that this program implements.

Masters and workers compare its first four characters. The program's own version is
``_locust.__version__``.
"""

version = __version__ = "2.46.3"
