"""Tests of detailed cells."""
