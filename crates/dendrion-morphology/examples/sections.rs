//! Prints the sections of an SWC file: kind, parent, position on the parent, length and area.
//!
//! `cargo run -p dendrion-morphology --example sections -- cell.swc`

use dendrion_morphology::{Morphology, read_swc};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::args().nth(1).ok_or("expected the name of an SWC file")?;
    let tree = Morphology::from_points(&read_swc(&std::fs::read_to_string(path)?)?)?;
    for (i, section) in tree.sections().iter().enumerate() {
        let (parent, x) = section.parent.map_or((-1, 0.0), |p| (p.section as i64, p.x));
        println!("{i} {} {parent} {x} {} {}", section.kind.name(), section.length(), section.area());
    }
    for warning in tree.warnings() {
        println!("{warning}");
    }
    Ok(())
}
