"""How the store's tables came to be what they are, step by step; :mod:`intone.serve.tables` takes the steps."""
