"""Fuzzers: seeded random inputs, each of which must either succeed or raise one of Dendrion's own errors.

``make fuzz`` runs them for a requested time; ``make fuzz ARGS=--help`` lists the arguments. Each target is a module of
this package, listed in ``_target.TARGETS``.
"""
