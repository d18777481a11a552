"""Networks, and what happens when they run."""
