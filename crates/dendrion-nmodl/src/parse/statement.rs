//! Parser of statements, which have no separators in NMODL.

use dendrion_language::cursor::{Parsed, Parser as _};

use super::{Parser, refused};
use crate::lex::{Kind, Special};
use crate::syntax::{Block, Expr, Statement};

impl<'t> Parser<'t> {
    /// Parses statements in braces.
    pub(super) fn block(&mut self) -> Parsed<Block<'t>> {
        self.block_with_end(false)
    }

    /// Parses the statements of a whole block or PROCEDURE, which may end with a return.
    pub(super) fn body(&mut self) -> Parsed<Block<'t>> {
        self.block_with_end(true)
    }

    fn block_with_end(&mut self, returns: bool) -> Parsed<Block<'t>> {
        self.expect("{", "to begin the block")?;
        self.deeper(|p| {
            let mut statements = Vec::new();
            while !p.accept("}") {
                match p.peek().kind {
                    Kind::Special(Special::Return) if returns && matches!(p.ahead(1).kind, Kind::Symbol("}")) => {
                        p.note(p.peek().span, "VERBATIM is omitted, because it only returns at the end of the block");
                        p.advance(1);
                    }
                    Kind::Name => statements.extend(p.statement()?),
                    Kind::Symbol("{") => statements.append(&mut p.block()?),
                    Kind::Symbol(";") => p.advance(1),
                    Kind::Symbol("~") => {
                        return Err(p.refused(p.peek().span, "it is only used in KINETIC, LINEAR and NONLINEAR blocks, which are not supported"));
                    }
                    _ => return Err(p.unexpected("a statement or '}'")),
                }
            }
            Ok(statements)
        })
    }

    fn statement(&mut self) -> Parsed<Option<Statement<'t>>> {
        let name = self.name("a statement")?;
        match name.text {
            "LOCAL" => {
                let names = self.names("the name of a variable")?;
                if self.is("[") {
                    return Err(self.refused(self.peek().span, refused::ARRAY));
                }
                return Ok(Some(Statement::Local(names)));
            }
            "if" | "IF" => return self.branch().map(Some),
            "SOLVE" => return self.solve().map(Some),
            "UNITSON" | "UNITSOFF" => return Ok(None),
            "TABLE" => {
                self.note(name.span, "TABLE is omitted, because values are computed instead of looked up");
                self.table()?;
                return Ok(None);
            }
            "CONDUCTANCE" => {
                self.note(
                    name.span,
                    "CONDUCTANCE is omitted, because derivatives of currents are computed automatically",
                );
                self.name("the name of a conductance")?;
                if self.accept_word("USEION") {
                    self.name("the name of an ion")?;
                }
                return Ok(None);
            }
            "INITIAL" => {
                let why = "connections cannot have their own states; use states of the mechanism";
                return Err(self.refused(name.span, why));
            }
            text => {
                if let Some(why) = refused::word(text) {
                    return Err(self.refused(name.span, why));
                }
            }
        }
        if self.accept("=") {
            self.file.set.insert(name.text);
            return Ok(Some(Statement::Assign { name, value: self.value()? }));
        }
        if self.accept("'") {
            self.expect("=", "followed by the derivative")?;
            return Ok(Some(Statement::Rate { name, value: self.value()? }));
        }
        if !self.is("(") {
            return Err(self.unexpected(&format!("'=' or '(' after '{}'", name.text)));
        }
        if name.text == "printf" || name.text == "fprintf" {
            self.note(name.span, format!("{} is omitted, because equations cannot print", name.text));
            self.skip_call();
            return Ok(None);
        }
        let arguments = self.arguments_of_call()?;
        Ok(Some(Statement::Call { name, arguments }))
    }

    /// Parses an expression and returns its nodes.
    pub(super) fn value(&mut self) -> Parsed<Expr> {
        let first = self.file.nodes.len();
        let root = self.expression()?;
        Ok(Expr { first, root })
    }

    fn arguments_of_call(&mut self) -> Parsed<Vec<Expr>> {
        let mut arguments = Vec::new();
        self.expect("(", "followed by the arguments")?;
        while !self.accept(")") {
            arguments.push(self.value()?);
            if !self.accept(",") && !self.is(")") {
                return Err(self.unexpected("an operator, ',' or ')'"));
            }
        }
        Ok(arguments)
    }

    /// Skips a list in parentheses.
    fn skip_call(&mut self) {
        let mut depth = 0_usize;
        loop {
            match self.next().kind {
                Kind::Symbol("(") => depth += 1,
                Kind::Symbol(")") => depth = depth.saturating_sub(1),
                Kind::End => return,
                _ => {}
            }
            if depth == 0 {
                return;
            }
        }
    }

    /// Parses the rest of `if (condition) { .. } else ..`, after `if`.
    fn branch(&mut self) -> Parsed<Statement<'t>> {
        self.expect("(", "followed by a condition")?;
        let condition = self.value()?;
        self.expect(")", "to close the condition")?;
        let yes = self.block()?;
        let mut no = Vec::new();
        if self.accept_word("else") || self.accept_word("ELSE") {
            if self.accept_word("if") || self.accept_word("IF") {
                no.push(self.deeper(Self::branch)?);
            } else {
                no = self.block()?;
            }
        }
        Ok(Statement::If { condition, yes, no })
    }

    fn solve(&mut self) -> Parsed<Statement<'t>> {
        let name = self.name("the name of a DERIVATIVE block")?;
        let mut steady = false;
        loop {
            match self.word() {
                "METHOD" => self.advance(1),
                "STEADYSTATE" => {
                    self.advance(1);
                    steady = true;
                }
                _ => return Ok(Statement::Solve { name, steady }),
            }
            self.name("the name of a method, such as cnexp")?;
        }
    }

    /// Parses the rest of `TABLE a, b DEPEND c FROM -100 TO 100 WITH 200`, after `TABLE`.
    fn table(&mut self) -> Parsed<()> {
        if !["FROM", "DEPEND"].contains(&self.word()) {
            self.names("the name of a variable")?;
        }
        if self.accept_word("DEPEND") {
            self.names("the name of a variable")?;
        }
        for word in ["FROM", "TO", "WITH"] {
            if !self.accept_word(word) {
                return Err(self.unexpected(&format!("'{word}', as in 'TABLE a FROM -100 TO 100 WITH 200'")));
            }
            self.value()?;
        }
        Ok(())
    }
}
