"""The base of everything that has a name, an owner and parameters."""
