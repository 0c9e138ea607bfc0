"""One module a step; a released one is not changed any more."""
