"""Ion channels from the literature, with references. Attributes such as ``KA.equations`` contain their equations.

Conductances are per area (mS/cm2), as in the literature, and require the compartment's ``length`` and ``diameter``. For
compartments without a geometry, use ``KA.absolute``, whose ``g`` is in nS and has no default.

Channels on one compartment share calcium: [CaT][dendrion.channels.CaT] and [CaL][dendrion.channels.CaL] export the
current ``I_Ca``, [CaPool][dendrion.channels.CaPool] imports it and exports the concentration ``Ca``, and
[KCa][dendrion.channels.KCa] imports the concentration.
"""

from __future__ import annotations

import re
from typing import Any, ClassVar

from . import _core
from .neurons.equations import Channel

__all__ = ["HHK", "KA", "KM", "CaL", "CaPool", "CaT", "HHNa", "Ih", "KCa", "Kdr", "NaP", "NaT"]


class _PerArea(Channel):
    """A channel with a conductance per area. Its attribute ``absolute`` is a version with an absolute conductance."""

    absolute: ClassVar[type[Channel]]

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        text = cls.equations.replace(": pA/um2", ": pA").replace("= I * area", "= I")
        text = re.sub(r"^g = [^(]*", "g : nS ", text, flags=re.MULTILINE)
        doc = f"{cls.__name__} with an absolute conductance ``g`` (nS), for compartments without a geometry."
        members = {"equations": text, "__doc__": doc, "__module__": cls.__module__}
        cls.absolute = type(f"{cls.__name__}.absolute", (Channel,), members)


class HHNa(_PerArea):
    """Sodium current of the squid giant axon at 6.3 degrees Celsius (Hodgkin & Huxley 1952).

    The kinetics are for a resting potential of -65 mV.

    Parameters
    ----------
    g : float or array
        Maximal conductance (mS/cm2), >= 0.
    E : float or array
        Reversal potential (mV).
    size, on, parent, name, frozen_params
        See [Channel][dendrion.Channel].
    """

    equations = _core.library("hh_na")


class HHK(_PerArea):
    """Potassium current of the squid giant axon at 6.3 degrees Celsius (Hodgkin & Huxley 1952).

    The kinetics are for a resting potential of -65 mV.

    Parameters
    ----------
    g, E, size, on, parent, name, frozen_params
        See [HHNa][dendrion.channels.HHNa].
    """

    equations = _core.library("hh_k")


class NaT(_PerArea):
    """Transient sodium current of pyramidal cells (Traub & Miles 1991, as in Pospischil et al. 2008).

    Parameters
    ----------
    Vt : float or array
        Shift of the activation and inactivation curves (mV), which shifts the spike threshold.
    g, E, size, on, parent, name, frozen_params
        See [HHNa][dendrion.channels.HHNa].
    """

    equations = _core.library("nat")


class NaP(_PerArea):
    """Persistent sodium current (Traub, Buhl, Gloveli & Whittington 2003).

    Parameters
    ----------
    g, E, size, on, parent, name, frozen_params
        See [HHNa][dendrion.channels.HHNa].
    """

    equations = _core.library("nap")


class Kdr(_PerArea):
    """Delayed-rectifier potassium current of pyramidal cells (Traub & Miles 1991, as in Pospischil et al. 2008).

    Parameters
    ----------
    Vt : float or array
        Shift of the activation curve (mV).
    g, E, size, on, parent, name, frozen_params
        See [HHNa][dendrion.channels.HHNa].
    """

    equations = _core.library("kdr")


class KA(_PerArea):
    """A-type potassium current (Traub et al. 2003, after Huguenard & McCormick 1992).

    Parameters
    ----------
    g, E, size, on, parent, name, frozen_params
        See [HHNa][dendrion.channels.HHNa].
    """

    equations = _core.library("ka")


class KM(_PerArea):
    """Slow muscarinic potassium current (Yamada, Koch & Adams 1989, as in Pospischil et al. 2008).

    Parameters
    ----------
    tau_max : float or array
        Scale of the time constant (ms), > 0.
    g, E, size, on, parent, name, frozen_params
        See [HHNa][dendrion.channels.HHNa].
    """

    equations = _core.library("km")


class Ih(_PerArea):
    """Hyperpolarization-activated cation current (Kole, Hallermann & Stuart 2006, as in Hay et al. 2011).

    Parameters
    ----------
    g, E, size, on, parent, name, frozen_params
        See [HHNa][dendrion.channels.HHNa].
    """

    equations = _core.library("ih")


class CaT(_PerArea):
    """Low-threshold calcium current (Huguenard & McCormick 1992, as in Destexhe et al. 1996). It exports ``I_Ca``.

    Parameters
    ----------
    Vx : float or array
        Shift of all kinetics along the voltage axis (mV).
    g, E, size, on, parent, name, frozen_params
        See [HHNa][dendrion.channels.HHNa].
    """

    equations = _core.library("cat")


class CaL(_PerArea):
    """High-threshold calcium current (Reuveni et al. 1993, as in Pospischil et al. 2008). It exports ``I_Ca``.

    Parameters
    ----------
    g, E, size, on, parent, name, frozen_params
        See [HHNa][dendrion.channels.HHNa].
    """

    equations = _core.library("cal")


class KCa(_PerArea):
    """SK-type calcium-activated potassium current (Koehler et al. 1996, as in Hay et al. 2011). It imports ``Ca``.

    Parameters
    ----------
    K_half : float or array
        Calcium concentration at half activation (mM), > 0.
    tau_z : float or array
        Time constant (ms), > 0.
    g, E, size, on, parent, name, frozen_params
        See [HHNa][dendrion.channels.HHNa].
    """

    equations = _core.library("kca")


class CaPool(Channel):
    """Calcium concentration in a shell under the membrane (Destexhe et al. 1994, as in Hay et al. 2011).

    The pool imports ``I_Ca`` from the channels on its compartment and exports ``Ca``. The compartment needs a
    geometry.

    Parameters
    ----------
    gamma : float or array
        Fraction of the calcium that is not buffered, from 0 to 1.
    tau : float or array
        Time constant of calcium removal (ms), > 0.
    depth : float or array
        Depth of the shell (um), > 0.
    Ca_rest : float or array
        Calcium concentration at rest (mM), >= 0.
    faraday : float or array
        Faraday constant (C/mol).
    size, on, parent, name, frozen_params
        See [Channel][dendrion.Channel].
    """

    equations = _core.library("ca_pool")
