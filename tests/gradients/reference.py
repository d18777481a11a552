"""A network that is implemented and differentiated in JAX, independently of Dendrion.

The network has one population of two-compartment neurons (AMPA on the soma, NMDA on the dendrite), a generator with
delays >= 0, recurrent connections with delays >= 1, and hard thresholds with a surrogate derivative. It uses forward
Euler.
"""

import functools

import jax
import jax.numpy as jnp

jax.config.update("jax_enable_x64", True)


def half_cylinders(p, a, b):
    def resistance(c):
        return 4 * p[f"{c}.r_axial"] * p[f"{c}.length"] / (jnp.pi * p[f"{c}.diameter"] ** 2)

    return 2e5 / (resistance(a) + resistance(b))


def membrane(p, c):
    area = jnp.pi * p[f"{c}.length"] * p[f"{c}.diameter"] * p[f"{c}.area_factor"]
    return 1e-5 * p[f"{c}.gL"] * area, 1e-2 * p[f"{c}.C"] * area


def peak(rise, decay):
    d = (decay - rise) / rise
    return rise * jnp.exp(-jnp.log1p(d) / d)


def hard(surrogate):
    @jax.custom_jvp
    def spike(x):
        return (x > 0).astype(jnp.float64)

    @spike.defjvp
    def _(primals, tangents):
        (x,), (t,) = primals, tangents
        return spike(x), surrogate(x) * t

    return spike


@functools.partial(jax.jit, static_argnames=("surrogate", "steps", "dt", "soft", "detach", "refractory", "relative"))
def simulate(p, x, delays, *, surrogate, steps, dt, soft=False, detach=False, refractory=0, relative=False):
    """Return V of soma and dendrite before each step, and spikes in each step. ``x`` is the generator's output."""
    spike = hard(surrogate)
    g_l, c = membrane(p, "soma")
    g_ld, c_d = membrane(p, "dend")
    axial = half_cylinders(p, "soma", "dend")
    n = p["rec"].shape[1]
    slots = 32
    targets = jnp.arange(n)[None, :]

    def send(due, now, values, weights, delay):
        return due.at[(now + delay) % slots, jnp.broadcast_to(targets, delay.shape)].add(values[:, None] * weights)

    def step(state, given):
        v, vd, s_a, s, gate, wait, due_a, due_n = state
        now, sent = given
        due_n = send(due_n, now, sent, p["w"], delays["w"])
        due_a = send(due_a, now, sent, p["w_ampa"], delays["w_ampa"])
        block = 1 / (1 + p["nmda.Mg"] / p["nmda.beta"] * jnp.exp(-p["nmda.alpha"] * (vd + p["nmda.gamma"])))
        g_nmda = p["nmda.g"] * p["nmda.w"] / peak(p["nmda.t_rise"], p["nmda.t_decay"])
        i_n = g_nmda * gate * (p["nmda.E"] - vd) * block
        i_a = p["ampa.g"] * p["ampa.w"] * s_a * (p["ampa.E"] - v)
        into = p["soma.I_ext"] + axial * (vd - v) + i_a
        new_v = v + dt * (g_l * (p["soma.V_rest"] - v) + into) / c
        new_vd = vd + dt * (g_ld * (p["dend.V_rest"] - vd) + p["dend.I_ext"] + axial * (v - vd) + i_n) / c_d
        new_gate = gate + dt * (s - gate / p["nmda.t_decay"])
        new_s = s - dt * s / p["nmda.t_rise"]
        new_s_a = s_a - dt * s_a / p["ampa.t_decay"]
        wait = jnp.maximum(wait - 1, 0)
        distance = p["V_th"] - p["V_reset"] if relative else 1.0
        fired = spike((new_v - p["V_th"]) / distance) * (wait < 0.5)
        wait = jnp.where(fired > 0, refractory, wait)
        reset = jax.lax.stop_gradient(fired) if detach else fired
        to = new_v - p["V_th"] if soft else p["V_reset"]
        after = new_v + reset * (to - new_v)
        slot = now % slots
        new_s, new_s_a = new_s + due_n[slot], new_s_a + due_a[slot]
        due_n, due_a = due_n.at[slot].set(0.0), due_a.at[slot].set(0.0)
        due_n = send(due_n, now, fired, p["rec"], delays["rec"])
        state = (after, new_vd, new_s_a, new_s, new_gate, wait, due_a, due_n)
        return state, (v, vd, fired)

    zeros, due = jnp.zeros(n), jnp.zeros((slots, n))
    rest = p["soma.V_rest"] + zeros, p["dend.V_rest"] + zeros
    start = (*rest, zeros, zeros, zeros, zeros, due, due)
    _, recorded = jax.lax.scan(step, start, (jnp.arange(steps), x))
    return recorded


def gradient(p, x, delays, cotangents, **how):
    """Return gradients of the weighted sum of all recordings with respect to the parameters and ``x``."""

    def loss(p, x):
        recorded = simulate(p, x, delays, **how)
        return sum(jnp.vdot(r, w) for r, w in zip(recorded, cotangents, strict=True))

    return jax.grad(loss, argnums=(0, 1))(p, x)
