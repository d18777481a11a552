//! Parser of statements: one per line, or several on a line separated by `;`.

use super::Parser;
use super::unit::{Product, Units as _};
use crate::cursor::{Parsed, Parser as _};
use crate::definition::Written;
use crate::error::{Span, TextError};
use crate::lex::{Kind, LINE};
use crate::syntax::{Action, Annotation, Bound, Change, Name, Statement, Trigger};

impl Parser<'_> {
    pub(super) fn statements(&mut self) -> Parsed<()> {
        loop {
            while self.peek().kind == LINE || self.is(";") {
                self.advance(1);
            }
            if self.peek().kind == Kind::End {
                return Ok(());
            }
            let statement = self.statement()?;
            let is_block = matches!(statement, Statement::On { .. });
            self.syntax.statements.push(statement);
            if !is_block && self.peek().kind != LINE && !self.is(";") {
                return Err(self.unexpected("the end of the statement or an operator"));
            }
        }
    }

    fn statement(&mut self) -> Parsed<Statement> {
        if self.is_formula {
            return self.definition();
        }
        if self.word() == "on" {
            return self.on();
        }
        if self.accept_word("import") {
            let name = self.name("the name of a quantity of the compartment")?;
            self.expect(":", "followed by a unit, as in 'import Ca : mM'")?;
            let unit = self.annotation()?;
            let default = if self.accept("=") { Some(self.expression()?) } else { None };
            return Ok(Statement::Import { name, unit, default });
        }
        if self.accept_word("export") {
            let name = self.name("a name that other mechanisms of the compartment may import")?;
            let value = if self.accept("=") { Some(self.expression()?) } else { None };
            return Ok(Statement::Export { name, value });
        }
        if self.accept_word("diffuse") {
            let name = self.name("the name of a state")?;
            self.expect("=", "followed by the diffusion coefficient")?;
            return Ok(Statement::Diffuse { name, value: self.expression()? });
        }
        let name = self.name("a statement: 'dx/dt = ...', 'x = ...', 'x : unit' or 'on ...:'")?;
        if self.accept("=") {
            let value = self.expression()?;
            let unit = self.accept(":").then(|| self.annotation()).transpose()?;
            return Ok(Statement::Define { name, value, unit, bound: self.bound()?, doc: String::new() });
        }
        if self.accept(":") {
            let unit = self.annotation()?;
            return Ok(Statement::Declare { name, unit, bound: self.bound()?, doc: String::new() });
        }
        if self.is("/") {
            return self.derivative(name);
        }
        if self.is("(") {
            return self.initial(name);
        }
        Err(self.unexpected(&format!("'=' or ':' after '{}'", name.text)))
    }

    /// Parses a statement of a function of `x`. The name of the value is empty.
    fn definition(&mut self) -> Parsed<Statement> {
        if self.peek().kind != Kind::Name || self.ahead(1).kind != Kind::Symbol("=") {
            let message =
                "expected a definition 'name = ...', or the value of the function as the last statement";
            return Err(self.error(self.peek().span, message));
        }
        let name = self.name("a name")?;
        self.advance(1);
        let value = self.expression()?;
        if self.is(":") {
            return Err(self.error(self.peek().span, "numbers in a function of x cannot have units"));
        }
        Ok(Statement::Define { name, value, unit: None, bound: self.bound()?, doc: String::new() })
    }

    /// Parses the rest of `dx/dt = ...`, after `dx`.
    fn derivative(&mut self, Name { text: word, span: dx }: Name) -> Parsed<Statement> {
        self.advance(1);
        if !word.starts_with('d') || word.len() < 2 || self.word() != "dt" {
            let message = "invalid left-hand side; expected a name or a derivative such as 'dx/dt'";
            return Err(self.error(dx.to(self.peek().span), message));
        }
        self.advance(1);
        self.expect("=", "after the derivative")?;
        let value = self.expression()?;
        let unit = self.accept(":").then(|| self.annotation()).transpose()?;
        let name = Name::new(&word[1..], Span::new(dx.start + 1, dx.end));
        Ok(Statement::Derivative { name, value, unit })
    }

    /// Parses the rest of `x(0) = ...`, after `x`.
    fn initial(&mut self, name: Name) -> Parsed<Statement> {
        self.advance(1);
        if self.peek().kind != Kind::Number(0.0) {
            return Err(self.unexpected("0, as in 'x(0) = ...' for the initial value"));
        }
        self.advance(1);
        self.expect(")", "after 0")?;
        self.expect("=", "followed by the initial value")?;
        Ok(Statement::Initial { name, value: self.expression()? })
    }

    /// Parses the unit after a colon.
    fn annotation(&mut self) -> Parsed<Annotation> {
        let Product { unit, span, .. } = self.unit()?;
        Ok(Annotation { unit: Written::new(self.text(span), unit), span })
    }

    /// Parses a bound: `(> 0)`, `(>= 0)` or `(in [0, 1])`.
    fn bound(&mut self) -> Parsed<Option<Bound>> {
        let start = self.peek().span;
        if !self.accept("(") {
            return Ok(None);
        }
        let mut words = Vec::new();
        while !self.is(")") && !matches!(self.peek().kind, Kind::End | LINE) {
            let span = self.next().span;
            words.push(self.text(span));
        }
        let end = self.expect(")", "to close '('")?.span;
        match words.concat().as_str() {
            ">0" => Ok(Some(Bound::Positive)),
            ">=0" => Ok(Some(Bound::NonNegative)),
            "in[0,1]" => Ok(Some(Bound::Fraction)),
            _ => Err(self.error(start.to(end), "invalid bound; expected (> 0), (>= 0) or (in [0, 1])")),
        }
    }

    fn on(&mut self) -> Parsed<Statement> {
        let on = self.next().span;
        let trigger = if self.word() == "event" && matches!(self.ahead(1).kind, Kind::Symbol(":")) {
            self.advance(1);
            Trigger::Arrival
        } else if self.word() == "spike" && matches!(self.ahead(1).kind, Kind::Symbol(":")) {
            self.advance(1);
            Trigger::Spike
        } else {
            Trigger::When(self.expression()?)
        };
        let colon = self.expect(":", "followed by the actions of the event")?.span;
        let mut actions = Vec::new();
        if self.peek().kind == LINE {
            self.indented(self.column(on), &mut actions)?;
        } else {
            self.actions(&mut actions)?;
        }
        if actions.is_empty() {
            let message = "this event has no actions; expected actions after ':' or on indented lines below";
            return Err(self.error(on.to(colon), message));
        }
        Ok(Statement::On { trigger, actions })
    }

    fn column(&self, span: Span) -> usize {
        let before = self.text(Span::new(0, span.start));
        before[before.rfind('\n').map_or(0, |i| i + 1)..].chars().count()
    }

    /// Parses the actions on the following lines that are indented further than `column`.
    fn indented(&mut self, column: usize, actions: &mut Vec<Action>) -> Parsed<()> {
        loop {
            let mut lines = 0;
            while self.ahead(lines).kind == LINE {
                lines += 1;
            }
            let first = self.ahead(lines);
            if first.kind == Kind::End || self.column(first.span) <= column {
                return Ok(());
            }
            self.advance(lines);
            self.actions(actions)?;
        }
    }

    /// Parses the actions of one line, separated by `;`.
    fn actions(&mut self, actions: &mut Vec<Action>) -> Parsed<()> {
        loop {
            actions.push(self.action()?);
            let more = self.accept(";");
            if self.peek().kind == LINE {
                return Ok(());
            }
            if !more {
                return Err(self.unexpected("the end of the action"));
            }
        }
    }

    fn action(&mut self) -> Parsed<Action> {
        let name = self.name("an action, such as 'x += 1', 'x = 0' or 'x for 2 ms'")?;
        let mut what = if self.accept("+=") {
            Some(Change::Increase(self.expression()?))
        } else if self.accept("-=") {
            Some(Change::Decrease(self.expression()?))
        } else if self.accept("=") {
            Some(Change::Set(self.expression()?))
        } else {
            None
        };
        let after = self.accept_word("after").then(|| self.expression()).transpose()?;
        if what.is_none() && self.accept_word("for") {
            what = Some(Change::Last(self.expression()?));
        }
        let change = what.ok_or_else(|| self.action_expected())?;
        let last = self.behind().map_or(name.span, |t| t.span);
        let span = name.span.to(last);
        Ok(Action { name, change, after, span })
    }

    fn action_expected(&self) -> TextError {
        self.unexpected("'=', '+=', '-=', 'for' or 'after'")
    }
}
