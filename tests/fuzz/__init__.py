"""Fuzzers: seeded random inputs, each of which has to end well or in an error that Dendrion raises on purpose.

``make fuzz`` runs them for as long as asked; ``make fuzz ARGS=--help`` lists the arguments. Each target is a module of
this package, listed in ``_target.TARGETS``.
"""
