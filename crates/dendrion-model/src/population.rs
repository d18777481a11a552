//! Populations of neurons with a common structure.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{Mechanism, ModuleKind, Params, Role, Surrogate, Values};

/// The numerical method for a population's differential equations.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OdeMethod {
    /// Forward Euler.
    #[default]
    Euler,
    /// Exponential Euler: exactly solves the part of each equation that is linear in its own state.
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
    /// All methods.
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

    /// Returns the name of the method in lower case.
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

    /// Returns the method with this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|m| m.name() == name)
    }
}

/// The numerical method for the noise of a population, in the Ito interpretation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SdeMethod {
    /// Milstein's method, strong order 1.
    #[default]
    Milstein,
    /// Euler-Maruyama, strong order 1/2 for multiplicative noise.
    EulerMaruyama,
}

impl SdeMethod {
    /// Returns the method with this name.
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "milstein" => Some(Self::Milstein),
            "euler_maruyama" => Some(Self::EulerMaruyama),
            _ => None,
        }
    }
}

/// A compartment: an isopotential cylinder of membrane.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Compartment {
    /// Name, unique in the population.
    pub name: String,
    /// Whether this is the soma, which has the spike threshold.
    pub soma: bool,
    /// Its parameters (see [`ModuleKind::Compartment`], [`ModuleKind::Soma`]).
    pub params: Params,
}

impl Compartment {
    /// Returns the kind of module. A compartment without a name stands for the CVs of detailed cells.
    pub const fn kind(&self) -> ModuleKind {
        match (self.soma, self.name.is_empty()) {
            (true, _) => ModuleKind::Soma,
            (false, false) => ModuleKind::Compartment,
            (false, true) => ModuleKind::Cable,
        }
    }

    /// Returns whether the compartment has a geometry, so that `gL` and `C` are specific. CVs always have one; placed
    /// mechanisms get it from the membrane.
    pub fn has_geometry(&self) -> bool {
        self.kind() == ModuleKind::Cable || (self.params.has("length") && self.params.has("diameter"))
    }

    /// Returns whether the compartment has the parameters needed for the axial conductance of half of its cylinder.
    pub fn has_axial_geometry(&self) -> bool {
        self.has_geometry() && self.params.has("r_axial")
    }

    /// Returns the value of a parameter: the specified value or the default.
    pub fn value(&self, name: &str) -> Option<Arc<Values>> {
        self.kind().value(&self.params, name)
    }
}

/// A synaptic receptor on a compartment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Receptor {
    /// Name, unique among the population's receptors.
    pub name: String,
    /// [`ModuleKind::Ampa`], [`ModuleKind::Nmda`], [`ModuleKind::Gaba`], [`ModuleKind::CurrentReceptor`], or
    /// [`ModuleKind::Written`] for a text.
    pub kind: ModuleKind,
    /// Index of the compartment on which the receptor acts and whose V it reads.
    pub on: usize,
    /// Whether `g` is divided by the peak of the gate `x` after one spike of weight 1.
    pub scale_g: bool,
    /// Its parameters.
    pub params: Params,
    /// The equations, for [`ModuleKind::Written`].
    #[serde(default)]
    pub text: Option<String>,
    /// Whether the weights of a receptor with equations of its own may be negative.
    #[serde(default)]
    pub signed: bool,
}

impl Receptor {
    /// Returns whether the weights of connections onto this receptor may be negative.
    pub fn accepts_negative(&self) -> bool {
        self.kind == ModuleKind::CurrentReceptor || (self.signed && self.text.is_some())
    }

    /// Returns whether the gate has a rise time constant (states `x` and `s`) instead of jumping on a spike (state
    /// `s` only).
    pub fn rises(&self) -> bool {
        self.params.has("t_rise")
    }
}

/// An axial coupling of two compartments with the same conductance in both directions.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Coupling {
    /// Name, unique among the population's couplings.
    pub name: String,
    /// Index of the first compartment.
    pub a: usize,
    /// Index of the second compartment.
    pub b: usize,
    /// `g` in nS. Without `g`, the conductance is computed from the half cylinders of both compartments.
    pub params: Params,
}

/// Noise on a compartment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Noise {
    /// Name, unique among the population's noises.
    pub name: String,
    /// [`ModuleKind::WhiteNoise`], [`ModuleKind::OuNoise`] or [`ModuleKind::ConductanceNoise`].
    pub kind: ModuleKind,
    /// Index of the compartment that receives the noise.
    pub on: usize,
    /// Its parameters.
    pub params: Params,
}

/// A population of neurons. Each neuron is a tree of compartments with one soma, and may have receptors, mechanisms
/// and noise.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Population {
    /// Path, unique in the network.
    pub path: String,
    /// Number of neurons.
    pub size: usize,
    /// Threshold, reset and refractory time. `V_reset` is not allowed with [`Population::soft_reset`].
    pub params: Params,
    /// Whether a spike subtracts `V_th` from V instead of setting V to `V_reset`.
    pub soft_reset: bool,
    /// Whether a spike resets V. If not, a spike is an upward crossing of `V_th`: V is at most `V_th` at the
    /// beginning of a step and above `V_th` at the end. In this case, `V_reset`, `V_spike` and a refractory
    /// time are not allowed.
    #[serde(default = "yes")]
    pub reset: bool,
    /// The numerical method for the differential equations.
    pub method: OdeMethod,
    /// The numerical method for the noise.
    pub sde: SdeMethod,
    /// The compartments.
    pub compartments: Vec<Compartment>,
    /// The receptors.
    pub receptors: Vec<Receptor>,
    /// The axial couplings.
    pub couplings: Vec<Coupling>,
    /// The noise sources.
    pub noises: Vec<Noise>,
    /// The mechanisms defined by text.
    #[serde(default)]
    pub mechanisms: Vec<Mechanism>,
    /// The dendritic part of the delay of plastic connections, in steps: one value for all neurons or one per
    /// neuron.
    pub dendritic_delay: Vec<u16>,
    /// The surrogate derivative of the spike, used by gradients.
    #[serde(default)]
    pub surrogate: Surrogate,
    /// Whether gradients omit the derivative of the reset of V with respect to the spike. All other effects of a
    /// spike, for example on an adaptation current, are always differentiated. The default is `true` for new
    /// populations, and `false` for stored data without this entry, as in earlier versions.
    #[serde(default)]
    pub detach_reset: bool,
    /// Whether these are ordinary neurons or one of the populations of a group of detailed cells.
    #[serde(default)]
    pub role: Role,
}

const fn yes() -> bool {
    true
}

/// The module of a population to which a parameter belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Owner {
    /// The population itself.
    Population,
    /// The compartment with this index.
    Compartment(usize),
    /// The receptor with this index.
    Receptor(usize),
    /// The coupling with this index.
    Coupling(usize),
    /// The noise with this index.
    Noise(usize),
    /// The mechanism with this index.
    Mechanism(usize),
}

impl Population {
    /// Returns the parameters of a module, if a module with this index exists.
    pub fn params_of(&mut self, owner: Owner) -> Option<&mut Params> {
        match owner {
            Owner::Population => Some(&mut self.params),
            Owner::Compartment(i) => self.compartments.get_mut(i).map(|c| &mut c.params),
            Owner::Receptor(i) => self.receptors.get_mut(i).map(|r| &mut r.params),
            Owner::Coupling(i) => self.couplings.get_mut(i).map(|c| &mut c.params),
            Owner::Noise(i) => self.noises.get_mut(i).map(|n| &mut n.params),
            Owner::Mechanism(i) => self.mechanisms.get_mut(i).map(|m| &mut m.params),
        }
    }

    /// Returns whether a compartment, receptor, mechanism or noise has this name.
    pub fn has_part(&self, name: &str) -> bool {
        self.compartments.iter().any(|c| c.name == name)
            || self.receptors.iter().any(|r| r.name == name)
            || self.mechanisms.iter().any(|m| m.name == name)
            || self.noises.iter().any(|n| n.name == name)
    }

    /// Creates a population without compartments, with hard reset and the forward Euler method.
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
            role: Role::Neurons,
        }
    }

    /// Adds the soma, which has the spike threshold, and returns its index.
    pub fn soma(&mut self, name: impl Into<String>, params: impl Into<Params>) -> usize {
        self.push_compartment(Compartment { name: name.into(), soma: true, params: params.into() })
    }

    /// Adds a passive compartment and returns its index.
    pub fn compartment(&mut self, name: impl Into<String>, params: impl Into<Params>) -> usize {
        self.push_compartment(Compartment { name: name.into(), soma: false, params: params.into() })
    }

    /// Adds a compartment and returns its index.
    pub fn push_compartment(&mut self, compartment: Compartment) -> usize {
        self.compartments.push(compartment);
        self.compartments.len() - 1
    }

    /// Couples two compartments with the conductance `g` (nS). If `g` is `None`, the conductance is computed from
    /// the half cylinders of both compartments.
    pub fn couple(&mut self, name: impl Into<String>, a: usize, b: usize, g: Option<f64>) {
        let params = g.map_or_else(Params::new, |g| Params::new().with("g", g));
        self.couplings.push(Coupling { name: name.into(), a, b, params });
    }

    /// Adds a receptor of `kind` to compartment `on` and returns its index.
    pub fn receptor(
        &mut self,
        name: impl Into<String>,
        kind: ModuleKind,
        on: usize,
        params: impl Into<Params>,
    ) -> usize {
        let (name, params) = (name.into(), params.into());
        self.receptors.push(Receptor { name, kind, on, scale_g: false, params, text: None, signed: false });
        self.receptors.len() - 1
    }

    /// Adds a mechanism, defined in the equation language, to compartment `on`.
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

    /// Adds a receptor, defined in the equation language, to compartment `on` and returns its index.
    pub fn written_receptor(
        &mut self,
        name: impl Into<String>,
        on: usize,
        text: impl Into<String>,
        params: impl Into<Params>,
    ) -> usize {
        let (name, text, params) = (name.into(), Some(text.into()), params.into());
        let kind = ModuleKind::Written;
        self.receptors.push(Receptor { name, kind, on, scale_g: false, params, text, signed: false });
        self.receptors.len() - 1
    }

    /// Adds noise of `kind` to compartment `on`.
    pub fn noise(&mut self, name: impl Into<String>, kind: ModuleKind, on: usize, params: impl Into<Params>) {
        self.noises.push(Noise { name: name.into(), kind, on, params: params.into() });
    }

    /// Returns the path of a module of this population. The population itself has an empty name.
    pub fn path_of(&self, name: &str) -> String {
        if name.is_empty() { self.path.clone() } else { format!("{}/{name}", self.path) }
    }
}
