//! Regions: parts of a morphology, selected by kind, path distance, diameter and branch order.

use crate::cv::CvTree;
use crate::error::MorphologyError;
use crate::kind::Kind;
use crate::tree::Morphology;

/// A range of numbers, including both ends.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Range {
    /// The smallest number.
    pub low: f64,
    /// The largest number.
    pub high: f64,
}

/// A part of a morphology. A CV belongs to the region if the CV satisfies all conditions.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Region {
    /// The kind; `None` for all.
    pub kind: Option<Kind>,
    /// The path length from the soma's centre to the centre of the CV (um).
    pub distance: Option<Range>,
    /// The mean diameter of the CV (um).
    pub diameter: Option<Range>,
    /// The branch order of the section.
    pub order: Option<Range>,
}

impl Region {
    /// Returns the CVs of the region.
    ///
    /// # Errors
    /// Returns an error if the region contains no CVs.
    pub fn cvs(&self, morphology: &Morphology, tree: &CvTree) -> Result<Vec<usize>, MorphologyError> {
        let within = |range: &Option<Range>, v: f64| range.is_none_or(|r| r.low <= v && v <= r.high);
        let belongs = |k: &usize| {
            let cv = &tree.cvs[*k];
            let kind = morphology.sections()[cv.section].kind;
            self.kind.is_none_or(|k| k == kind)
                && within(&self.distance, cv.distance)
                && within(&self.diameter, cv.diameter)
                && within(&self.order, morphology.order(cv.section) as f64)
        };
        let found: Vec<usize> = (0..tree.cvs.len()).filter(belongs).collect();
        if found.is_empty() { Err(MorphologyError::Value(self.why_empty(morphology))) } else { Ok(found) }
    }

    /// Explains why a region contains no CVs.
    fn why_empty(&self, morphology: &Morphology) -> String {
        let mut kinds: Vec<Kind> = morphology.sections().iter().map(|s| s.kind).collect();
        kinds.sort_unstable();
        kinds.dedup();
        let names: Vec<String> = kinds.iter().map(|k| k.name()).collect();
        match self.kind {
            Some(kind) if !kinds.contains(&kind) => {
                format!("has no {}; expected one of: {}", kind.name(), names.join(", "))
            }
            _ => {
                let part = self.kind.map_or_else(|| "all".into(), Kind::name);
                let ranges = [
                    ("distance", " um", self.distance),
                    ("diameter", " um", self.diameter),
                    ("order", "", self.order),
                ];
                let described = |(name, unit, range): (&str, &str, Option<Range>)| {
                    range
                        .map(|r| format!(" with {name} from {} to {}{unit}", r.low, r.high))
                        .unwrap_or_default()
                };
                format!("the region {part:?} contains no CV{}", ranges.map(described).concat())
            }
        }
    }
}
