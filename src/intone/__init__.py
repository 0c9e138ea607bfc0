"""Intone: hear how it was said."""

__version__ = "0.1.0"
