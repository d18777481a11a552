//! Control volumes and their geometry.
#![allow(clippy::unwrap_used)]

use std::f64::consts::PI;

use dendrion_morphology::{
    Attachment, CvPolicy, Interval, Kind, Membrane, Morphology, MorphologyError, Node, Range, Region, Sample,
    Section, SectionSpec, discretize, read_swc,
};
use proptest::prelude::*;

const MEMBRANE: Membrane = Membrane { r_axial: 100.0, c: 1.0 };

fn close(a: f64, b: f64) {
    assert!((a - b).abs() <= 1e-12 * b.abs().max(1e-3), "{a} {b}");
}

fn spec(length: f64, diameter: f64, parent: Option<usize>, kind: Kind) -> SectionSpec {
    SectionSpec { length, diameter, parent, kind }
}

fn fork() -> Morphology {
    let branch = |l| spec(l, 1.0, Some(1), Kind::Apical);
    let stem = spec(100.0, 2.0, Some(0), Kind::Apical);
    Morphology::from_sections(&[spec(10.0, 10.0, None, Kind::Soma), stem, branch(50.0), branch(70.0)])
        .unwrap()
}

#[test]
fn a_frustum_is_integrated_exactly() {
    let tree = Morphology::from_points(&read_swc("1 3 0 0 0 1 -1\n2 3 10 0 0 3 1\n").unwrap()).unwrap();
    let cvs = discretize(&tree, &CvPolicy::Each(3), MEMBRANE).unwrap();
    close(cvs.cvs.iter().map(|c| c.area).sum(), PI * 4.0 * 104.0_f64.sqrt());
    // From the centre of the first CV to that of the last: r from 4/3 to 8/3.
    let length = 20.0 / 3.0;
    close(cvs.nodes.iter().map(Node::resistance).sum(), length / (PI * (4.0 / 3.0) * (8.0 / 3.0)));
}

#[test]
fn several_children_share_a_junction_and_one_child_needs_none() {
    let cvs = discretize(&fork(), &CvPolicy::PerSection(vec![1, 2, 1, 1]), MEMBRANE).unwrap();
    let parents: Vec<_> = cvs.nodes.iter().map(|n| (n.cv, n.parent)).collect();
    let expected = [
        (Some(0), None),
        (Some(1), Some(0)),
        (Some(2), Some(1)),
        (None, Some(2)),
        (Some(3), Some(3)),
        (Some(4), Some(3)),
    ];
    assert_eq!(parents, expected);
    let per_um = |d: f64| 4.0 / (PI * d * d);
    close(cvs.nodes[1].resistance(), 5.0 * per_um(10.0) + 25.0 * per_um(2.0));
    close(cvs.nodes[3].resistance(), 25.0 * per_um(2.0));
    close(cvs.nodes[5].resistance(), 35.0 * per_um(1.0));
}

#[test]
fn branches_at_the_centre_of_a_soma_are_connected_to_its_centre() {
    let tree = Morphology::from_points(&read_swc("1 1 0 0 0 5 -1\n2 3 9 0 0 1 1\n3 3 19 0 0 1 2\n").unwrap())
        .unwrap();
    let cvs = discretize(&tree, &CvPolicy::Each(1), MEMBRANE).unwrap();
    close(cvs.nodes[1].resistance(), 5.0 / PI);
}

#[test]
fn branches_of_stacked_somata_are_connected_where_they_attach() {
    let soma = "1 1 0 0 0 1 -1\n2 1 2 0 0 1 1\n3 1 8 0 0 1 2\n4 1 10 0 0 1 3\n";
    let inside = "5 3 2 6 0 1 2\n6 3 2 10 0 1 5\n7 3 8 6 0 1 3\n8 3 8 10 0 1 7\n";
    let ends = "9 3 -6 0 0 1 1\n10 3 -10 0 0 1 9\n11 3 16 0 0 1 4\n12 3 20 0 0 1 11\n";
    let points = read_swc(&format!("{soma}{inside}{ends}")).unwrap();
    let tree = Morphology::from_points(&points).unwrap();
    let cvs = discretize(&tree, &CvPolicy::PerSection(vec![5, 1, 1, 1, 1]), MEMBRANE).unwrap();
    // All diameters are 2 um. CVs of the soma are 2 um long; positions on a boundary belong to the distal CV.
    let rows: Vec<_> = cvs.nodes[5..].iter().map(|n| (n.parent.unwrap(), n.resistance() * PI)).collect();
    let expected = [(0, 6.0), (1, 5.0), (4, 5.0), (4, 6.0)];
    assert_eq!(rows.len(), expected.len());
    for ((parent, resistance), (at, length)) in rows.into_iter().zip(expected) {
        assert_eq!(parent, at);
        close(resistance, length);
    }
}

#[test]
fn policies_count_cvs() {
    let lengths = |policy: CvPolicy| {
        let cvs = discretize(&fork(), &policy, MEMBRANE).unwrap();
        cvs.first.windows(2).map(|w| w[1] - w[0]).collect::<Vec<_>>()
    };
    assert_eq!(lengths(CvPolicy::MaxLength(50.0)), [1, 2, 1, 2]);
    assert_eq!(lengths(CvPolicy::MaxLength(10.0 / 3.0)), [3, 30, 15, 21]);
    assert_eq!(lengths(CvPolicy::Each(3)), [3, 3, 3, 3]);
    // lambda(100 Hz) of a cylinder of 2 um with 100 ohm cm and 1 uF/cm2 is 398.94 um, of 1 um 282.09 um, of 10 um 892.06 um.
    assert_eq!(lengths(CvPolicy::DLambda { fraction: 0.1, frequency: 100.0 }), [1, 3, 3, 3]);
    assert_eq!(lengths(CvPolicy::DLambda { fraction: 0.01, frequency: 100.0 }), [3, 25, 19, 25]);
}

#[test]
fn invalid_policies_are_refused() {
    for (policy, expected) in [
        (CvPolicy::MaxLength(0.0), "MaxLength: length = 0: expected a number > 0 (um)"),
        (CvPolicy::MaxLength(f64::NAN), "MaxLength: length = NaN: expected a number > 0 (um)"),
        (
            CvPolicy::DLambda { fraction: -0.1, frequency: 100.0 },
            "DLambda: fraction = -0.1: expected a number > 0",
        ),
        (CvPolicy::Each(0), "PerSection: n = 0 for section 0: expected an integer >= 1"),
        (
            CvPolicy::PerSection(vec![1, 1]),
            "PerSection: n has 2 values; expected a single number, or one number per section (4 in total)",
        ),
        (
            CvPolicy::MaxLength(1e-5),
            "23000000 CVs per cell would require about 5.9 GB: expected at most 1000000 CVs",
        ),
    ] {
        let error = discretize(&fork(), &policy, MEMBRANE).unwrap_err();
        assert!(error.to_string().starts_with(expected), "{error}");
        match error {
            MorphologyError::Limit { needed, limit, .. } => {
                assert_eq!((needed, limit), (Some(23_000_000.0), 1e6));
            }
            error => assert!(matches!(error, MorphologyError::Value(_)), "{error}"),
        }
    }
}

#[test]
fn the_membrane_is_checked_where_it_is_used() {
    let policy = CvPolicy::DLambda { fraction: 0.1, frequency: 100.0 };
    for (r_axial, c, expected) in [
        (0.0, 1.0, "DLambda: r_axial = 0: expected a number > 0 (ohm cm)"),
        (f64::NAN, 1.0, "DLambda: r_axial = NaN"),
        (100.0, -1.0, "DLambda: C = -1: expected a number > 0 (uF/cm2)"),
        (1e300, 1e300, "inf CVs per cell would require about inf GB"),
    ] {
        let error = discretize(&fork(), &policy, Membrane { r_axial, c }).unwrap_err().to_string();
        assert!(error.starts_with(expected), "{error}");
    }
}

#[test]
fn places_on_a_boundary_belong_to_the_distal_cv() {
    let cvs = discretize(&fork(), &CvPolicy::Each(10), MEMBRANE).unwrap();
    assert_eq!(cvs.cv_at(1, 0.0), 10);
    assert_eq!(cvs.cv_at(1, 0.1 + 0.2), 13);
    assert_eq!(cvs.cv_at(1, 0.29), 12);
    assert_eq!(cvs.cv_at(1, 1.0), 19);
}

#[test]
fn regions_select_cvs() {
    let tree = fork();
    let cvs = discretize(&tree, &CvPolicy::Each(2), MEMBRANE).unwrap();
    let select = |region: Region| region.cvs(&tree, &cvs).map_err(|e| e.to_string());
    let apical = Region { kind: Some(Kind::Apical), ..Region::default() };
    assert_eq!(select(apical.clone()), Ok((2..8).collect()));
    let far = Region { distance: Some(Range { low: 40.0, high: 120.0 }), ..apical.clone() };
    assert_eq!(select(far), Ok(vec![3, 4]));
    let thin = Region {
        diameter: Some(Range { low: 0.0, high: 1.5 }),
        order: Some(Range { low: 2.0, high: 9.0 }),
        ..apical
    };
    assert_eq!(select(thin), Ok(vec![4, 5, 6, 7]));
    let axon = Region { kind: Some(Kind::Axon), ..Region::default() };
    assert_eq!(select(axon), Err("has no axon; expected one of: soma, apical".into()));
    let none = Region { distance: Some(Range { low: 1e4, high: 1e5 }), ..Region::default() };
    assert_eq!(
        select(none),
        Err("the region \"all\" contains no CV with distance from 10000 to 100000 um".into())
    );
}

#[test]
fn invalid_sections_are_refused() {
    let soma = spec(10.0, 10.0, None, Kind::Soma);
    for (specs, expected) in [
        (vec![], "has no sections; expected at least one"),
        (vec![spec(0.0, 1.0, None, Kind::Soma)], "length[0] = 0: expected a number > 0 (um)"),
        (vec![soma, spec(1.0, -1.0, Some(0), Kind::Axon)], "diameter[1] = -1: expected a number > 0 (um)"),
        (
            vec![soma, spec(1.0, 1.0, Some(1), Kind::Axon)],
            "parent[1] = 1: expected the index of an earlier section, from 0 to 0",
        ),
        (
            vec![soma, spec(1.0, 1.0, None, Kind::Axon)],
            "parent[1] = -1: expected the index of an earlier section",
        ),
        (
            vec![spec(1.0, 1.0, Some(0), Kind::Axon)],
            "parent[0] = 0: expected -1, because the first section is the root",
        ),
        (
            vec![spec(1.0, 1.0, None, Kind::Basal), spec(1.0, 1.0, Some(0), Kind::Soma)],
            "kind[1] = soma, but the section is attached to section 0 (basal): expected the soma to be the root",
        ),
        (
            vec![soma, spec(1.0, 1.0, Some(0), Kind::Axon), spec(1.0, 1.0, Some(1), Kind::Soma)],
            "kind[2] = soma, but the section is attached to section 1 (axon): expected the soma to be the root",
        ),
        (vec![spec(1e200, 1.0, None, Kind::Axon)], "section 0 (axon) has the length 1"),
        (vec![spec(1.0, 1e200, None, Kind::Axon)], "section 0 (axon) has the area 3"),
    ] {
        let error = Morphology::from_sections(&specs).unwrap_err().to_string();
        assert!(error.starts_with(expected), "{error}");
    }
}

/// A valid section; the functions of the next test make it invalid.
fn valid(kind: Kind, parent: Option<Attachment>) -> Section {
    let sample = |distance| Sample { position: [distance, 0.0, 0.0], diameter: 1.0, distance };
    Section { kind, parent, samples: vec![sample(0.0), sample(5.0)] }
}

type Change = fn(&mut Section);

#[test]
fn sections_of_other_origin_are_checked() {
    let changed = |change: Change| {
        let mut branch = valid(Kind::Basal, Some(Attachment { section: 0, x: 0.5 }));
        change(&mut branch);
        let found = Morphology::new(vec![valid(Kind::Basal, None), branch], Vec::new());
        found.map(|tree| tree.sections().len()).map_err(|e| e.to_string())
    };
    assert_eq!(changed(|_| ()), Ok(2));
    assert!(Morphology::new(Vec::new(), Vec::new()).is_err());
    let changes: [(Change, &str); 9] = [
        (|s| s.parent = None, "has no earlier parent"),
        (|s| s.parent = Some(Attachment { section: 1, x: 0.5 }), "has no earlier parent"),
        (|s| s.parent = Some(Attachment { section: 0, x: f64::NAN }), "is attached at x = NaN"),
        (|s| s.kind = Kind::Soma, "is attached to a section of kind basal"),
        (|s| s.samples.truncate(1), "has fewer than two samples"),
        (|s| s.samples[1].distance = -1.0, "its distances decrease"),
        (|s| s.samples[1].diameter = 0.0, "has a sample at (5, 0, 0) with diameter 0"),
        (|s| s.samples[1].position[2] = f64::NAN, "has a sample at (5, 0, NaN)"),
        (|s| s.samples[1].distance = 0.0, "has no length"),
    ];
    for (change, expected) in changes {
        let error = changed(change).unwrap_err();
        assert!(error.starts_with("section 1 (") && error.contains(expected), "{expected}: {error}");
    }
}

fn range(low: f64, high: f64) -> Range {
    Range { low, high }
}

/// Returns the intervals of a region.
fn spans(tree: &Morphology, region: &Region) -> Vec<(usize, f64, f64)> {
    region.intervals(tree).iter().map(|Interval { section, x0, x1 }| (*section, *x0, *x1)).collect()
}

#[test]
fn regions_have_exact_intervals() {
    // Distances: the soma has 5 to 0 to 5 um, the stem 5 to 105, and the branches 105 to 155 and to 175.
    let tree = fork();
    let near = Region { distance: Some(range(2.5, 55.0)), ..Region::default() };
    assert_eq!(spans(&tree, &near), [(0, 0.0, 0.25), (0, 0.75, 1.0), (1, 0.0, 0.5)]);
    let whole =
        Region { distance: Some(range(-1.0, 1e300)), order: Some(range(2.0, 2.0)), ..Region::default() };
    assert_eq!(spans(&tree, &whole), [(2, 0.0, 1.0), (3, 0.0, 1.0)]);
    let point = Region { kind: Some(Kind::Apical), distance: Some(range(175.0, 175.0)), ..Region::default() };
    assert_eq!(spans(&tree, &point), [(3, 1.0, 1.0)]);
    let centre = Region { kind: Some(Kind::Soma), distance: Some(range(0.0, 0.0)), ..Region::default() };
    assert_eq!(spans(&tree, &centre), [(0, 0.5, 0.5)]);
    let none = Region { distance: Some(range(176.0, f64::INFINITY)), ..Region::default() };
    assert_eq!(spans(&tree, &none), []);
    // Diameters from 2 to 6 to 2 um.
    let text = "1 3 0 0 0 1 -1\n2 3 10 0 0 3 1\n3 3 20 0 0 1 2\n";
    let tree = Morphology::from_points(&read_swc(text).unwrap()).unwrap();
    let thin = Region { diameter: Some(range(1.0, 4.0)), ..Region::default() };
    assert_eq!(spans(&tree, &thin), [(0, 0.0, 0.25), (0, 0.75, 1.0)]);
    let thick = Region { diameter: Some(range(4.0, 6.0)), ..Region::default() };
    assert_eq!(spans(&tree, &thick), [(0, 0.25, 0.75)]);
    let both =
        Region { diameter: Some(range(1.0, 4.0)), distance: Some(range(2.0, 16.0)), ..Region::default() };
    assert_eq!(spans(&tree, &both), [(0, 0.1, 0.25), (0, 0.75, 0.8)]);
    let top = Region { diameter: Some(range(6.0, 9.0)), ..Region::default() };
    assert_eq!(spans(&tree, &top), [(0, 0.5, 0.5)]);
}

/// Random trees of cylinders.
fn trees() -> impl Strategy<Value = Vec<SectionSpec>> {
    let section = (1.0..200.0, 0.2..20.0, any::<prop::sample::Index>());
    prop::collection::vec(section, 1..30).prop_map(|sections| {
        let made = sections.iter().enumerate().map(|(i, (length, diameter, parent))| {
            let parent = (i > 0).then(|| parent.index(i));
            spec(*length, *diameter, parent, if i == 0 { Kind::Soma } else { Kind::Basal })
        });
        made.collect()
    })
}

proptest! {
    /// CVs preserve the total area, and parents come before their children.
    #[test]
    fn discretization_keeps_area(specs in trees(), n in 1_usize..8) {
        let tree = Morphology::from_sections(&specs).unwrap();
        let cvs = discretize(&tree, &CvPolicy::Each(n), MEMBRANE).unwrap();
        let area: f64 = cvs.cvs.iter().map(|c| c.area).sum();
        prop_assert!((area / tree.area() - 1.0).abs() < 1e-12);
        for (i, node) in cvs.nodes.iter().enumerate() {
            prop_assert!(node.parent.map_or(i == 0, |p| p < i));
            prop_assert!(i == 0 || node.resistance() > 0.0);
        }
    }

    /// A position is in the intervals of a region if and only if its distance and diameter are within the bounds.
    #[test]
    fn intervals_contain_what_belongs(
        seeds in prop::collection::vec((1.0..50.0, 0.2..9.0), 2..20),
        distance in (0.0..200.0, 0.0..200.0),
        diameter in (0.0..9.0, 0.0..9.0),
    ) {
        let lines = seeds.iter().scan((0, 0.0), |(i, x), (gap, r)| {
            (*i, *x) = (*i + 1, *x + gap);
            Some(format!("{i} 3 {x} 0 0 {r} {}\n", if *i == 1 { -1 } else { *i - 1 }))
        });
        let tree = Morphology::from_points(&read_swc(&lines.collect::<String>()).unwrap()).unwrap();
        let sorted = |(a, b): (f64, f64)| Range { low: a.min(b), high: a.max(b) };
        let region = Region { distance: Some(sorted(distance)), diameter: Some(sorted(diameter)), ..Region::default() };
        let found = spans(&tree, &region);
        for k in 0..=500 {
            let x = f64::from(k) / 500.0;
            let margin = |r: Range, v: f64| (v - r.low).min(r.high - v);
            let inside = margin(sorted(distance), tree.distance(0, x))
                .min(margin(sorted(diameter), tree.sections()[0].at(x).1));
            // Positions at a bound may be on either side of it.
            if inside.abs() > 1e-9 {
                prop_assert_eq!(inside > 0.0, found.iter().any(|(_, a, b)| *a <= x && x <= *b));
            }
        }
    }

    /// The path length of a CV is the length of the path to the root, minus half of the soma.
    #[test]
    fn distances_add_up(specs in trees()) {
        let tree = Morphology::from_sections(&specs).unwrap();
        for i in 1..specs.len() {
            let (mut way, mut at) = (0.0, i);
            while let Some(parent) = specs[at].parent {
                way += specs[at].length;
                at = parent;
            }
            prop_assert!((tree.distance(i, 1.0) - way - 0.5 * specs[0].length).abs() < 1e-9);
        }
    }
}
