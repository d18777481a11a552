//! Control volumes and their geometry.
#![allow(clippy::unwrap_used)]

use std::f64::consts::PI;

use dendrion_morphology::{
    CvPolicy, Kind, Membrane, Morphology, Range, Region, SectionSpec, discretize, read_swc,
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
    close(cvs.nodes.iter().map(|n| n.resistance).sum(), length / (PI * (4.0 / 3.0) * (8.0 / 3.0)));
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
    close(cvs.nodes[1].resistance, 5.0 * per_um(10.0) + 25.0 * per_um(2.0));
    close(cvs.nodes[3].resistance, 25.0 * per_um(2.0));
    close(cvs.nodes[5].resistance, 35.0 * per_um(1.0));
}

#[test]
fn branches_at_the_centre_of_a_soma_are_connected_to_its_centre() {
    let tree = Morphology::from_points(&read_swc("1 1 0 0 0 5 -1\n2 3 9 0 0 1 1\n3 3 19 0 0 1 2\n").unwrap())
        .unwrap();
    let cvs = discretize(&tree, &CvPolicy::Each(1), MEMBRANE).unwrap();
    close(cvs.nodes[1].resistance, 5.0 / PI);
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
            "PerSection: n has 2 values; expected one number, or one for each of the 4 sections",
        ),
        (
            CvPolicy::MaxLength(1e-5),
            "needs about 5.9 GB for 23000000 CVs per cell: expected at most 1000000 CVs",
        ),
    ] {
        let error = discretize(&fork(), &policy, MEMBRANE).unwrap_err().to_string();
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
    ] {
        let error = Morphology::from_sections(&specs).unwrap_err().to_string();
        assert!(error.starts_with(expected), "{error}");
    }
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
            prop_assert!(i == 0 || node.resistance > 0.0);
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
