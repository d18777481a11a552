//! Parser of the blocks of a file.

use dendrion_language::cursor::{Parsed, Parser as _};

use super::{Parser, refused};
use crate::error::Span;
use crate::lex::{Kind, Special};
use crate::syntax::{Name, Routine};

/// The accepted blocks, for error messages.
const BLOCKS: &str = "NEURON, UNITS, PARAMETER, STATE, ASSIGNED, CONSTANT, INITIAL, BREAKPOINT, DERIVATIVE, PROCEDURE, FUNCTION or NET_RECEIVE";

impl<'t> Parser<'t> {
    pub(super) fn blocks(&mut self) -> Parsed<()> {
        loop {
            match self.peek().kind {
                Kind::End => return Ok(()),
                Kind::Special(Special::Title) => {
                    let span = self.next().span;
                    self.file.title = self.text(span).trim();
                }
                Kind::Name => self.block_of_file()?,
                _ => return Err(self.unexpected("a block, such as NEURON { .. }")),
            }
        }
    }

    fn block_of_file(&mut self) -> Parsed<()> {
        let word = self.name("a block")?;
        match word.text {
            "NEURON" => self.neuron(),
            "UNITS" => self.units(),
            "PARAMETER" | "STATE" | "ASSIGNED" | "CONSTANT" => self.variables(word.text),
            "DEFINE" => {
                let name = self.name("the name of a number")?;
                let value = self.number("a number after the name")?;
                self.file.constants.push((name, value));
                Ok(())
            }
            "LOCAL" => {
                let mut names = self.names("the name of a variable")?;
                self.file.locals.append(&mut names);
                Ok(())
            }
            "INITIAL" | "BREAKPOINT" | "EQUATION" | "DERIVATIVE" | "NET_RECEIVE" => self.run(word),
            "PROCEDURE" => self.routine(false),
            "FUNCTION" => self.routine(true),
            "INDEPENDENT" => self.skip(),
            "UNITSON" | "UNITSOFF" => Ok(()),
            text => Err(match refused::word(text) {
                Some(why) => self.refused(word.span, why),
                None => self.error(word.span, format!("'{text}' is not a block; expected {BLOCKS}")),
            }),
        }
    }

    /// Parses a block of declarations, after its keyword.
    fn variables(&mut self, word: &str) -> Parsed<()> {
        let mut found = self.declarations(word == "PARAMETER" || word == "CONSTANT")?;
        match word {
            "PARAMETER" => self.file.parameters.append(&mut found),
            "STATE" => self.file.states.append(&mut found),
            "ASSIGNED" => self.file.assigned.append(&mut found),
            _ => {
                let constants = found.iter().map(|c| (c.name, c.default.unwrap_or(0.0)));
                self.file.constants.extend(constants);
            }
        }
        Ok(())
    }

    /// Parses a block of statements, after its keyword.
    fn run(&mut self, word: Name<'t>) -> Parsed<()> {
        let double = match word.text {
            "INITIAL" => {
                let mut body = self.body()?;
                self.file.initial.append(&mut body);
                false
            }
            "DERIVATIVE" => {
                let name = self.name("the name of the block")?;
                let body = self.body()?;
                self.file.derivatives.insert(name.text, body).is_some()
            }
            "NET_RECEIVE" => {
                let arguments = self.arguments()?;
                let body = self.body()?;
                self.file.receive.replace((arguments, body, word.span)).is_some()
            }
            _ => {
                let body = self.body()?;
                self.file.breakpoint.replace(body).is_some()
            }
        };
        self.once(word.span, double)
    }

    fn once(&self, span: Span, double: bool) -> Parsed<()> {
        if double { Err(self.error(span, "this block is defined twice")) } else { Ok(()) }
    }

    /// Skips a block that does not affect the equations.
    fn skip(&mut self) -> Parsed<()> {
        self.expect("{", "to begin the block")?;
        while !self.accept("}") {
            if self.peek().kind == Kind::End {
                return Err(self.unexpected("'}' to end the block"));
            }
            self.advance(1);
        }
        Ok(())
    }

    /// Parses a PROCEDURE or a FUNCTION, after the keyword.
    fn routine(&mut self, is_function: bool) -> Parsed<()> {
        let name = self.name("the name of the routine")?;
        let arguments = self.arguments()?;
        self.unit()?;
        let body = if is_function { self.block()? } else { self.body()? };
        let routine = Routine { name, arguments, body, is_function };
        let double = self.file.routines.insert(name.text, routine).is_some();
        self.once(name.span, double)
    }

    /// Parses names in parentheses, each with an optional unit.
    fn arguments(&mut self) -> Parsed<Vec<Name<'t>>> {
        let mut names = Vec::new();
        self.expect("(", "followed by the names of the arguments")?;
        while !self.accept(")") {
            names.push(self.name("the name of an argument or ')'")?);
            self.unit()?;
            if !self.accept(",") && !self.is(")") {
                return Err(self.unexpected("',' or ')'"));
            }
        }
        Ok(names)
    }
}
