"""Networks and their simulation."""
