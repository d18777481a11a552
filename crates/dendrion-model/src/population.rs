//! A population: neurons that share their structure.

use serde::{Deserialize, Serialize};

use crate::{Mechanism, ModuleKind, Params, Surrogate, Values};

/// How a population's differential equations are solved.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OdeMethod {
    /// Forward Euler.
    #[default]
    Euler,
    /// Exponential Euler: each state's own linear part is solved exactly.
    ExpEuler,
    /// The explicit midpoint rule, order 2.
    Midpoint,
    /// Heun's method, order 2.
    Heun2,
    /// Heun's method of order 3.
    Heun3,
    /// The classical Runge-Kutta method, order 4.
    Rk4,
    /// Linearly implicit Euler on the compartment tree, order 1.
    ImplicitEuler,
    /// Linearly implicit Crank-Nicolson on the compartment tree, order 2.
    CrankNicolson,
}

impl OdeMethod {
    /// Every method.
    pub const ALL: [Self; 8] = [
        Self::Euler,
        Self::ExpEuler,
        Self::Midpoint,
        Self::Heun2,
        Self::Heun3,
        Self::Rk4,
        Self::ImplicitEuler,
        Self::CrankNicolson,
    ];

    /// The name of the method in lower case.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Euler => "euler",
            Self::ExpEuler => "exp_euler",
            Self::Midpoint => "midpoint",
            Self::Heun2 => "heun2",
            Self::Heun3 => "heun3",
            Self::Rk4 => "rk4",
            Self::ImplicitEuler => "implicit_euler",
            Self::CrankNicolson => "crank_nicolson",
        }
    }

    /// The method of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|m| m.name() == name)
    }
}

/// How the noise on a population's compartments is integrated (Ito).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SdeMethod {
    /// Milstein's method, strong order 1.
    #[default]
    Milstein,
    /// Euler-Maruyama, strong order 1/2 where noise is multiplicative.
    EulerMaruyama,
}

impl SdeMethod {
    /// The method of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "milstein" => Some(Self::Milstein),
            "euler_maruyama" => Some(Self::EulerMaruyama),
            _ => None,
        }
    }
}

/// A cylinder of membrane (isopotential).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Compartment {
    /// Name, unique in the population.
    pub name: String,
    /// Whether it carries the threshold (`LeakyIF`).
    pub soma: bool,
    /// Its parameters (see [`ModuleKind::Compartment`], [`ModuleKind::Soma`]).
    pub params: Params,
}

impl Compartment {
    /// The kind of module it is.
    pub const fn kind(&self) -> ModuleKind {
        if self.soma { ModuleKind::Soma } else { ModuleKind::Compartment }
    }

    /// Whether it has a geometry, so that `gL` and `C` are specific.
    pub fn has_geometry(&self) -> bool {
        self.params.has("length") && self.params.has("diameter")
    }

    /// Whether a half-cylinder axial conductance can be computed for it.
    pub fn has_axial_geometry(&self) -> bool {
        self.has_geometry() && self.params.has("r_axial")
    }

    /// The value of a parameter: as given, or its default.
    pub fn value(&self, name: &str) -> Option<Values> {
        self.kind().value(&self.params, name)
    }
}

/// A synaptic receptor on a compartment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Receptor {
    /// Name, unique among the population's receptors.
    pub name: String,
    /// [`ModuleKind::Ampa`], [`ModuleKind::Nmda`], [`ModuleKind::Gaba`], or [`ModuleKind::Written`] with a text.
    pub kind: ModuleKind,
    /// Index of the compartment it acts on and whose V it sees.
    pub on: usize,
    /// Whether g is divided by the peak of x after one unit spike.
    pub scale_g: bool,
    /// Its parameters.
    pub params: Params,
    /// Its equations, where it is [`ModuleKind::Written`].
    #[serde(default)]
    pub text: Option<String>,
}

impl Receptor {
    /// Whether its gate rises with a time constant of its own (states x and s) or jumps (s).
    pub fn rises(&self) -> bool {
        self.params.has("t_rise")
    }
}

/// An axial coupling of two compartments, the same conductance both ways.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Coupling {
    /// Name, unique among the population's couplings.
    pub name: String,
    /// Index of one compartment.
    pub a: usize,
    /// Index of the other.
    pub b: usize,
    /// `g` in nS; without it, it follows from the half cylinders of both compartments.
    pub params: Params,
}

/// Noise on a compartment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Noise {
    /// Name, unique among the population's noises.
    pub name: String,
    /// [`ModuleKind::WhiteNoise`], [`ModuleKind::OuNoise`] or [`ModuleKind::ConductanceNoise`].
    pub kind: ModuleKind,
    /// Index of the compartment it acts on.
    pub on: usize,
    /// Its parameters.
    pub params: Params,
}

/// A population of neurons: a tree of compartments with receptors and one soma.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Population {
    /// Path, unique in the network.
    pub path: String,
    /// Number of neurons.
    pub size: usize,
    /// Threshold, reset and refractory time; no `V_reset` where [`Population::soft_reset`].
    pub params: Params,
    /// Whether a spike subtracts `V_th` from V instead of setting `V_reset`.
    pub soft_reset: bool,
    /// Whether a spike resets V. If not, a spike is an upward crossing of `V_th`: V is at most `V_th` at the beginning of a
    /// step and above it at the end. Then there is no `V_reset`, refractory time or `V_spike`.
    #[serde(default = "yes")]
    pub reset: bool,
    /// How the equations are solved.
    pub method: OdeMethod,
    /// How noise is integrated.
    pub sde: SdeMethod,
    /// The compartments.
    pub compartments: Vec<Compartment>,
    /// The receptors.
    pub receptors: Vec<Receptor>,
    /// The axial couplings.
    pub couplings: Vec<Coupling>,
    /// The noises.
    pub noises: Vec<Noise>,
    /// Mechanisms that are text.
    #[serde(default)]
    pub mechanisms: Vec<Mechanism>,
    /// The part of a plastic connection's delay that lies on the dendrite, in steps: one for all or one per neuron.
    pub dendritic_delay: Vec<u16>,
    /// What gradients take for the derivative of the spike.
    #[serde(default)]
    pub surrogate: Surrogate,
    /// Whether gradients leave out the derivative of the reset of V with respect to the spike. Whatever else a spike
    /// changes, such as an adaptation current, is differentiated in either case. `true` for new populations; `false` where
    /// stored data have no value, as in earlier versions.
    #[serde(default)]
    pub detach_reset: bool,
}

const fn yes() -> bool {
    true
}

impl Population {
    /// Whether a compartment, receptor, mechanism or noise has that name.
    pub fn has_part(&self, name: &str) -> bool {
        self.compartments.iter().any(|c| c.name == name)
            || self.receptors.iter().any(|r| r.name == name)
            || self.mechanisms.iter().any(|m| m.name == name)
            || self.noises.iter().any(|n| n.name == name)
    }

    /// A population without compartments yet, hard reset, forward Euler.
    pub fn new(path: impl Into<String>, size: usize, params: impl Into<Params>) -> Self {
        Self {
            path: path.into(),
            size,
            params: params.into(),
            soft_reset: false,
            reset: true,
            method: OdeMethod::Euler,
            sde: SdeMethod::Milstein,
            compartments: Vec::new(),
            receptors: Vec::new(),
            couplings: Vec::new(),
            noises: Vec::new(),
            mechanisms: Vec::new(),
            dendritic_delay: vec![1],
            surrogate: Surrogate::default(),
            detach_reset: true,
        }
    }

    /// Adds the compartment with the threshold; returns its index.
    pub fn soma(&mut self, name: impl Into<String>, params: impl Into<Params>) -> usize {
        self.push_compartment(Compartment { name: name.into(), soma: true, params: params.into() })
    }

    /// Adds a passive compartment; returns its index.
    pub fn compartment(&mut self, name: impl Into<String>, params: impl Into<Params>) -> usize {
        self.push_compartment(Compartment { name: name.into(), soma: false, params: params.into() })
    }

    /// Adds a compartment; returns its index.
    pub fn push_compartment(&mut self, compartment: Compartment) -> usize {
        self.compartments.push(compartment);
        self.compartments.len() - 1
    }

    /// Couples two compartments by `g` (nS), or by their half cylinders where `g` is `None`.
    pub fn couple(&mut self, name: impl Into<String>, a: usize, b: usize, g: Option<f64>) {
        let params = g.map_or_else(Params::new, |g| Params::new().with("g", g));
        self.couplings.push(Coupling { name: name.into(), a, b, params });
    }

    /// Adds a receptor of `kind` on compartment `on`; returns its index.
    pub fn receptor(
        &mut self,
        name: impl Into<String>,
        kind: ModuleKind,
        on: usize,
        params: impl Into<Params>,
    ) -> usize {
        let (name, params) = (name.into(), params.into());
        self.receptors.push(Receptor { name, kind, on, scale_g: false, params, text: None });
        self.receptors.len() - 1
    }

    /// Adds a mechanism on compartment `on`, in the language of equations.
    pub fn mechanism(
        &mut self,
        name: impl Into<String>,
        on: usize,
        text: impl Into<String>,
        params: impl Into<Params>,
    ) {
        let (name, text, params) = (name.into(), text.into(), params.into());
        self.mechanisms.push(Mechanism { name, on, text, params });
    }

    /// Adds a receptor on compartment `on`, in the language of equations; returns its index.
    pub fn written_receptor(
        &mut self,
        name: impl Into<String>,
        on: usize,
        text: impl Into<String>,
        params: impl Into<Params>,
    ) -> usize {
        let (name, text, params) = (name.into(), Some(text.into()), params.into());
        self.receptors.push(Receptor { name, kind: ModuleKind::Written, on, scale_g: false, params, text });
        self.receptors.len() - 1
    }

    /// Adds noise of `kind` on compartment `on`.
    pub fn noise(&mut self, name: impl Into<String>, kind: ModuleKind, on: usize, params: impl Into<Params>) {
        self.noises.push(Noise { name: name.into(), kind, on, params: params.into() });
    }

    /// Path of a member module.
    pub fn path_of(&self, name: &str) -> String {
        format!("{}/{name}", self.path)
    }
}
