//! Checks of the statement `diffuse`.

use super::{Checked, Checker, Meaning};
use crate::definition::{Diffuse, Given, Id, Term};
use crate::error::suggestion;
use crate::syntax::Name;
use crate::unit::Dimension;

impl Checker<'_> {
    pub(super) fn diffuse(&mut self, name: &Name, value: Id) -> Checked<()> {
        self.check_value(value)?;
        let word = &*name.text;
        let Some(Meaning::State(state)) = self.names.get(word).copied() else {
            let states = self.made.states.iter().map(|s| s.name.as_str());
            let message =
                format!("'{word}' is not a state, so it cannot diffuse{}", suggestion(word, states));
            return Err(self.error(name.span, message));
        };
        if self.made.diffuses.iter().any(|d| d.state == state) {
            return Err(
                self.error(name.span, format!("'{word}' already diffuses; remove one of the two statements"))
            );
        }
        let what = format!("the diffusion coefficient of '{word}'");
        self.of_dimension(value, Dimension::LENGTH * Dimension::LENGTH / Dimension::TIME, &what)?;
        self.made.diffuses.push(Diffuse { state, coefficient: value, span: name.span });
        Ok(())
    }

    /// Checks that diffusion coefficients do not change during a run. They may use named expressions, which must be complete.
    pub(super) fn diffusion(&self) -> Checked<()> {
        for diffuse in &self.made.diffuses {
            let word = &self.made.states[diffuse.state].name;
            // Named expressions have been checked, so they do not depend on themselves.
            let (mut seen, mut stack) = (vec![false; self.made.terms.len()], Vec::new());
            stack.extend(self.subtree(diffuse.coefficient).into_iter().map(|id| (id, id)));
            while let Some((id, origin)) = stack.pop() {
                if std::mem::replace(&mut seen[id], true) {
                    continue;
                }
                let moves = match &self.made.terms[id] {
                    Term::State(_) | Term::Import(_) | Term::Flag(_) => true,
                    Term::Given(given) => matches!(given, Given::Potential | Given::Current),
                    Term::Expression(i) => {
                        let inner = self.subtree(self.made.expressions[*i].value);
                        stack.extend(inner.into_iter().map(|id| (id, origin)));
                        false
                    }
                    _ => false,
                };
                if moves {
                    let message = format!(
                        "the diffusion coefficient of '{word}' must be constant; expected an expression in terms of parameters and numbers"
                    );
                    return Err(self.error(self.syntax.nodes[origin].1, message));
                }
            }
        }
        Ok(())
    }
}
