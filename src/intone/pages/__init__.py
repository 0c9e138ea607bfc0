"""Self-contained pages: markup that escapes, charts as SVG, and one style for light, dark, phone and paper."""
