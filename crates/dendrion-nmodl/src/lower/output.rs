//! Produces the lines of the text, which refer to definitions by number.

use super::ions::in_unit;
use super::slots::{Held, Role};
use super::{Import, Lowered, Lowerer, Parameter, Pass};
use crate::defs::{Def, Defs};
use crate::error::Span;
use crate::names::Names;
use crate::piece::{Piece, level};
use crate::syntax::{Name, Operator};

/// The contents of a text. In its lines, `@7@` refers to definition 7.
#[derive(Debug)]
pub(crate) struct Output {
    pub(crate) names: Names,
    pub(crate) defs: Vec<Def>,
    pub(crate) parameters: Vec<Parameter>,
    pub(crate) imports: Vec<Import>,
    /// Lines before the definitions: the current, derivatives and initial values.
    pub(crate) first: Vec<String>,
    /// Lines after the definitions: exports and arrivals.
    pub(crate) last: Vec<String>,
    /// Definitions that are kept even if nothing refers to them, each with its unit in the file.
    pub(crate) kept: Vec<(usize, String)>,
}

impl<'t> Lowerer<'_, 't> {
    pub(super) fn output(&mut self, arrivals: &[usize]) -> Lowered<Output> {
        let mut first = Vec::new();
        first.extend(self.current()?);
        let mut beginnings = Vec::new();
        for i in 0..self.states.len() {
            first.push(self.derivative(i)?);
            beginnings.extend(self.beginning(i)?);
        }
        first.append(&mut beginnings);
        let mut last = self.exports()?;
        if first.is_empty() && last.is_empty() || (!self.gives_current() && last.is_empty()) {
            let span = self.file.head.map_or_else(Span::default, |(_, name)| name.span);
            let message = "the mechanism has no effect; expected a current (NONSPECIFIC_CURRENT, ELECTRODE_CURRENT or USEION .. WRITE) or a written concentration";
            return Err(self.error(span, message));
        }
        last.extend(arrivals.iter().map(|i| format!("on event: {} += weight", self.states[*i].name)));
        let kept = self.kept();
        let take = std::mem::take::<Defs>;
        Ok(Output {
            names: std::mem::take(&mut self.names),
            defs: take(&mut self.defs).all,
            parameters: std::mem::take(&mut self.parameters),
            imports: std::mem::take(&mut self.imports),
            first,
            last,
            kept,
        })
    }

    fn gives_current(&self) -> bool {
        !self.outward().is_empty() || !self.file.electrode.is_empty()
    }

    /// Returns the currents that are positive if they leave the cell.
    fn outward(&self) -> Vec<Name<'t>> {
        let ions = self.file.ions.iter().flat_map(|ion| {
            let name = format!("i{}", ion.name.text);
            ion.writes.iter().filter(move |w| w.text == name)
        });
        self.file.nonspecific.iter().chain(ions).copied().collect()
    }

    /// Returns the current into the compartment: electrode currents minus all others.
    fn current(&mut self) -> Lowered<Option<String>> {
        let (outward, electrode) = (self.outward(), self.file.electrode.clone());
        let Some(one) = outward.first().or(electrode.first()).copied() else { return Ok(None) };
        let mut out: Option<Piece> = None;
        let sum = |l: &Self, sum: Option<Piece>, piece: Piece| match sum {
            None => Ok(piece),
            Some(sum) => Piece::binary(Operator::Add, sum, piece)
                .ok_or_else(|| l.error(one.span, "the sum of the currents is not a finite number")),
        };
        for name in outward {
            let piece = self.written_value(name)?;
            out = Some(sum(self, out, piece)?);
        }
        let mut total = out.map(Piece::negated);
        for name in electrode {
            let piece = self.written_value(name)?;
            total = Some(sum(self, total, piece)?);
        }
        let total = total.unwrap_or_else(|| Piece::number(0.0));
        let unit = if self.current_unit() == "1 nA" { "pA" } else { "pA/um2" };
        Ok(Some(format!("I = {} : {unit}", in_unit(total, self.current_unit()))))
    }

    fn derivative(&mut self, i: usize) -> Lowered<String> {
        let state = self.states[i].clone();
        let rate = self.slots.get(state.rate).map(|s| s.held.clone());
        let mut piece = match rate {
            Some(Held::Known(piece)) => piece,
            Some(Held::Partial(partial)) => {
                return Err(self.partial(&format!("{}'", state.name), partial.span, None));
            }
            _ if state.is_constant => Piece::number(0.0),
            _ => {
                self.note(
                    state.span,
                    format!(
                        "the state '{}' has no derivative in a solved block, so it is constant",
                        state.name
                    ),
                );
                Piece::number(0.0)
            }
        };
        if let Some(factor) = state.factor {
            piece = self.divided(piece, factor, state.span)?;
        }
        let text = if piece.level < level::PRODUCT { format!("({})", piece.text) } else { piece.text };
        Ok(match (state.is_concentration, piece.constant == Some(0.0)) {
            (false, true) => format!("d{}/dt = 0 : 1", state.name),
            (true, true) => format!("d{}/dt = 0 : mM", state.name),
            (false, false) => format!("d{}/dt = {text}/(1 ms) : 1", state.name),
            (true, false) => format!("d{}/dt = {text} * (1 mM)/(1 ms) : mM", state.name),
        })
    }

    fn divided(&self, piece: Piece, factor: Piece, span: Span) -> Lowered<Piece> {
        Piece::binary(Operator::Div, piece, factor).ok_or_else(|| {
            self.error(span, "after division by the factor of the state, this is not a finite number")
        })
    }

    /// Returns the line with a state's initial value, unless it is 0.
    fn beginning(&mut self, i: usize) -> Lowered<Option<String>> {
        let state = self.states[i].clone();
        let Some(mut piece) = state.initial.filter(|p| p.constant != Some(0.0)) else { return Ok(None) };
        if let Some(factor) = state.factor {
            piece = self.divided(piece, factor, state.span)?;
        }
        let value = if state.is_concentration { in_unit(piece, "1 mM") } else { piece.text };
        Ok(Some(format!("{}(0) = {value}", state.name)))
    }

    /// Names the variables' values at the end of a step.
    fn kept(&mut self) -> Vec<(usize, String)> {
        debug_assert_eq!(self.pass, Pass::Step);
        let mut kept = Vec::new();
        for i in 0..self.slots.len() {
            let Some(slot) = self.slots.get(i) else { break };
            let (name, unit) = (slot.name, slot.unit);
            let (Role::Assigned { public: true }, Held::Known(piece) | Held::Before(piece)) =
                (slot.role, slot.held.clone())
            else {
                continue;
            };
            // A variable that keeps its value from INITIAL is already a state with this name.
            if self.states.iter().any(|state| state.slot == i) {
                continue;
            }
            if piece.constant == Some(0.0) && !self.file.set.contains(name.text) {
                continue;
            }
            if piece.constant.is_some() {
                self.note(
                    name.span,
                    format!("'{}' is always {}, so it cannot be recorded", name.text, piece.text),
                );
                continue;
            }
            let plain = self.plain(name);
            let own = piece.definition().filter(|id| {
                self.defs.all.get(*id).is_some_and(|def| def.public.is_none() && def.leaf.is_none())
            });
            let id = own.unwrap_or_else(|| self.defs.alias(piece));
            if let Some(def) = self.defs.all.get_mut(id) {
                def.public = Some(plain);
            }
            kept.push((id, unit.to_string()));
        }
        kept
    }
}
