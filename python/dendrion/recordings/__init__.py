"""Recordings: what probes recorded, in memory and on disk."""
