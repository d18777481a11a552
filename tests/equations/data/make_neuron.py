"""The squid axon's membrane in NEURON: run it where NEURON is installed. Prints spike times and potentials as JSON.

One compartment, 20 x 20 um, dt 0.001 ms, tables off; 0.126 nA from 10 to 60 ms. NEURON's second-order method: with
its default, of order 1, it differs from itself by 1.8 mV in the upstroke at this step.
"""

import json
import sys

from neuron import h

h.load_file("stdrun.hoc")
soma = h.Section(name="soma")
soma.L = soma.diam = 20
soma.insert("hh")
soma.ena, soma.ek = 50, -77
h.usetable_hh = 0
h.celsius = 6.3
stimulus = h.IClamp(soma(0.5))
stimulus.delay, stimulus.dur, stimulus.amp = 10, 50, 0.126
v, t = h.Vector(), h.Vector()
v.record(soma(0.5)._ref_v)
t.record(h._ref_t)
times = h.Vector()
counter = h.NetCon(soma(0.5)._ref_v, None, sec=soma)
counter.threshold = 0
counter.record(times)
h.dt, h.tstop, h.v_init, h.steps_per_ms = 0.001, 100, -65, 1000
h.secondorder = 2
h.run()
json.dump({"v": list(v)[:-1:1000], "spikes": list(times)}, sys.stdout)
print()
