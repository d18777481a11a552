//! Shapes of neurons.
//!
//! A [`Morphology`] is a tree of [`Section`]s, each of which is a chain of frusta. It is created from the
//! points of an SWC file ([`read_swc`]) or from [cylinders](Morphology::from_sections). [`discretize`]
//! divides a morphology into control volumes (CVs) with areas and axial resistances.

mod build;
mod cv;
mod error;
mod interval;
mod kind;
mod points;
mod region;
mod section;
mod soma;
mod swc;
mod tree;
mod valid;

pub use build::SectionSpec;
pub use cv::{Cv, CvPolicy, CvTree, MOST_CVS, Membrane, Node, discretize};
pub use error::{MorphologyError, Problem};
pub use interval::Interval;
pub use kind::Kind;
pub use points::{Point, check};
pub use region::{Range, Region};
pub use section::{Attachment, Part, Sample, Section};
pub use swc::read_swc;
pub use tree::Morphology;
