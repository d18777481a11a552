"""The base class of everything with a name, an owner and parameters."""
