//! SWC files: modified files, and random trees of points.

use dendrion_morphology::{
    CvPolicy, CvTree, Membrane, Morphology, MorphologyError, Region, discretize, read_swc,
};

use crate::mutate::{characters, mutated, words};
use crate::random::Random;
use crate::reader::{ACCEPTED, Outcome, Target};

/// Words that are inserted into files.
const WORDS: [&str; 26] = [
    "\n",
    "\n\n",
    "# a comment\n",
    "\r\n",
    "\t",
    ",",
    ";",
    " ",
    "-1",
    "-1\n",
    "0",
    "1",
    "2",
    "3",
    "4",
    "7",
    "-2",
    "1.0",
    "0.5",
    "-0.5",
    "1e200",
    "1e-200",
    "100 3 1 2 3 1 1\n",
    "100 1 1 2 3 1 1\n",
    "100 3 1 2 3 1 -1\n",
    "1 1 0 0 0 5 -1\n",
];

/// Valid files: somata of one, three and more points, and trees without a soma or whose root is not the soma.
const CORPUS: [&str; 6] = [
    "1 1 0 0 0 5 -1\n2 3 9 0 0 1 1\n3 3 20 0 0 1 2\n4 4 30 0 0 1 3\n5 4 40 5 0 1 4\n6 4 40 -5 0 1 4\n",
    "1 1 0 0 0 5 -1\n2 1 0 -5 0 5 1\n3 1 0 5 0 5 1\n4 4 0 5 0 1 1\n5 4 0 25 0 1 4\n6 3 9 9 0 1 1\n7 3 19 9 0 1 6\n",
    "1 1 0 0 0 4 -1\n2 1 4 0 0 5 1\n3 1 8 0 0 5 2\n4 1 12 0 0 4 3\n5 3 4 9 0 0.5 2\n6 3 4 19 0 0.5 5\n7 4 35 0 0 1 4\n",
    "1 1 0 0 0 5 -1\n2 1 9 0 0 5 1\n3 1 -9 0 0 5 1\n4 1 -9 9 0 5 3\n5 1 -9 -9 0 5 3\n6 3 20 0 0 1 2\n7 2 30 0 0 1 1\n",
    "1 3 0 0 0 1 -1\n2 3 10 0 0 1 1\n3 3 0 20 0 1 1\n4 4 0 30 0 1 3\n",
    "# root: a dendrite\n1 3 30 0 0 1 -1\n2 3 10 0 0 1 1\n3 1 0 0 0 5 2\n4 4 -10 0 0 1 3\n5 4 -30 0 0 1 4\n",
];

/// The target for SWC files.
pub(crate) struct Swc;

impl Target for Swc {
    fn make(&mut self, random: &mut Random) -> Vec<u8> {
        let text = match random.below(20) {
            0..9 => {
                let text = random.pick(&CORPUS);
                mutated(random, text, &CORPUS, &WORDS)
            }
            9..16 => tree(random),
            16 | 17 => {
                let text = tree(random);
                mutated(random, &text, &CORPUS, &WORDS)
            }
            18 => words(random, &WORDS, 40),
            _ => characters(random),
        };
        text.into_bytes()
    }

    fn check(&mut self, input: &[u8], random: &mut Random) -> Result<Outcome, String> {
        let text = &*String::from_utf8_lossy(input);
        let morphology = match read(text) {
            Ok(morphology) => morphology,
            Err(error) => return refused(text, &error),
        };
        check_sections(&morphology)?;
        let lines = shuffled(random, text);
        match read(&lines) {
            Ok(other) if other.sections() == morphology.sections() => {}
            other => return Err(format!("the result depends on the order of lines: {other:?}\n{lines}")),
        }
        let policy = match random.below(4) {
            0 => CvPolicy::Each(random.within(1..5)),
            1 => CvPolicy::PerSection(morphology.sections().iter().map(|_| random.within(1..9)).collect()),
            2 => CvPolicy::DLambda { fraction: 0.1, frequency: 100.0 },
            _ => CvPolicy::MaxLength(7.0),
        };
        match discretize(&morphology, &policy, Membrane { r_axial: 100.0, c: 1.0 }) {
            Ok(cvs) => check_cvs(&morphology, &cvs).map(|()| ACCEPTED),
            Err(MorphologyError::Limit { needed: Some(needed), limit, .. }) if needed > limit => {
                Ok("accepted, too many CVs")
            }
            Err(error) => Err(format!("a valid morphology cannot be divided: {error}")),
        }
    }
}

fn read(text: &str) -> Result<Morphology, MorphologyError> {
    read_swc(text).and_then(|points| Morphology::from_points(&points))
}

/// Checks an error: it has to be of the right kind, and its lines have to be in the file.
fn refused(text: &str, error: &MorphologyError) -> Result<Outcome, String> {
    let MorphologyError::Faults(problems) = error else {
        return Err(format!("the error has the wrong kind: {error:?}"));
    };
    let count = text.lines().count();
    let inside = problems.iter().all(|p| p.line.is_none_or(|line| (1..=count).contains(&line)));
    if problems.is_empty() || !inside {
        return Err(format!(
            "the error lists no fault, or names a line that the file does not have: {error:?}"
        ));
    }
    Ok("MorphologyError")
}

fn check_sections(morphology: &Morphology) -> Result<(), String> {
    let again = Morphology::new(morphology.sections().to_vec(), morphology.warnings().to_vec());
    if again.as_ref() != Ok(morphology) {
        return Err(format!("its sections do not result in the same morphology: {again:?}"));
    }
    let whole = Region::default().intervals(morphology);
    for (i, section) in morphology.sections().iter().enumerate() {
        let numbers = [section.length(), section.area(), section.diameter(), morphology.distance(i, 1.0)];
        if numbers.iter().any(|v| !v.is_finite()) || section.length() <= 0.0 || section.area() <= 0.0 {
            return Err(format!("section {i} has a length or area that is not a number > 0: {section:?}"));
        }
        if (whole[i].section, whole[i].x0, whole[i].x1) != (i, 0.0, 1.0) {
            return Err(format!("section {i} is not in the whole morphology"));
        }
    }
    Ok(())
}

fn check_cvs(morphology: &Morphology, tree: &CvTree) -> Result<(), String> {
    let area: f64 = tree.cvs.iter().map(|cv| cv.area).sum();
    let is_finite = tree.cvs.iter().all(|cv| cv.diameter.is_finite() && cv.distance.is_finite());
    if !is_finite || (area / morphology.area() - 1.0).abs() > 1e-9 {
        return Err(format!("the CVs have the area {area} instead of {}", morphology.area()));
    }
    for (i, node) in tree.nodes.iter().enumerate() {
        let has_resistance = node.resistance().is_finite() && node.resistance() >= 0.0;
        if !has_resistance || node.parent.map_or(i != 0, |p| p >= i) {
            return Err(format!("node {i} is invalid: {node:?}"));
        }
    }
    for k in 0..tree.cvs.len() {
        let cv = tree.cvs[k];
        if tree.cv_at(cv.section, f64::midpoint(cv.x0, cv.x1)) != k {
            return Err(format!("CV {k} does not contain its centre: {cv:?}"));
        }
    }
    Ok(())
}

/// Returns the lines of a text in random order.
fn shuffled(random: &mut Random, text: &str) -> String {
    let mut lines: Vec<&str> = text.lines().collect();
    for last in (1..lines.len()).rev() {
        lines.swap(last, random.below(last + 1));
    }
    lines.join("\n")
}

/// Returns a random tree of points, most of which are valid, with any kinds.
fn tree(random: &mut Random) -> String {
    let count = random.within(1..30);
    let somata = random.below(6).min(count);
    let point = |random: &mut Random, i: usize| {
        let parent = match i {
            1 => -1,
            // Somata are connected to each other.
            _ if i <= somata || random.once_in(2) => (i - 1 - random.below(2).min(i - 2)) as i64,
            _ => random.within(1..i) as i64,
        };
        let kind = if i <= somata { 1 } else { [3, 3, 3, 4, 2, 0, 9][random.below(7)] };
        let range = if random.once_in(9) { 2 } else { 40 };
        let [x, y, z] = [0; 3].map(|_| random.below(range));
        let radius = random.pick(&["1", "1", "5", "0.5", "2.25", "1e-3"]);
        format!("{i} {kind} {x} {y} {z} {radius} {parent}\n")
    };
    (1..=count).map(|i| point(random, i)).collect()
}
