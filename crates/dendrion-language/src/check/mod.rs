//! Checker: resolves names, checks dimensions and builds a definition.

mod declare;
mod diffusion;
mod events;
mod formula;
mod order;
mod parameters;
mod types;

use std::collections::HashMap;

use crate::definition::{Current, Definition, Export, Given, Id, Import, State, Term};
use crate::error::{Span, TextError, suggestion};
use crate::syntax::{Name, Node, Statement, Syntax};
use crate::unit::{Dimension, Unit};
pub(crate) use formula::formula;
use types::Type;

type Checked<T> = Result<T, TextError>;

/// The meaning of a name.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Meaning {
    Parameter(usize),
    State(usize),
    Expression(usize),
    Import(usize),
    Flag(usize),
    Given(Given),
    Pi,
}

/// Names of the quantities that the compartment provides, which are available in every text.
pub(crate) const GIVEN: [(&str, Given); 9] = [
    ("V", Given::Potential),
    ("V_rest", Given::Rest),
    ("gL", Given::Leak),
    ("C", Given::Capacitance),
    ("area", Given::Area),
    ("diameter", Given::Diameter),
    ("length", Given::Length),
    ("distance", Given::Distance),
    ("dt", Given::Step),
];

impl Given {
    /// Returns the dimension of the quantity.
    pub fn dimension(self) -> Dimension {
        match self {
            Self::Potential | Self::Rest => Dimension::POTENTIAL,
            Self::Leak => Dimension::CURRENT / Dimension::POTENTIAL,
            Self::Capacitance => Dimension::CURRENT * Dimension::TIME / Dimension::POTENTIAL,
            Self::Area => Dimension::LENGTH * Dimension::LENGTH,
            Self::Diameter | Self::Length | Self::Distance => Dimension::LENGTH,
            Self::Step => Dimension::TIME,
            Self::Current => Dimension::CURRENT,
        }
    }
}

/// Checks a syntax tree and builds its definition. `source` is the text to which the positions of the tree
/// refer, and `text` is the text that the definition contains.
pub(crate) fn check(source: &str, syntax: &Syntax, text: String) -> Checked<Definition> {
    if let Some(span) = syntax.invalid() {
        return Err(TextError::new(source, span, "invalid syntax tree: an operand is missing"));
    }
    let mut checker = Checker::new(source, syntax, text);
    checker.declare()?;
    checker.settle_parameters()?;
    checker.expressions()?;
    for statement in &syntax.statements {
        checker.statement(statement)?;
    }
    checker.finish()
}

struct Checker<'t> {
    source: &'t str,
    syntax: &'t Syntax,
    names: HashMap<&'t str, Meaning>,
    /// Type of each node that has been checked.
    types: Vec<Option<Type>>,
    /// Value of each constant node, in coherent units.
    constants: Vec<Option<f64>>,
    made: Definition,
    /// Index of the statement that defines each named expression.
    statement_of: Vec<usize>,
    /// Whether the text is a function of `x`, which does not read any quantities of a compartment.
    is_formula: bool,
}

impl<'t> Checker<'t> {
    fn new(source: &'t str, syntax: &'t Syntax, text: String) -> Self {
        let n = syntax.nodes.len();
        let made = Definition {
            text,
            // Nodes that are not values, such as `weight`, remain 0.
            terms: vec![Term::Number(0.0); n],
            parameters: Vec::new(),
            states: Vec::new(),
            expressions: Vec::new(),
            order: Vec::new(),
            imports: Vec::new(),
            exports: Vec::new(),
            diffuses: Vec::new(),
            arrivals: Vec::new(),
            events: Vec::new(),
            flags: Vec::new(),
            membrane: None,
            current: None,
        };
        let names = GIVEN.iter().map(|(name, given)| (*name, Meaning::Given(*given))).collect();
        Self {
            source,
            syntax,
            names,
            types: vec![None; n],
            constants: vec![None; n],
            made,
            statement_of: Vec::new(),
            is_formula: false,
        }
    }

    fn error(&self, span: Span, message: impl Into<String>) -> TextError {
        TextError::new(self.source, span, message)
    }

    /// Returns all nodes of the expression `root`, in ascending order.
    fn subtree(&self, root: Id) -> Vec<Id> {
        let (mut found, mut stack) = (Vec::new(), vec![root]);
        while let Some(id) = stack.pop() {
            found.push(id);
            if let Node::Apply(_, operands) = &self.syntax.nodes[id].0 {
                stack.extend(operands);
            }
        }
        found.sort_unstable();
        found
    }

    /// Returns an error unless a node has this dimension. `what` names the quantity in the message.
    fn of_dimension(&self, id: Id, dimension: Dimension, what: &str) -> Checked<()> {
        let span = self.syntax.nodes[id].1;
        match self.types[id] {
            Some(Type::Zero) => Ok(()),
            Some(Type::Number(d)) if d == dimension => Ok(()),
            Some(Type::Truth) => Err(self.error(
                span,
                format!("{what} is a condition; expected {dimension}, such as 'where(condition, a, b)'"),
            )),
            Some(Type::Flag) if dimension == Dimension::ONE => Ok(()),
            Some(Type::Number(d)) => {
                Err(self.error(span, format!("{what} is {}; expected {dimension}", d.being())))
            }
            Some(Type::Flag) | None => {
                Err(self.error(span, format!("{what} is a pure number; expected {dimension}")))
            }
        }
    }

    fn statement(&mut self, statement: &Statement) -> Checked<()> {
        match statement {
            Statement::Derivative { name, value, .. } => self.derivative(name, *value),
            Statement::Initial { name, value } => self.initial(name, *value),
            Statement::Import { name, default: Some(value), .. } => self.import_default(name, *value),
            Statement::Export { name, value } => self.export(name, *value),
            Statement::Diffuse { name, value } => self.diffuse(name, *value),
            Statement::On { trigger, actions } => self.event(trigger, actions),
            _ => Ok(()),
        }
    }

    fn derivative(&mut self, name: &Name, value: Id) -> Checked<()> {
        self.check_value(value)?;
        let word = &*name.text;
        let of = if let Some(Meaning::State(i)) = self.names.get(word) {
            self.made.states[*i].derivative = value;
            self.made.states[*i].unit.unit.dimension
        } else {
            self.made.membrane = Some(value);
            Dimension::POTENTIAL
        };
        self.of_dimension(value, of / Dimension::TIME, &format!("d{word}/dt"))
    }

    fn initial(&mut self, name: &Name, value: Id) -> Checked<()> {
        self.check_value(value)?;
        let word = &*name.text;
        let Some(Meaning::State(i)) = self.names.get(word).copied() else {
            let states = self.made.states.iter().map(|s| s.name.as_str());
            let message =
                format!("'{word}' is not a state, so it has no initial value{}", suggestion(word, states));
            return Err(self.error(name.span, message));
        };
        if self.made.states[i].initial.replace(value).is_some() {
            return Err(self.error(name.span, format!("'{word}(0)' is defined twice")));
        }
        let dimension = self.made.states[i].unit.unit.dimension;
        self.of_dimension(value, dimension, &format!("{word}(0)"))
    }

    fn import_default(&mut self, name: &Name, value: Id) -> Checked<()> {
        self.check_value(value)?;
        let word = &*name.text;
        let Some(Meaning::Import(i)) = self.names.get(word).copied() else { return Ok(()) };
        let dimension = self.made.imports[i].unit.unit.dimension;
        let what = format!("the default of '{word}'");
        self.of_dimension(value, dimension, &what)?;
        self.constant(value, &what)?;
        self.made.imports[i].default = Some(value);
        Ok(())
    }

    fn export(&mut self, name: &Name, value: Option<Id>) -> Checked<()> {
        const CONDITION: &str =
            "this expression is a condition; expected a quantity, such as 'where(condition, 1, 0)'";
        let word = name.text.to_string();
        if self.made.exports.iter().any(|e| e.name == word) {
            return Err(self.error(name.span, format!("'{word}' is exported twice")));
        }
        let (value, dimension) = if let Some(value) = value {
            self.check_value(value)?;
            match self.types[value] {
                Some(Type::Number(d)) => (value, d),
                Some(Type::Zero | Type::Flag) => (value, Dimension::ONE),
                _ => return Err(self.error(self.syntax.nodes[value].1, CONDITION)),
            }
        } else {
            let meaning = self.meaning(&name.text, name.span)?;
            if matches!(meaning, Meaning::Expression(i) if self.is_condition(i)) {
                return Err(self.error(name.span, CONDITION));
            }
            let dimension = self.dimension_of(meaning);
            self.made.terms.push(Self::term_of(meaning));
            (self.made.terms.len() - 1, dimension)
        };
        self.made.exports.push(Export { name: word, value, unit: Unit::coherent_of(dimension) });
        Ok(())
    }

    fn finish(mut self) -> Checked<Definition> {
        if let Some(i) = self.made.expressions.iter().position(|e| e.name == "I") {
            let dimension = self.made.expressions[i].unit.unit.dimension;
            let per_area = dimension == Dimension::CURRENT / (Dimension::LENGTH * Dimension::LENGTH);
            if !per_area && dimension != Dimension::CURRENT {
                let Statement::Define { name, .. } = &self.syntax.statements[self.statement_of[i]] else {
                    return Ok(self.made);
                };
                let message = format!(
                    "I is the current into the compartment; expected a value in pA or pA/um2, not {dimension}"
                );
                return Err(self.error(name.span, message));
            }
            self.made.current = Some(Current { expression: i, per_area });
        }
        self.diffusion()?;
        let made = &self.made;
        if made.current.is_none()
            && made.membrane.is_none()
            && made.exports.is_empty()
            && made.events.is_empty()
        {
            let message = "the equations have no effect on a neuron; expected a current 'I = ... : pA', an equation for V, an export or an event";
            return Err(self.error(Span::new(0, 0), message));
        }
        Ok(self.made)
    }
}
