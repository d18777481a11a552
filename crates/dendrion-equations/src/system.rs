//! A system of equations: what mechanisms contribute to, and what the passes read.

use dendrion_model::{Domain, Error, ModuleKind, NOISE, Params, Values, check_values};

use crate::expr::{Expr, Workbook};
use crate::graph::{Graph, Node, NodeId};

/// A parameter of the system and its present values.
#[derive(Clone, Debug)]
pub struct Parameter {
    /// Key within the population, such as `dend.gL`; the population's own have no prefix (`V_th`).
    pub key: String,
    /// Name within its module, such as `gL`.
    pub name: String,
    /// Unit, empty for pure numbers.
    pub unit: String,
    /// What values it accepts.
    pub domain: Domain,
    /// One value, or one per neuron.
    pub values: Values,
}

impl Parameter {
    /// Checks values for a module of `size` members.
    ///
    /// # Errors
    /// [`Error::Parameter`] for an array of another length or a value outside the domain.
    pub fn check(&self, module: &str, values: &Values, size: usize) -> Result<(), Error> {
        check_values((module, &self.name, &self.unit), self.domain, values, size)
    }
}

/// How a state changes in a step.
#[derive(Clone, Copy, Debug)]
pub enum Rule {
    /// By a differential equation: its derivative, per ms.
    Derivative(NodeId),
    /// By a rule of its own: its value one step later.
    Update(NodeId),
}

/// A state variable.
#[derive(Clone, Debug)]
pub struct StateVar {
    /// Name within the population, such as `dend.V`.
    pub name: String,
    /// Unit, empty for pure numbers.
    pub unit: String,
    /// How it changes.
    pub rule: Rule,
    /// Its value at the beginning, from parameters.
    pub initial: NodeId,
    /// Whether it decays to 0, and is set to 0 where it is negligible.
    pub decays: bool,
}

/// A state that takes a new value where an event happens.
#[derive(Clone, Copy, Debug)]
pub struct Assignment {
    /// Index of the state.
    pub state: usize,
    /// Its value after the event, from the states at the event.
    pub value: NodeId,
    /// Whether it is the threshold's own reset (of V and of the refractory count), which gradients may detach.
    pub resets: bool,
}

/// The threshold: when a neuron spikes, and what the spike does to it. Expressions see the states after integration.
#[derive(Clone, Debug)]
pub struct Event {
    /// Not 0 where the neuron spikes, as far as the states after integration say.
    pub condition: NodeId,
    /// What else must not be 0 for a spike, of the states at the beginning of the step.
    pub before: Option<NodeId>,
    /// What changes then.
    pub then: Vec<Assignment>,
}

impl Event {
    /// The whole condition. The part of it that reads the states at the beginning of the step becomes a local of the step.
    pub fn whole(&self, graph: &mut Graph, locals: &mut Vec<NodeId>) -> NodeId {
        let Some(before) = self.before else { return self.condition };
        locals.push(before);
        let before = graph.intern(Node::Local((locals.len() - 1) as u32));
        graph.mul(before, self.condition)
    }
}

/// Something that happens in a neuron at the end of a step, and is no spike.
#[derive(Clone, Debug)]
pub struct Reaction {
    /// The mechanism it is of.
    pub name: String,
    /// When, and what changes then.
    pub event: Event,
}

/// An arriving spike: what reaches `port` is added to `state`.
#[derive(Clone, Copy, Debug)]
pub struct Receive {
    /// Index of the state.
    pub state: usize,
    /// Spike port, counted from 0.
    pub port: usize,
}

/// What a Wiener process adds to a state: b(y) dW, in the sense of Ito.
#[derive(Clone, Debug)]
pub struct Diffusion {
    /// Index of the state.
    pub state: usize,
    /// Number of the noise that drives it.
    pub noise: usize,
    /// Amplitudes of independent processes (per ms^1/2), whose squares add up to b².
    pub amplitudes: Vec<NodeId>,
}

/// A quantity that is not a state but can be recorded.
#[derive(Clone, Debug)]
pub struct Observable {
    /// Name within the population, such as `ampa.I`.
    pub name: String,
    /// Its value, from the states at the beginning of a step.
    pub value: NodeId,
}

/// A time that equations count in whole steps.
#[derive(Clone, Debug)]
pub struct StepCount {
    /// Name within the population of the mechanism that it is of; nothing for the population itself.
    pub module: String,
    /// The time (ms), from parameters.
    pub time: NodeId,
}

/// The equations of a population.
#[derive(Clone, Debug)]
pub struct System {
    /// Path of the population.
    pub path: String,
    /// All expressions.
    pub graph: Graph,
    /// Parameters, by their number in the graph. The first is `dt`.
    pub parameters: Vec<Parameter>,
    /// States, by their number in the graph.
    pub states: Vec<StateVar>,
    /// Number of current inputs, by their number in the graph.
    pub currents: usize,
    /// For each normal number drawn in a step, what its random stream is named after within the population.
    pub noises: Vec<String>,
    /// What noise adds to states.
    pub diffusions: Vec<Diffusion>,
    /// Number of spike ports.
    pub ports: usize,
    /// The threshold.
    pub event: Option<Event>,
    /// What else happens, after the threshold. Where several set a state, the last one does.
    pub reactions: Vec<Reaction>,
    /// Mechanisms that do something for some time after an event.
    pub waiting: Vec<String>,
    /// Times that are counted in whole steps.
    pub step_counts: Vec<StepCount>,
    /// Arriving spikes.
    pub receives: Vec<Receive>,
    /// What can be recorded beyond the states.
    pub observables: Vec<Observable>,
}

impl System {
    /// The parameter number of the time step.
    pub const DT: usize = 0;

    /// Input ports of its programs: currents, then noises, then spikes.
    pub const fn inputs(&self) -> usize {
        self.first_spike_port() + self.ports
    }

    /// The input port of the first spike port.
    pub(crate) const fn first_spike_port(&self) -> usize {
        self.currents + self.noises.len()
    }

    /// The name of a mechanism whose events have no derivative, if there is one: when it acts is a step of V.
    pub fn without_derivative(&self) -> Option<&str> {
        self.waiting.iter().chain(self.reactions.iter().map(|r| &r.name)).map(String::as_str).next()
    }

    /// Index of the state of that name.
    pub fn state(&self, name: &str) -> Option<usize> {
        self.states.iter().position(|s| s.name == name)
    }
}

/// A module as mechanisms see it: where its parameters come from and how its states are called.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scope<'a> {
    /// Name within the population, or nothing for the population itself.
    pub(crate) name: &'a str,
    pub(crate) kind: ModuleKind,
    pub(crate) params: &'a Params,
}

impl Scope<'_> {
    fn member(&self, what: &str) -> String {
        if self.name.is_empty() { what.to_string() } else { format!("{}.{what}", self.name) }
    }
}

/// A state whose rule is yet to come.
#[derive(Clone, Copy, Debug)]
pub(crate) struct State<'g> {
    pub(crate) index: usize,
    pub(crate) value: Expr<'g>,
}

/// Gathers a system while mechanisms write their equations.
pub(crate) struct Builder<'g> {
    book: &'g Workbook,
    parameters: Vec<Parameter>,
    states: Vec<StateVar>,
    receives: Vec<Receive>,
    observables: Vec<Observable>,
    event: Option<Event>,
    /// What a spike sets beside what the threshold does.
    at_spike: Vec<Assignment>,
    reactions: Vec<Reaction>,
    waiting: Vec<String>,
    step_counts: Vec<StepCount>,
    currents: usize,
    noises: Vec<String>,
    diffusions: Vec<Diffusion>,
}

impl<'g> Builder<'g> {
    pub(crate) fn new(book: &'g Workbook, dt: f64) -> Self {
        book.leaf(Node::Param(0));
        let (key, name, unit) = ("dt".into(), "dt".into(), "ms".into());
        let dt = Parameter { key, name, unit, domain: Domain::Positive, values: Values::Scalar(dt) };
        Self {
            book,
            parameters: vec![dt],
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
        }
    }

    /// The time step.
    pub(crate) fn dt(&self) -> Expr<'g> {
        self.book.leaf(Node::Param(System::DT as u32))
    }

    /// Raises where the expressions so far are too large; `path` is the module that is being written.
    pub(crate) fn check(&self, path: &str) -> Result<(), Error> {
        self.book.check(path)
    }

    pub(crate) fn number(&self, v: f64) -> Expr<'g> {
        self.book.number(v)
    }

    /// The parameter `name` of a module, as given or by default; the same expression however often it is asked for.
    pub(crate) fn param(&mut self, scope: &Scope<'_>, name: &str) -> Result<Expr<'g>, Error> {
        let key = scope.member(name);
        if let Some(i) = self.parameters.iter().position(|p| p.key == key) {
            return Ok(self.book.leaf(Node::Param(i as u32)));
        }
        let spec = scope.kind.parameter(scope.name, name)?;
        let values = (scope.kind.value(scope.params, name))
            .ok_or_else(|| Error::parameter(scope.name, name, "None", spec.domain.words()))?;
        Ok(self.declared(scope, (name, spec.unit, spec.domain), values))
    }

    /// A new parameter of a module, by its name, its unit and what it accepts.
    pub(crate) fn declared(
        &mut self,
        scope: &Scope<'_>,
        (name, unit, domain): (&str, &str, Domain),
        values: Values,
    ) -> Expr<'g> {
        let (key, name, unit) = (scope.member(name), name.to_string(), unit.to_string());
        self.parameters.push(Parameter { key, name, unit, domain, values });
        self.book.leaf(Node::Param(self.parameters.len() as u32 - 1))
    }

    /// Declares a state. Until it gets its rule it keeps its value.
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
        self.states.push(StateVar { name, unit, rule: Rule::Update(value.id()), initial, decays: false });
        State { index, value }
    }

    pub(crate) fn derivative(&mut self, state: State<'g>, per_ms: Expr<'g>) {
        self.states[state.index].rule = Rule::Derivative(per_ms.id());
    }

    /// Says what a state is at the beginning, of states at the beginning.
    pub(crate) fn begin(&mut self, state: State<'g>, initial: Expr<'g>) {
        self.states[state.index].initial = initial.id();
    }

    pub(crate) fn update(&mut self, state: State<'g>, next: Expr<'g>) {
        self.states[state.index].rule = Rule::Update(next.id());
    }

    /// Lets a state be set to 0 where it is negligible, if it decays to 0 where nothing feeds it: its slope is 0 where all
    /// states of its mechanism are.
    pub(crate) fn flush_where_it_decays(&mut self, state: State<'g>, slope: Expr<'g>, family: &[State<'g>]) {
        let decays = self.book.vanishes(slope, family.iter().map(|s| s.value));
        self.states[state.index].decays = decays;
    }

    pub(crate) fn receive(&mut self, state: State<'g>, port: usize) {
        self.receives.push(Receive { state: state.index, port });
    }

    pub(crate) fn observe(&mut self, scope: &Scope<'_>, name: &str, value: Expr<'g>) {
        self.observables.push(Observable { name: scope.member(name), value: value.id() });
    }

    /// A current given from outside, step by step (pA).
    pub(crate) fn current(&mut self) -> Expr<'g> {
        self.currents += 1;
        self.book.leaf(Node::Input(self.currents as u32 - 1))
    }

    /// A standard normal number, drawn anew each step for each neuron; one of a scope is independent of any other's.
    pub(crate) fn noise(&mut self, scope: &Scope<'_>) -> Expr<'g> {
        self.noises.push(scope.name.to_string());
        self.book.leaf(Node::Noise(self.noises.len() as u32 - 1))
    }

    /// Drives a state by independent processes of these amplitudes. They add their variances into one process, which has
    /// the same law: processes of their own on one state would not commute, and Milstein's method would lose its order.
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

    /// Lets the neuron spike in steps at whose beginning `before`, and at whose end `condition` is not 0.
    pub(crate) fn crossing(&mut self, before: Expr<'g>, condition: Expr<'g>) {
        let before = Some(before.id());
        self.event = Some(Event { condition: condition.id(), before, then: Vec::new() });
    }

    /// Lets a spike set more than what the threshold does.
    pub(crate) fn on_spike(&mut self, then: &[(State<'g>, Expr<'g>)]) {
        self.at_spike.extend(assignments(then, false));
    }

    /// Lets something happen that is no spike.
    pub(crate) fn react(&mut self, name: &str, condition: Expr<'g>, then: &[(State<'g>, Expr<'g>)]) {
        let event = Event { condition: condition.id(), before: None, then: assignments(then, false) };
        self.reactions.push(Reaction { name: name.to_string(), event });
    }

    /// Says that a mechanism does something for some time after an event.
    pub(crate) fn wait(&mut self, name: &str) {
        self.waiting.push(name.to_string());
    }

    /// A time (ms, >= 0, from parameters) of a mechanism in whole steps, rounded as all times are.
    pub(crate) fn steps(&mut self, module: &str, time: Expr<'g>) -> Expr<'g> {
        if !self.step_counts.iter().any(|s| s.module == module && s.time == time.id()) {
            self.step_counts.push(StepCount { module: module.to_string(), time: time.id() });
        }
        (time / self.dt() + NOISE).round()
    }

    /// The system, but for the graph, which the caller still shares.
    pub(crate) fn finish(mut self, ports: usize) -> System {
        if let Some(event) = &mut self.event {
            // A soma whose own equations set V on a spike resets it too.
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
        }
    }
}

fn assignments<'g>(then: &[(State<'g>, Expr<'g>)], resets: bool) -> Vec<Assignment> {
    then.iter().map(|(s, v)| Assignment { state: s.index, value: v.id(), resets }).collect()
}
