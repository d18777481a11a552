"""The equations of ions, and the arguments of the ion that has given equations."""

from __future__ import annotations

import itertools
import re
from typing import Any, NamedTuple

from ... import _core
from ...errors import EquationError

__all__ = ["REVERSALS", "IonForm", "arguments"]

REVERSALS = ("fixed", "nernst")
_FARADAY = "96485.33212 C/mol"
_GAS = "8.314462618 J/mol/K"


class IonForm(NamedTuple):
    """The form of the equations of an ion."""

    reversal: str
    has_outside: bool
    has_potential: bool
    decays: bool
    is_shell: bool
    diffuses: bool

    def equations(self, ion: str, valence: float) -> str:
        """Return the equations, in Dendrion's equation language."""
        charge = f"({valence:.17g}*{_FARADAY})"
        volume = "area*depth" if self.is_shell else "pi*diameter^2*length/4"
        decay = f" - ({ion} - inside)/tau" if self.decays else ""
        lines = [
            f"# Ion {ion} of valence {valence:.17g}",
            f"d{ion}/dt = gamma*I_{ion}/({charge}*{volume}){decay} : mM",
            f"{ion}(0) = inside",
            f"import I_{ion} : pA = 0 pA",
            f"export {ion}",
            "inside : mM (>= 0)               # inner concentration at the beginning, and at rest",
            "gamma = 1 (in [0, 1])            # fraction of the current that changes the concentration",
        ]
        if self.decays:
            lines.append("tau : ms (> 0)                   # time constant of the return to rest")
        if self.is_shell:
            lines.append("depth : um (> 0)                 # depth of the shell under the membrane")
        if self.has_outside:
            lines += ["outside : mM (> 0)               # outer concentration", f"export {ion}_out = outside"]
        if self.reversal == "nernst":
            lines += [
                f"E_{ion} = {_GAS}*(celsius + 273.15)*1 K/{charge}*log(outside/max({ion}, 1e-12 mM)) : mV",
                f"export E_{ion}",
                "celsius = 6.3                    # temperature in degrees Celsius",
            ]
        elif self.has_potential:
            lines += ["E : mV                           # reversal potential", f"export E_{ion} = E"]
        if self.diffuses:
            lines += ["diffusion : um2/ms (>= 0)        # diffusion coefficient", f"diffuse {ion} = diffusion"]
        return "\n".join(lines) + "\n"


#: The parameters that formulas can replace, in the order in which an ion inserts its formulas.
_REPLACED = ("inside", "gamma", "outside", "E", "depth", "tau", "diffusion", "celsius")


def arguments(equations: str) -> dict[str, Any] | None:
    """Return the arguments of the ion that has these equations, except for numbers, or None."""
    head = re.match(r"# Ion (\S+) of valence (\S+)\n", equations)
    if head is None:
        return None
    ion, valence = head[1], float(head[2])
    formulas = _formulas(equations)
    for form in itertools.starmap(IonForm, itertools.product(REVERSALS, *[(False, True)] * 5)):
        if _with(formulas, form.equations(ion, valence)) == equations:
            return {"ion": ion, "valence": valence, "reversal": form.reversal, **formulas}
    return None


def _formulas(equations: str) -> dict[str, str]:
    """Return the formulas that were inserted into the equations of an ion."""
    found = {}
    for name in _REPLACED:
        line = re.search(rf"^{name} = (.+) \* (?:\(1 [^()]+\)|1)(?: : \S+)?(?: +#.*)?$", equations, re.MULTILINE)
        if line is not None:
            found[name] = re.sub(r"\b(distance|diameter) / \(1 um\)", r"\1", line[1])
    return found


def _with(formulas: dict[str, str], equations: str) -> str | None:
    """Insert formulas into the equations of an ion. Return None if they do not fit."""
    try:
        for name, formula in formulas.items():
            equations = _core.Density(name, formula).placed(equations, name)
    except EquationError:
        return None
    return equations
