"""Recordings of probes, in memory and on disk."""
