//! The kinds of modules, and the table of the parameters of each kind with names, units, defaults and domains.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::params::Domain::{Finite, NonNegative, Positive, Probability};
use crate::{Count, Domain, Error, ParameterSpec, Params, Values};

/// A kind of module.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ModuleKind {
    /// A passive compartment.
    Compartment,
    /// The compartment with the spike threshold.
    Soma,
    /// An AMPA receptor.
    Ampa,
    /// An NMDA receptor, with the magnesium block.
    Nmda,
    /// A GABA receptor.
    Gaba,
    /// A receptor whose current does not depend on V.
    CurrentReceptor,
    /// A mechanism whose text declares its parameters.
    Written,
    /// An axial coupling.
    Coupling,
    /// A population of neurons.
    Population,
    /// A Poisson spike generator.
    Poisson,
    /// A Bernoulli spike generator.
    Bernoulli,
    /// Spikes at specified times.
    Spikes,
    /// A constant current.
    Dc,
    /// A current defined by samples.
    Current,
    /// Connections with weights and delays.
    Projection,
    /// The membrane of detailed cells, or the CVs on which a mechanism is placed.
    Cable,
    /// White noise current.
    WhiteNoise,
    /// Ornstein-Uhlenbeck noise current.
    OuNoise,
    /// White noise of a conductance.
    ConductanceNoise,
    /// Pair-based spike-timing-dependent plasticity.
    Stdp,
    /// Triplet-based spike-timing-dependent plasticity.
    TripletStdp,
    /// Short-term plasticity.
    TsodyksMarkram,
}

const fn spec(
    name: &'static str,
    unit: &'static str,
    default: Option<f64>,
    domain: Domain,
    doc: &'static str,
) -> ParameterSpec {
    ParameterSpec { name, unit, default, domain, doc }
}

const COMPARTMENT: [ParameterSpec; 8] = [
    spec("V_rest", "mV", Some(-70.0), Finite, "resting (leak reversal) potential"),
    spec("gL", "nS, or uS/cm2 with length and diameter", Some(2.9), Positive, "leak conductance"),
    spec("C", "pF, or uF/cm2 with length and diameter", Some(58.9), Positive, "capacitance"),
    spec("length", "um", None, Positive, "length of the cylinder"),
    spec("diameter", "um", None, Positive, "diameter of the cylinder"),
    spec("r_axial", "ohm cm", None, Positive, "axial resistivity"),
    spec(
        "area_factor",
        "",
        Some(1.0),
        Positive,
        "factor for the membrane area, for example to account for spines",
    ),
    spec("I_ext", "pA", Some(0.0), Finite, "constant injected current"),
];

const CABLE: [ParameterSpec; 9] = [
    COMPARTMENT[0],
    spec("gL", "uS/cm2", Some(30.0), NonNegative, "leak conductance"),
    spec("C", "uF/cm2", Some(1.0), Positive, "capacitance"),
    spec("V_init", "mV", None, Finite, "initial value of V; without it, V_rest"),
    spec("r_axial", "ohm cm", Some(100.0), Positive, "axial resistivity"),
    spec("length", "um", None, Positive, "length of each CV; without it, that of the morphology"),
    spec("diameter", "um", None, Positive, "diameter of each CV; without it, that of the morphology"),
    COMPARTMENT[6],
    spec("distance", "um", None, NonNegative, "path length from the centre of the soma"),
];

const NMDA: [ParameterSpec; 9] = [
    spec("g", "nS", Some(1.0), NonNegative, "maximal conductance"),
    spec("w", "", Some(1.0), NonNegative, "factor for g"),
    spec("t_rise", "ms", None, Positive, "time constant of the rise; without it, the gate jumps on a spike"),
    spec("t_decay", "ms", None, Positive, "time constant of the decay"),
    spec("E", "mV", Some(0.0), Finite, "reversal potential"),
    spec("Mg", "mM", Some(1.0), NonNegative, "magnesium concentration"),
    spec("alpha", "1/mV", Some(0.062), Finite, "steepness of the magnesium block"),
    spec("beta", "mM", Some(3.57), Positive, "half-block concentration at V = -gamma"),
    spec("gamma", "mV", Some(0.0), Finite, "shift of the magnesium block"),
];

const AMPA: [ParameterSpec; 5] = [NMDA[0], NMDA[1], NMDA[2], NMDA[3], NMDA[4]];

const GABA: [ParameterSpec; 5] =
    [NMDA[0], NMDA[1], NMDA[2], NMDA[3], ParameterSpec { default: Some(-80.0), ..NMDA[4] }];

const CURRENT_RECEPTOR: [ParameterSpec; 2] = [
    spec(
        "t_rise",
        "ms",
        None,
        Positive,
        "time constant of the rise; without it, the current jumps on a spike",
    ),
    NMDA[3],
];

const COUPLING: [ParameterSpec; 1] = [spec("g", "nS", None, NonNegative, "axial conductance")];

const POPULATION: [ParameterSpec; 7] = [
    spec("V_th", "mV", Some(1.0), Finite, "threshold of the soma"),
    spec("V_reset", "mV", Some(0.0), Finite, "potential after a spike"),
    spec("refractory", "ms", Some(0.0), NonNegative, "time after a spike during which no other spike occurs"),
    spec(
        "V_spike",
        "mV",
        None,
        Finite,
        "potential held after a spike until the reset; without it, the reset is immediate",
    ),
    spec("spike_width", "ms", None, Positive, "time from a spike to the reset, if V_spike is set"),
    spec("stdp_tau", "ms", Some(20.0), Positive, "time constant of the postsynaptic trace"),
    spec("tau_triplet", "ms", Some(110.0), Positive, "time constant of the slow postsynaptic trace"),
];

const POISSON: [ParameterSpec; 1] = [spec("rate", "Hz", None, NonNegative, "rate of each source")];
const BERNOULLI: [ParameterSpec; 1] =
    [spec("prob", "", None, Probability, "probability of a spike per step")];
const DC: [ParameterSpec; 1] = [spec("amplitude", "pA", None, Finite, "injected current")];
/// The weight of a projection whose receptors do not accept negative weights.
pub(crate) const WEIGHT: ParameterSpec = PROJECTION[0];

const PROJECTION: [ParameterSpec; 2] = [
    spec(
        "w",
        "",
        Some(1.0),
        NonNegative,
        "weight, the amount a spike adds to the gate; for inhibition, use a GABA receptor or a CurrentReceptor",
    ),
    spec("delay", "ms", None, NonNegative, "time from the presynaptic spike to the postsynaptic effect"),
];

const WHITE_NOISE: [ParameterSpec; 1] =
    [spec("sigma", "pA ms^1/2", None, NonNegative, "intensity of the noise current")];
const OU_NOISE: [ParameterSpec; 3] = [
    spec("sigma", "pA", None, NonNegative, "standard deviation of the noise current"),
    spec("tau", "ms", None, Positive, "correlation time"),
    spec("mean", "pA", Some(0.0), Finite, "mean and initial value of the noise current"),
];
const CONDUCTANCE_NOISE: [ParameterSpec; 2] = [
    spec("sigma", "nS ms^1/2", None, NonNegative, "intensity of the conductance noise"),
    spec("E", "mV", Some(0.0), Finite, "reversal potential"),
];

const STDP: [ParameterSpec; 7] = [
    spec("lambda_", "", Some(0.01), NonNegative, "learning rate"),
    spec("alpha", "", Some(1.0), NonNegative, "depression relative to facilitation"),
    spec(
        "mu_plus",
        "",
        Some(1.0),
        NonNegative,
        "exponent of the weight in facilitation; 0 for an additive rule",
    ),
    spec(
        "mu_minus",
        "",
        Some(1.0),
        NonNegative,
        "exponent of the weight in depression; 0 for an additive rule",
    ),
    spec("tau_plus", "ms", Some(20.0), Positive, "time constant of the presynaptic trace"),
    spec("w_max", "", Some(100.0), Finite, "maximum weight, > w_min"),
    spec("w_min", "", Some(0.0), Finite, "minimum weight, >= 0 except for current-based receptors"),
];
const TRIPLET_STDP: [ParameterSpec; 8] = [
    spec("A_plus", "", Some(5e-10), NonNegative, "facilitation per pair of spikes"),
    spec("A_minus", "", Some(7e-3), NonNegative, "depression per pair of spikes"),
    spec("A_plus_triplet", "", Some(6.2e-3), NonNegative, "facilitation per triplet of spikes"),
    spec("A_minus_triplet", "", Some(2.3e-4), NonNegative, "depression per triplet of spikes"),
    spec("tau_plus", "ms", Some(16.8), Positive, "time constant of the presynaptic trace"),
    spec("tau_plus_triplet", "ms", Some(101.0), Positive, "time constant of the slow presynaptic trace"),
    STDP[5],
    STDP[6],
];
const TSODYKS_MARKRAM: [ParameterSpec; 3] = [
    spec("U", "", Some(0.5), Probability, "utilization at rest, and its increment per spike"),
    spec("tau_rec", "ms", Some(800.0), Positive, "time constant of recovery from depression"),
    spec("tau_fac", "ms", Some(0.0), NonNegative, "time constant of facilitation; 0 for no facilitation"),
];

impl ModuleKind {
    /// All kinds.
    pub const ALL: [Self; 22] = [
        Self::Compartment,
        Self::Soma,
        Self::Ampa,
        Self::Nmda,
        Self::Gaba,
        Self::CurrentReceptor,
        Self::Written,
        Self::Coupling,
        Self::Population,
        Self::Poisson,
        Self::Bernoulli,
        Self::Spikes,
        Self::Dc,
        Self::Current,
        Self::Projection,
        Self::Cable,
        Self::WhiteNoise,
        Self::OuNoise,
        Self::ConductanceNoise,
        Self::Stdp,
        Self::TripletStdp,
        Self::TsodyksMarkram,
    ];

    /// Returns the name of the kind in lower case.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Compartment => "compartment",
            Self::Soma => "soma",
            Self::Ampa => "ampa",
            Self::Nmda => "nmda",
            Self::Gaba => "gaba",
            Self::CurrentReceptor => "current_receptor",
            Self::Written => "written",
            Self::Coupling => "coupling",
            Self::Population => "population",
            Self::Poisson => "poisson",
            Self::Bernoulli => "bernoulli",
            Self::Spikes => "spikes",
            Self::Dc => "dc",
            Self::Current => "current",
            Self::Projection => "projection",
            Self::Cable => "cable",
            Self::WhiteNoise => "white_noise",
            Self::OuNoise => "ou_noise",
            Self::ConductanceNoise => "conductance_noise",
            Self::Stdp => "stdp",
            Self::TripletStdp => "triplet_stdp",
            Self::TsodyksMarkram => "tsodyks_markram",
        }
    }

    /// Returns whether this is a built-in receptor.
    pub const fn is_receptor(self) -> bool {
        matches!(self, Self::Ampa | Self::Nmda | Self::Gaba | Self::CurrentReceptor)
    }

    /// Returns whether this is a rule that changes weights, depending on presynaptic and postsynaptic spikes.
    pub const fn learns(self) -> bool {
        matches!(self, Self::Stdp | Self::TripletStdp)
    }

    /// Returns the kind with this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|k| k.name() == name)
    }

    /// Returns the parameters that modules of this kind accept.
    pub const fn parameters(self) -> &'static [ParameterSpec] {
        match self {
            Self::Compartment | Self::Soma => &COMPARTMENT,
            Self::Ampa => &AMPA,
            Self::Nmda => &NMDA,
            Self::Gaba => &GABA,
            Self::CurrentReceptor => &CURRENT_RECEPTOR,
            Self::Coupling => &COUPLING,
            Self::Population => &POPULATION,
            Self::Poisson => &POISSON,
            Self::Bernoulli => &BERNOULLI,
            Self::Spikes | Self::Current | Self::Written => &[],
            Self::Dc => &DC,
            Self::Projection => &PROJECTION,
            Self::Cable => &CABLE,
            Self::WhiteNoise => &WHITE_NOISE,
            Self::OuNoise => &OU_NOISE,
            Self::ConductanceNoise => &CONDUCTANCE_NOISE,
            Self::Stdp => &STDP,
            Self::TripletStdp => &TRIPLET_STDP,
            Self::TsodyksMarkram => &TSODYKS_MARKRAM,
        }
    }

    /// Returns the specification of parameter `name`.
    ///
    /// # Errors
    /// Returns [`Error::UnknownName`], which suggests the most similar name, if there is no such parameter.
    pub fn parameter(self, module: &str, name: &str) -> Result<&'static ParameterSpec, Error> {
        self.parameters().iter().find(|p| p.name == name).ok_or_else(|| {
            let known = self.parameters().iter().map(|p| p.name.to_string()).collect();
            Error::unknown(module, "parameter", name, known)
        })
    }

    /// Returns the value of parameter `name`: the specified value, without copying it, or the default.
    pub fn value(self, params: &Params, name: &str) -> Option<Arc<Values>> {
        let default = || self.parameters().iter().find(|p| p.name == name)?.default;
        params.shared(name).or_else(|| default().map(|v| Arc::new(Values::Scalar(v))))
    }

    /// Checks all specified parameters of a module with `size` members.
    ///
    /// # Errors
    /// Returns an error for the first parameter that is unknown, has the wrong length or lies outside its domain.
    pub fn check(self, module: &str, params: &Params, size: impl Into<Count>) -> Result<(), Error> {
        let size = size.into();
        params.iter().try_for_each(|(name, values)| self.parameter(module, name)?.check(module, values, size))
    }
}
