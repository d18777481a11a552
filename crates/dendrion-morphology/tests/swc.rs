//! Reading SWC files, and the conventions for somata.
#![allow(clippy::unwrap_used)]

use dendrion_morphology::{Kind, Morphology, read_swc};

fn read(text: &str) -> Morphology {
    Morphology::from_points(&read_swc(text).unwrap()).unwrap()
}

fn refused(text: &str) -> String {
    match read_swc(text) {
        Err(error) => error.to_string(),
        Ok(points) => Morphology::from_points(&points).unwrap_err().to_string(),
    }
}

#[track_caller]
fn close(a: f64, b: f64) {
    assert!((a - b).abs() <= 1e-12 * b.abs().max(1.0), "{a} {b}");
}

#[test]
fn one_soma_point_is_a_cylinder_and_branches_start_at_their_own_sample() {
    let tree = read("1 1 0 0 0 5 -1\n2 3 10 0 0 1 1\n3 3 30 0 0 1 2\n");
    let [soma, dendrite] = tree.sections() else { panic!("{tree:?}") };
    close(soma.length(), 10.0);
    close(soma.area(), std::f64::consts::PI * 100.0);
    close(dendrite.length(), 20.0);
    assert_eq!(dendrite.parent.unwrap().x, 0.5);
    close(tree.distance(1, 0.5), 10.0);
}

#[test]
fn three_soma_points_are_one_cylinder() {
    let tree = read("1 1 0 0 0 5 -1\n2 1 0 -5 0 5 1\n3 1 0 5 0 5 1\n4 4 0 5 0 1 1\n5 4 0 25 0 1 4\n");
    let [soma, apical] = tree.sections() else { panic!("{tree:?}") };
    close(soma.length(), 10.0);
    close(soma.area(), std::f64::consts::PI * 100.0);
    assert_eq!((apical.kind, apical.parent.unwrap().x), (Kind::Apical, 0.5));
}

#[test]
fn branches_of_stacked_somata_attach_at_their_parent_sample() {
    let soma = "1 1 0 0 0 4 -1\n2 1 4 0 0 5 1\n3 1 8 0 0 5 2\n4 1 12 0 0 4 3\n";
    let tree = read(&format!("{soma}5 3 4 9 0 0.5 2\n6 3 4 19 0 0.5 5\n7 4 15 0 0 1 4\n8 4 35 0 0 1 7\n"));
    let [soma, side, end] = tree.sections() else { panic!("{tree:?}") };
    close(soma.length(), 12.0);
    close(side.parent.unwrap().x, 4.0 / 12.0);
    // The line from the soma is membrane with the branch's first diameter.
    close(side.length(), 19.0);
    close(side.area(), std::f64::consts::PI * 19.0);
    assert_eq!(end.parent.unwrap().x, 1.0);
    close(tree.distance(1, 0.0), 2.0);
    close(tree.distance(2, 1.0), 6.0 + 23.0);
}

#[test]
fn branches_stay_at_both_ends_of_a_soma() {
    let tree = read(
        "1 1 0 0 0 1 -1\n2 1 1 0 0 1 1\n3 3 2.1 0 0 1 2\n4 3 3.2 0 0 1 3\n5 3 1.3 0 0 1 1\n6 3 2.6 0 0 1 5\n",
    );
    let x: Vec<f64> = tree.sections()[1..].iter().map(|s| s.parent.unwrap().x).collect();
    assert_eq!(x.len(), 2);
    assert!(x.contains(&0.0) && x.contains(&1.0), "{x:?}");
}

#[test]
fn sections_end_at_branches_and_changes_of_kind() {
    let tree = read(
        "1 1 0 0 0 5 -1\n2 3 9 0 0 1 1\n3 3 20 0 0 1 2\n4 4 30 0 0 1 3\n5 4 40 5 0 1 4\n6 4 40 -5 0 1 4\n7 4 50 5 0 1 5\n",
    );
    let kinds: Vec<u32> = tree.sections().iter().map(|s| s.kind.code()).collect();
    assert_eq!(kinds, [1, 3, 4, 4, 4]);
    let orders: Vec<usize> = (0..5).map(|i| tree.order(i)).collect();
    assert_eq!(orders, [0, 1, 1, 2, 2]);
    // A frustum begins at the last sample of the parent.
    close(tree.sections()[2].length(), 10.0);
}

#[test]
fn trees_without_a_soma_may_branch_at_the_root() {
    let tree = read("1 3 0 0 0 1 -1\n2 3 10 0 0 1 1\n3 3 0 20 0 1 1\n");
    let [first, second] = tree.sections() else { panic!("{tree:?}") };
    assert!(first.parent.is_none());
    assert_eq!((second.parent.unwrap().section, second.parent.unwrap().x), (0, 0.0));
    close(first.length() + second.length(), 30.0);
    assert!(!tree.has_soma());
}

#[test]
fn a_soma_that_is_not_the_root_becomes_it() {
    let tree = read("1 3 30 0 0 1 -1\n2 3 10 0 0 1 1\n3 1 0 0 0 5 2\n4 4 -10 0 0 1 3\n5 4 -30 0 0 1 4\n");
    assert_eq!(tree.sections()[0].kind, Kind::Soma);
    close(tree.neurite_length(), 40.0);
}

#[test]
fn comments_separators_and_integers_with_a_point_are_read() {
    let tree = read(
        "# a comment\n\u{feff}\n1.0, 1, 0, 0, 0, 5, -1 # the soma\n\t2 3 10 0 0 1 1.0\r\n3 3 3e1 0 0 1 2\n",
    );
    assert_eq!(tree.sections().len(), 2);
}

#[test]
fn faults_have_their_lines() {
    for (text, expected) in [
        ("", "has no points; expected lines with id, kind, x, y, z, radius and the id of the parent"),
        (
            "1 1 0 0 0 5\n",
            "line 1: has 6 values; expected id, kind, x, y, z, radius and the id of the parent",
        ),
        ("1 1 0 a 0 5 -1\n", "line 1: y = \"a\": expected a number"),
        ("1 1 0 0 0 5 -1\n2 3 1.5 0 0 0 1\n", "line 2: diameter = 0: expected a number > 0 (um)"),
        ("1 1 0 0 0 5 -1\n2 3 1.5 0 0 1 9\n", "line 2: parent 9 does not exist"),
        ("1 1 0 0 0 5 -1\n1 3 1.5 0 0 1 1\n", "line 2: id 1 is used by line 1 already"),
        ("1 1 0 0 0 5 2\n2 3 9 0 0 1 1\n", "line 1: there is no root: its parents form a cycle"),
        ("1 1 0 0 0 5 -1\n2 3 9 0 0 1 3\n3 3 9 0 0 1 2\n", "line 2: its parents form a cycle"),
        ("1 1 0 0 0 5 -1\n2 1 9 0 0 1 -1\n", "line 2: is a second root (the first is line 1)"),
        (
            "1 1 0 0 0 5 -1\n2 3 9 0 0 1 1\n3 1 19 0 0 1 2\n",
            "line 3: begins a second soma (the first is at line 1)",
        ),
        ("1 1 0 0 0 5 -1\n2 3 9 0 0 1 1\n3 3 9 0 0 1 2\n", "section 1 (basal) has no length"),
        ("1 1 0 0 nan 5 -1\n", "line 1: coordinates (0, 0, NaN): expected finite numbers (um)"),
    ] {
        let error = refused(text);
        assert!(error.starts_with(expected), "{text:?}: {error}");
    }
}

#[test]
fn long_gaps_are_reported_but_accepted() {
    let points = (2..30).map(|i| format!("{i} 3 {} 0 0 1 {}\n", 5 * i, i - 1));
    let mut text = format!("1 1 0 0 0 5 -1\n{}", points.collect::<String>());
    text += "30 3 900 0 0 1 29\n";
    let tree = read(&text);
    let warnings: Vec<String> = tree.warnings().iter().map(ToString::to_string).collect();
    assert_eq!(warnings, ["line 30: is 755 um from its parent, where half of the points are within 5.0 um"]);
}
