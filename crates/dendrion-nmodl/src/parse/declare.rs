//! Parser of declaration blocks: NEURON, UNITS and blocks of variables.

use dendrion_language::cursor::{Parsed, Parser as _};

use super::{Parser, refused};
use crate::constants;
use crate::lex::{Kind, Special};
use crate::syntax::{Declared, Head, Ion, Name};

const NEURON: &str = "SUFFIX, POINT_PROCESS, USEION, NONSPECIFIC_CURRENT, ELECTRODE_CURRENT, RANGE, GLOBAL, THREADSAFE, REPRESENTS or '}'";

impl<'t> Parser<'t> {
    pub(super) fn neuron(&mut self) -> Parsed<()> {
        self.expect("{", "to begin the block")?;
        while !self.accept("}") {
            let word = self.name(NEURON)?;
            match word.text {
                "SUFFIX" => self.head(Head::Suffix)?,
                "POINT_PROCESS" => self.head(Head::Point)?,
                "USEION" => self.ion()?,
                "NONSPECIFIC_CURRENT" => {
                    let mut names = self.names("the name of a current")?;
                    self.file.nonspecific.append(&mut names);
                }
                "ELECTRODE_CURRENT" => {
                    let mut names = self.names("the name of a current")?;
                    self.file.electrode.append(&mut names);
                }
                "RANGE" | "GLOBAL" | "SECTION" => drop(self.names("the name of a variable")?),
                // Some files list variables after THREADSAFE.
                "THREADSAFE" => {
                    if self.peek().kind == Kind::Name && matches!(self.ahead(1).kind, Kind::Symbol(",")) {
                        self.names("the name of a variable")?;
                    }
                }
                "REPRESENTS" => self.term()?,
                text => {
                    return Err(match refused::word(text) {
                        Some(why) => self.refused(word.span, why),
                        None => self.error(
                            word.span,
                            format!("'{text}' is not allowed in NEURON; expected {NEURON}"),
                        ),
                    });
                }
            }
        }
        Ok(())
    }

    fn head(&mut self, head: Head) -> Parsed<()> {
        let name = self.name("the name of the mechanism")?;
        if self.file.head.replace((head, name)).is_some() {
            return Err(self
                .error(name.span, "the mechanism already has a name; expected one SUFFIX or POINT_PROCESS"));
        }
        Ok(())
    }

    fn ion(&mut self) -> Parsed<()> {
        let name = self.name("the name of the ion")?;
        let mut ion = Ion { name, reads: Vec::new(), writes: Vec::new() };
        loop {
            match self.word() {
                "READ" => {
                    self.advance(1);
                    ion.reads.append(&mut self.names("the name of a variable that is read from the ion")?);
                }
                "WRITE" => {
                    self.advance(1);
                    ion.writes.append(&mut self.names("the name of a variable that is written to the ion")?);
                }
                "VALENCE" => {
                    self.advance(1);
                    self.number("the valence of the ion")?;
                }
                "REPRESENTS" => {
                    self.advance(1);
                    self.term()?;
                }
                _ => break,
            }
        }
        self.file.ions.push(ion);
        Ok(())
    }

    /// Parses an ontology term, after `REPRESENTS`. It has no effect on the equations.
    fn term(&mut self) -> Parsed<()> {
        if self.peek().kind != Kind::Special(Special::Term) {
            return Err(self.unexpected("an ontology term such as CHEBI:29101"));
        }
        self.advance(1);
        Ok(())
    }

    /// Parses unit and constant definitions: `(mV) = (millivolt)` and `R = (k-mole) (joule/degC)`.
    pub(super) fn units(&mut self) -> Parsed<()> {
        self.expect("{", "to begin the block")?;
        while !self.accept("}") {
            if self.accept_word("UNITSON") || self.accept_word("UNITSOFF") {
                continue;
            }
            if let Some(alias) = self.unit()? {
                self.expect("=", "followed by the definition of the unit")?;
                let Some(meaning) = self.unit()? else {
                    return Err(self.unexpected("a unit in parentheses"));
                };
                self.file.units.insert(alias, meaning);
                continue;
            }
            let name = self.name("a unit in parentheses, the name of a constant or '}'")?;
            self.expect("=", "followed by its value")?;
            let value = self.constant()?;
            self.file.constants.push((name, value));
        }
        Ok(())
    }

    /// Parses the value of a constant: `96485 (coul)` or `(faraday) (coulomb)`.
    fn constant(&mut self) -> Parsed<f64> {
        let span = self.peek().span;
        let Some(what) = self.unit()? else {
            let value = self.number("a number or a physical constant in parentheses")?;
            self.unit()?;
            return Ok(value);
        };
        let unit = self.unit()?.unwrap_or("1");
        constants::value(what, unit).ok_or_else(|| {
            let message = format!(
                "unknown constant ({what}) in units of ({unit}); expected {}, or a number",
                constants::KNOWN
            );
            self.error(span.to(self.ahead(0).span), message)
        })
    }

    /// Parses the variable declarations of a block. In PARAMETER and CONSTANT blocks (`with_default`), a variable
    /// may have a default value.
    pub(super) fn declarations(&mut self, with_default: bool) -> Parsed<Vec<Declared<'t>>> {
        let mut found = Vec::new();
        self.expect("{", "to begin the block")?;
        while !self.accept("}") {
            if self.accept_word("UNITSON") || self.accept_word("UNITSOFF") {
                continue;
            }
            let name = self.name("the name of a variable or '}'")?;
            let mut default = None;
            if with_default && self.accept("=") {
                default = Some(self.number("a number")?);
            }
            let unit = self.unit()?.unwrap_or("");
            self.range()?;
            let limits = self.limits()?;
            self.accept(",");
            found.push(Declared { name, default, unit, limits });
            let begins_next = matches!(self.peek().kind, Kind::Name | Kind::Symbol("}"));
            if !begins_next {
                return Err(self.after_declaration(name, with_default));
            }
        }
        Ok(found)
    }

    fn after_declaration(&self, name: Name<'t>, with_default: bool) -> crate::NmodlError {
        if self.is("=") && !with_default {
            let message = format!("'{}' has a value here; move the value to PARAMETER or INITIAL", name.text);
            return self.error(self.peek().span, message);
        }
        self.unexpected("the next variable or '}'")
    }

    /// Parses `FROM 0 TO 1 START 0.5`, which older versions of NMODL used to scale plots.
    fn range(&mut self) -> Parsed<()> {
        while ["FROM", "TO", "START", "WITH"].contains(&self.word()) {
            self.advance(1);
            self.number("a number")?;
        }
        Ok(())
    }

    /// Parses limits such as `<0, 1e9>`.
    fn limits(&mut self) -> Parsed<Option<(f64, f64)>> {
        if !self.accept("<") {
            return Ok(None);
        }
        let low = self.number("the lower limit")?;
        // A single number is a tolerance for the integrator, which is not used here.
        let high = if self.accept(",") { Some(self.number("the upper limit")?) } else { None };
        self.expect(">", "to end the limits")?;
        Ok(high.map(|high| (low, high)))
    }
}
