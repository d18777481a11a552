//! Systems of equations, which are assembled from mechanisms and compiled by the passes.

use std::borrow::Cow;

use dendrion_model::{Domain, Error, ModuleKind, NOISE, Owner, Params};

use crate::exchange::Sent;
use crate::expr::{Expr, Workbook};
use crate::graph::{Graph, Node, NodeId};
use crate::parameters::{Parameter, Parameters};
use crate::phase::{Phase, Pools};

/// The rule by which a state changes in a step.
#[derive(Clone, Copy, Debug)]
pub enum Rule {
    /// A differential equation, represented by the derivative (per ms).
    Derivative(NodeId),
    /// An update rule, represented by the value one step later.
    Update(NodeId),
}

/// A state variable.
#[derive(Clone, Debug)]
pub struct StateVar {
    /// Name within the population, such as `dend.V`.
    pub name: String,
    /// Unit, empty for pure numbers.
    pub unit: String,
    /// The rule by which it changes.
    pub rule: Rule,
    /// The initial value, as a function of parameters.
    pub initial: NodeId,
    /// Whether the state decays to 0, so that it is set to 0 if it is negligible.
    pub decays: bool,
    /// Whether it is only an intermediate result of the step, which is not part of the state of the network.
    pub is_internal: bool,
    /// Whether it is a concentration: its mechanism exports a function of it, and its derivative depends on imports.
    pub is_pool: bool,
}

/// An assignment of a new value to a state when an event occurs.
#[derive(Clone, Copy, Debug)]
pub struct Assignment {
    /// Index of the state.
    pub state: usize,
    /// Value after the event, as a function of the states at the event.
    pub value: NodeId,
    /// Whether this is the reset of V or of the refractory counter by the threshold, which gradients may detach.
    pub resets: bool,
}

/// The threshold: the condition for a spike, and the effects of a spike. The expressions read the states after
/// integration.
#[derive(Clone, Debug)]
pub struct Event {
    /// Condition on the states after integration; the neuron spikes if it is not 0.
    pub condition: NodeId,
    /// Additional condition on the states at the beginning of the step, which must not be 0.
    pub before: Option<NodeId>,
    /// The assignments at a spike.
    pub then: Vec<Assignment>,
}

impl Event {
    /// Returns the complete condition. The part that reads the states at the beginning of the step becomes a local
    /// of the step.
    pub fn whole(&self, graph: &mut Graph, locals: &mut Vec<NodeId>) -> NodeId {
        let Some(before) = self.before else { return self.condition };
        locals.push(before);
        let before = graph.intern(Node::Local((locals.len() - 1) as u32));
        graph.mul(before, self.condition)
    }
}

/// An event at the end of a step that is not a spike.
#[derive(Clone, Debug)]
pub struct Reaction {
    /// Name of its mechanism.
    pub name: String,
    /// The condition and the assignments.
    pub event: Event,
}

/// The effect of arriving spikes: the input of `port` is added to `state`.
#[derive(Clone, Copy, Debug)]
pub struct Receive {
    /// Index of the state.
    pub state: usize,
    /// Spike port, counted from 0.
    pub port: usize,
}

/// The contribution b(y) dW of a Wiener process to a state, in the Ito interpretation.
#[derive(Clone, Debug)]
pub struct Diffusion {
    /// Index of the state.
    pub state: usize,
    /// Number of the noise that drives it.
    pub noise: usize,
    /// Amplitudes of independent processes (per ms^1/2). The sum of their squares is b².
    pub amplitudes: Vec<NodeId>,
}

/// A quantity that is not a state but can be recorded.
#[derive(Clone, Debug)]
pub struct Observable {
    /// Name within the population, such as `ampa.I`.
    pub name: String,
    /// The value, as a function of the states at the beginning of a step.
    pub value: NodeId,
}

/// A quantity that other systems of a group of detailed cells read.
#[derive(Clone, Copy, Debug)]
pub struct Exported {
    /// The internal state that contains it.
    pub state: usize,
    /// Its value.
    pub value: NodeId,
    /// The level at which it is computed.
    pub level: usize,
    /// Its slot (see [`crate::Exchange`]).
    pub slot: usize,
    /// If concentrations are advanced before the gates, the internal states that contain its values in the middle and at
    /// the end of the step.
    pub later: Option<[usize; 2]>,
}

/// An input that contains a quantity of other systems.
#[derive(Clone, Copy, Debug)]
pub struct Imported {
    /// The number of the input.
    pub input: usize,
    /// The number of the parameter that contains its initial value.
    pub initial: usize,
    /// Its slot (see [`crate::Exchange`]).
    pub slot: usize,
}

/// A concentration that diffuses along the dendrites of detailed cells.
#[derive(Clone, Copy, Debug)]
pub struct Spread {
    /// The state of the concentration.
    pub state: usize,
    /// The internal state that contains the concentration before it diffuses in a step.
    pub before: usize,
    /// The internal state whose initial value is the diffusion coefficient (um2/ms).
    pub coefficient: usize,
}

/// A time that the equations count in steps.
#[derive(Clone, Debug)]
pub struct StepCount {
    /// Name of its mechanism within the population; empty for the population itself.
    pub module: String,
    /// The time (ms), as a function of parameters.
    pub time: NodeId,
}

/// The equations of a population.
#[derive(Clone, Debug)]
pub struct System {
    /// Path of the population.
    pub path: String,
    /// All expressions.
    pub graph: Graph,
    /// Parameters, in the order of their numbers in the graph. The first one is `dt`.
    pub parameters: Parameters,
    /// States, in the order of their numbers in the graph.
    pub states: Vec<StateVar>,
    /// Number of current inputs.
    pub currents: usize,
    /// For each normal random number of a step, the name of its random stream within the population.
    pub noises: Vec<String>,
    /// Contributions of noise to states.
    pub diffusions: Vec<Diffusion>,
    /// Number of spike ports.
    pub ports: usize,
    /// The threshold.
    pub event: Option<Event>,
    /// Other events, processed after the threshold. If several events set the same state, the last one takes
    /// precedence.
    pub reactions: Vec<Reaction>,
    /// Names of mechanisms with effects that last for some time after an event.
    pub waiting: Vec<String>,
    /// Times that are counted in steps.
    pub step_counts: Vec<StepCount>,
    /// Effects of arriving spikes.
    pub receives: Vec<Receive>,
    /// Quantities other than states that can be recorded.
    pub observables: Vec<Observable>,
    /// The quantities that other systems of a group of detailed cells read.
    pub exports: Vec<Exported>,
    /// The inputs that contain quantities of other systems, each with the number of the parameter that contains its
    /// initial value.
    pub imports: Vec<Imported>,
    /// The concentrations that diffuse.
    pub spreads: Vec<Spread>,
    /// Whether concentrations are advanced in a separate part of the step.
    pub pools_apart: bool,
    /// The part of the joint step with V that the system describes, for placed mechanisms that are solved together with
    /// V.
    pub coupled: Option<Phase>,
    /// How concentrations are advanced before the gates, for placed mechanisms that have both.
    pub pools: Option<Pools>,
}

impl System {
    /// Parameter number of the time step.
    pub const DT: usize = 0;

    /// Returns the number of input ports of the programs. The ports are the currents, then the noises, then the
    /// spikes.
    pub const fn inputs(&self) -> usize {
        self.first_spike_port() + self.ports
    }

    /// Returns the input port of the first spike port.
    pub(crate) const fn first_spike_port(&self) -> usize {
        self.currents + self.noises.len()
    }

    /// Returns the name of a mechanism with events, if any. The time of an event is a step function of V and
    /// has no derivative.
    pub fn without_derivative(&self) -> Option<&str> {
        self.waiting.iter().chain(self.reactions.iter().map(|r| &r.name)).map(String::as_str).next()
    }

    /// Returns whether the second input of placed mechanisms is the change of V in the step.
    pub const fn reads_change(&self) -> bool {
        self.coupled.is_some() || self.pools.is_some()
    }

    /// Returns the index of the state with this name.
    pub fn state(&self, name: &str) -> Option<usize> {
        self.states.iter().position(|s| s.name == name)
    }
}

/// A module as seen by a mechanism: the source of its parameters and the names of its states.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scope<'a> {
    /// Name within the population; empty for the population itself.
    pub(crate) name: &'a str,
    pub(crate) kind: ModuleKind,
    pub(crate) owner: Owner,
    pub(crate) params: &'a Params,
}

impl Scope<'_> {
    fn member(&self, what: &str) -> String {
        if self.name.is_empty() { what.to_string() } else { format!("{}.{what}", self.name) }
    }
}

/// A state whose rule will be set later.
#[derive(Clone, Copy, Debug)]
pub(crate) struct State<'g> {
    pub(crate) index: usize,
    pub(crate) value: Expr<'g>,
}

/// Collects the equations of mechanisms, and builds a system.
pub(crate) struct Builder<'g> {
    book: &'g Workbook,
    parameters: Parameters,
    states: Vec<StateVar>,
    receives: Vec<Receive>,
    observables: Vec<Observable>,
    event: Option<Event>,
    /// Assignments at a spike in addition to those of the threshold.
    at_spike: Vec<Assignment>,
    reactions: Vec<Reaction>,
    waiting: Vec<String>,
    step_counts: Vec<StepCount>,
    currents: usize,
    noises: Vec<String>,
    diffusions: Vec<Diffusion>,
    exports: Vec<Exported>,
    imports: Vec<Imported>,
    spreads: Vec<Spread>,
}

impl<'g> Builder<'g> {
    pub(crate) fn new(book: &'g Workbook) -> Self {
        book.leaf(Node::Param(System::DT as u32));
        Self {
            book,
            parameters: Parameters::new(),
            states: Vec::new(),
            receives: Vec::new(),
            observables: Vec::new(),
            event: None,
            at_spike: Vec::new(),
            reactions: Vec::new(),
            waiting: Vec::new(),
            step_counts: Vec::new(),
            currents: 0,
            noises: Vec::new(),
            diffusions: Vec::new(),
            exports: Vec::new(),
            imports: Vec::new(),
            spreads: Vec::new(),
        }
    }

    /// Returns the time step.
    pub(crate) fn dt(&self) -> Expr<'g> {
        self.book.leaf(Node::Param(System::DT as u32))
    }

    /// Returns an error if the expressions so far are too large. `path` is the module whose equations are
    /// being added.
    pub(crate) fn check(&self, path: &str) -> Result<(), Error> {
        self.book.check(path)
    }

    pub(crate) fn number(&self, v: f64) -> Expr<'g> {
        self.book.number(v)
    }

    /// Returns the parameter `name` of a module, which must have an explicit or a default value. Repeated
    /// calls return the same expression.
    pub(crate) fn param(&mut self, scope: &Scope<'_>, name: &str) -> Result<Expr<'g>, Error> {
        if let Some(number) = self.parameters.number(scope.owner, name) {
            return Ok(self.book.leaf(Node::Param(number as u32)));
        }
        let spec = scope.kind.parameter(scope.name, name)?;
        let default = spec.default.filter(|_| !scope.params.has(name));
        if default.is_none() && !scope.params.has(name) {
            return Err(Error::parameter(scope.name, name, "None", spec.domain.words()));
        }
        Ok(self.declared(scope, (spec.name.into(), spec.unit.into(), spec.domain), default))
    }

    /// Adds a parameter of a module with its name, unit and domain, and the value that is used if the module
    /// does not specify one.
    pub(crate) fn declared(
        &mut self,
        scope: &Scope<'_>,
        (name, unit, domain): (Cow<'static, str>, Cow<'static, str>, Domain),
        default: Option<f64>,
    ) -> Expr<'g> {
        let (key, owner) = (scope.member(&name), Some(scope.owner));
        let number = self.parameters.push(Parameter { key, name, unit, domain, owner, default });
        self.book.leaf(Node::Param(number as u32))
    }

    /// Declares a state. Until its rule is set, it keeps its value.
    pub(crate) fn state(
        &mut self,
        scope: &Scope<'_>,
        name: &str,
        unit: &str,
        initial: Expr<'g>,
    ) -> State<'g> {
        let index = self.states.len();
        let value = self.book.leaf(Node::State(index as u32));
        let (name, initial, unit) = (scope.member(name), initial.id(), unit.to_string());
        self.states.push(StateVar {
            name,
            unit,
            rule: Rule::Update(value.id()),
            initial,
            decays: false,
            is_internal: false,
            is_pool: false,
        });
        State { index, value }
    }

    /// Declares an intermediate result of the step.
    pub(crate) fn internal(&mut self, name: &str, unit: &str, next: Expr<'g>) -> State<'g> {
        let (initial, index) = (self.number(0.0).id(), self.states.len());
        let (name, unit, rule) = (name.to_string(), unit.to_string(), Rule::Update(next.id()));
        let (decays, is_pool) = (false, false);
        self.states.push(StateVar { name, unit, rule, initial, decays, is_internal: true, is_pool });
        State { index, value: self.book.leaf(Node::State(index as u32)) }
    }

    pub(crate) fn derivative(&mut self, state: State<'g>, per_ms: Expr<'g>) {
        self.states[state.index].rule = Rule::Derivative(per_ms.id());
    }

    /// Sets the initial value of a state, as a function of initial states.
    pub(crate) fn begin(&mut self, state: State<'g>, initial: Expr<'g>) {
        self.states[state.index].initial = initial.id();
    }

    pub(crate) fn update(&mut self, state: State<'g>, next: Expr<'g>) {
        self.states[state.index].rule = Rule::Update(next.id());
    }

    /// Marks a state to be set to 0 when it is negligible, provided that it decays to 0 without input: its
    /// derivative is 0 if all states of its mechanism are 0.
    pub(crate) fn flush_where_it_decays(&mut self, state: State<'g>, slope: Expr<'g>, family: &[State<'g>]) {
        let decays = self.book.vanishes(slope, family.iter().map(|s| s.value));
        self.states[state.index].decays = decays;
    }

    /// Marks a state as a concentration.
    pub(crate) fn pool(&mut self, state: State<'g>) {
        self.states[state.index].is_pool = true;
    }

    pub(crate) fn has_pools(&self) -> bool {
        self.states.iter().any(|s| s.is_pool)
    }

    pub(crate) fn receive(&mut self, state: State<'g>, port: usize) {
        self.receives.push(Receive { state: state.index, port });
    }

    pub(crate) fn observe(&mut self, scope: &Scope<'_>, name: &str, value: Expr<'g>) {
        self.observables.push(Observable { name: scope.member(name), value: value.id() });
    }

    /// Adds an external current input (pA).
    pub(crate) fn current(&mut self) -> Expr<'g> {
        self.currents += 1;
        self.book.leaf(Node::Input(self.currents as u32 - 1))
    }

    /// Adds an input that contains a quantity of other systems, with the parameter of its initial value.
    pub(crate) fn imported(&mut self, scope: &Scope<'_>, name: &str, slot: usize) -> Expr<'g> {
        let initial = self.parameters.len();
        self.declared(scope, (name.to_string().into(), "".into(), Domain::Finite), Some(0.0));
        self.imports.push(Imported { input: self.currents, initial, slot });
        self.current()
    }

    /// Adds a quantity that other systems read.
    pub(crate) fn export(&mut self, sent: &Sent, value: Expr<'g>, is_repeated: bool) {
        let Sent { name, slot, level } = sent;
        let later = is_repeated.then(|| {
            [format!("(export {name}, middle)"), format!("(export {name}, end)")].map(|name| {
                let zero = self.number(0.0);
                let state = self.internal(&name, "", zero);
                self.update(state, state.value);
                state.index
            })
        });
        let state = self.internal(&format!("(export {name})"), "", value);
        self.begin(state, value);
        self.update(state, state.value);
        self.exports.push(Exported {
            state: state.index,
            value: value.id(),
            level: *level,
            slot: *slot,
            later,
        });
    }

    /// Lets a concentration diffuse.
    pub(crate) fn spread(&mut self, state: State<'g>, coefficient: Expr<'g>) {
        let name = self.states[state.index].name.clone();
        let zero = self.number(0.0);
        let [before, of] =
            [format!("({name} before diffusion)"), format!("(diffusion of {name})")].map(|name| {
                let kept = self.internal(&name, "", zero);
                self.update(kept, kept.value);
                kept
            });
        self.begin(of, coefficient);
        self.spreads.push(Spread { state: state.index, before: before.index, coefficient: of.index });
    }

    /// Adds a standard normal random number, drawn independently for each neuron and step. The random numbers
    /// of a scope are independent of those of all other scopes.
    pub(crate) fn noise(&mut self, scope: &Scope<'_>) -> Expr<'g> {
        self.noises.push(scope.name.to_string());
        self.book.leaf(Node::Noise(self.noises.len() as u32 - 1))
    }

    /// Drives a state with independent processes that have these amplitudes. They are combined into one
    /// process with the sum of their variances, which has the same distribution: separate processes on one
    /// state would not commute, and Milstein's method would lose its order.
    pub(crate) fn diffuse(&mut self, scope: &Scope<'_>, state: State<'g>, amplitudes: &[Expr<'g>]) {
        if amplitudes.is_empty() {
            return;
        }
        let noise = self.noises.len();
        self.noises.push(scope.name.to_string());
        let amplitudes = amplitudes.iter().map(|a| a.id()).collect();
        self.diffusions.push(Diffusion { state: state.index, noise, amplitudes });
    }

    pub(crate) fn event(&mut self, condition: Expr<'g>, then: &[(State<'g>, Expr<'g>)]) {
        self.event = Some(Event { condition: condition.id(), before: None, then: assignments(then, true) });
    }

    /// Makes the neuron spike in steps in which `before` is not 0 at the beginning and `condition` is not 0 at the
    /// end.
    pub(crate) fn crossing(&mut self, before: Expr<'g>, condition: Expr<'g>) {
        let before = Some(before.id());
        self.event = Some(Event { condition: condition.id(), before, then: Vec::new() });
    }

    /// Adds assignments at a spike to those of the threshold.
    pub(crate) fn on_spike(&mut self, then: &[(State<'g>, Expr<'g>)]) {
        self.at_spike.extend(assignments(then, false));
    }

    /// Adds an event that is not a spike.
    pub(crate) fn react(&mut self, name: &str, condition: Expr<'g>, then: &[(State<'g>, Expr<'g>)]) {
        let event = Event { condition: condition.id(), before: None, then: assignments(then, false) };
        self.reactions.push(Reaction { name: name.to_string(), event });
    }

    /// Records that a mechanism has effects that last for some time after an event.
    pub(crate) fn wait(&mut self, name: &str) {
        self.waiting.push(name.to_string());
    }

    /// Converts a mechanism's time (ms, >= 0, a function of parameters) to steps, rounded in the same way as
    /// all times.
    pub(crate) fn steps(&mut self, module: &str, time: Expr<'g>) -> Expr<'g> {
        if !self.step_counts.iter().any(|s| s.module == module && s.time == time.id()) {
            self.step_counts.push(StepCount { module: module.to_string(), time: time.id() });
        }
        (time / self.dt() + NOISE).round()
    }

    /// Returns the system with an empty graph. The caller adds the graph, which is still shared at this
    /// point.
    pub(crate) fn finish(mut self, ports: usize) -> System {
        if let Some(event) = &mut self.event {
            // If the equations of the soma set V on a spike, this is also a reset.
            let reset: Vec<usize> = event.then.iter().map(|a| a.state).collect();
            self.at_spike.iter_mut().for_each(|a| a.resets = reset.contains(&a.state));
            event.then.append(&mut self.at_spike);
        }
        System {
            path: String::new(),
            graph: Graph::default(),
            parameters: self.parameters,
            states: self.states,
            currents: self.currents,
            noises: self.noises,
            diffusions: self.diffusions,
            ports,
            event: self.event,
            reactions: self.reactions,
            waiting: self.waiting,
            step_counts: self.step_counts,
            receives: self.receives,
            observables: self.observables,
            exports: self.exports,
            imports: self.imports,
            spreads: self.spreads,
            pools_apart: false,
            coupled: None,
            pools: None,
        }
    }
}

fn assignments<'g>(then: &[(State<'g>, Expr<'g>)], resets: bool) -> Vec<Assignment> {
    then.iter().map(|(s, v)| Assignment { state: s.index, value: v.id(), resets }).collect()
}
