//! Checks of single compartments, receptors and couplings.

use super::Checked;
use crate::{
    Compartment, Count, Coupling, Error, Mechanism, ModuleKind, Noise, Population, Receptor, Values,
    check_written, definition,
};

impl Compartment {
    pub(super) fn validate(&self, population: &Population) -> Checked {
        self.check(&population.path_of(&self.name), population.size)
    }

    /// Checks a compartment on its own. `path` identifies the compartment in error messages.
    ///
    /// # Errors
    /// Returns an error for a parameter outside its domain, for a length without a diameter or vice versa,
    /// for a geometry with the absolute default of `gL` or `C`, and for an `area_factor` without a geometry.
    pub fn check(&self, path: &str, size: usize) -> Checked {
        self.kind().check(path, &self.params, size)?;
        if self.params.has("length") != self.params.has("diameter") {
            let missing = if self.params.has("length") { "diameter" } else { "length" };
            return Err(Error::parameter(
                path,
                missing,
                "None",
                "either both length and diameter (um), or neither",
            ));
        }
        let factors = self.params.get("area_factor").map_or(&[][..], Values::as_slice);
        if let Some(given) = factors.iter().find(|f| **f != 1.0)
            && !self.has_geometry()
        {
            return Err(Error::parameter(
                path,
                "area_factor",
                given,
                "length and diameter (um) with this factor, or a factor of 1",
            ));
        }
        for (name, example) in [("gL", "gL=50 (uS/cm2)"), ("C", "C=1 (uF/cm2)")] {
            let spec = self.kind().parameter(path, name)?;
            let left = self.params.get(name).is_none_or(|v| v.uniform() == spec.default);
            if self.has_geometry() && left {
                let value = format!("{} (the default without a geometry)", spec.default.unwrap_or_default());
                let accepted =
                    format!("a value per area together with length and diameter, such as {example}");
                return Err(Error::parameter(path, name, value, accepted));
            }
        }
        Ok(())
    }
}

impl Receptor {
    pub(super) fn validate(&self, population: &Population) -> Checked {
        let path = population.path_of(&self.name);
        self.check(&path, population.count())?;
        if self.on >= population.compartments.len() {
            return Err(Error::structure(path, format!("compartment {} does not exist", self.on)));
        }
        Ok(())
    }

    /// Checks a receptor on its own. `path` identifies the receptor in error messages.
    ///
    /// # Errors
    /// Returns an error for a parameter outside its domain or a missing `t_decay`.
    pub fn check(&self, path: &str, size: impl Into<Count>) -> Checked {
        let size = size.into();
        if let Some(text) = &self.text {
            let definition = definition(path, text)?;
            if definition.arrivals.is_empty() || definition.current.is_none() {
                let what = "the equations do not define a receptor; expected 'on event: s += weight' and 'I = ... : pA'";
                return Err(Error::structure(path, what));
            }
            return check_written(path, &definition, &self.params, size);
        }
        if self.signed && !self.accepts_negative() {
            let what = "the weights of a built-in receptor with a conductance cannot be negative; use a \
                        CurrentReceptor, or a receptor with equations of its own";
            return Err(Error::structure(path, what));
        }
        if self.scale_g && self.kind == ModuleKind::CurrentReceptor {
            let what = "scale_g has no effect, because a current-based receptor has no conductance; omit it";
            return Err(Error::structure(path, what));
        }
        self.kind.check(path, &self.params, size)?;
        if self.kind.value(&self.params, "t_decay").is_none() {
            return Err(Error::parameter(path, "t_decay", "None", "a time constant > 0 (ms)"));
        }
        Ok(())
    }
}

impl Mechanism {
    pub(super) fn validate(&self, population: &Population) -> Checked {
        let path = population.path_of(&self.name);
        let definition = definition(&path, &self.text)?;
        if !definition.arrivals.is_empty() {
            let what = "the equations contain 'on event', which only receptors support; add it as a receptor";
            return Err(Error::structure(path, what));
        }
        check_written(&path, &definition, &self.params, population.count())?;
        if self.on >= population.compartments.len() {
            return Err(Error::structure(path, format!("compartment {} does not exist", self.on)));
        }
        Ok(())
    }
}

impl Coupling {
    pub(super) fn validate(&self, population: &Population) -> Checked {
        let path = population.path_of(&self.name);
        ModuleKind::Coupling.check(&path, &self.params, population.size)?;
        for end in [self.a, self.b] {
            let Some(compartment) = population.compartments.get(end) else {
                return Err(Error::structure(path, format!("compartment {end} does not exist")));
            };
            if !self.params.has("g") && !compartment.has_axial_geometry() {
                let accepted = format!(
                    "a conductance >= 0 (nS), or length, diameter and r_axial of both compartments ({} lacks them)",
                    compartment.name
                );
                return Err(Error::parameter(path, "g", "None", accepted));
            }
        }
        Ok(())
    }
}

impl Noise {
    pub(super) fn validate(&self, population: &Population) -> Checked {
        let path = population.path_of(&self.name);
        self.kind.check(&path, &self.params, population.size)?;
        for spec in self.kind.parameters().iter().filter(|s| s.default.is_none()) {
            if !self.params.has(spec.name) {
                let accepted = format!("{} ({})", spec.domain.words(), spec.unit);
                return Err(Error::parameter(path, spec.name, "None", accepted));
            }
        }
        if self.on >= population.compartments.len() {
            return Err(Error::structure(path, format!("compartment {} does not exist", self.on)));
        }
        Ok(())
    }
}
