//! Conversion of coefficients from the order of members to the order of lanes.

use std::borrow::Cow;
use std::sync::Arc;

use dendrion_kernels::Column;
use dendrion_model::Values;

use crate::build::layout::Layout;

/// Returns the values of parameters for the members of one cell, if all cells have the same values, or for all members
/// otherwise, and the number of these members.
pub(crate) fn of_members<'p>(
    parameters: &'p [Arc<Values>],
    layout: &Layout,
) -> (Cow<'p, [Arc<Values>]>, usize) {
    let Layout { size, sites, .. } = *layout;
    if is_in_order(layout) {
        return (Cow::Borrowed(parameters), size);
    }
    let is_per_cell =
        |v: &Arc<Values>| v.as_slice().len() > 1 && v.as_slice().len() != sites && v.uniform().is_none();
    if !parameters.iter().any(is_per_cell) {
        return (Cow::Borrowed(parameters), sites);
    }
    let expanded = |v: &Arc<Values>| match &**v {
        Values::Each(each) if each.len() > 1 && each.len() < size => {
            Arc::new(Values::Each((0..size).map(|i| v.of(i)).collect()))
        }
        _ => v.clone(),
    };
    (Cow::Owned(parameters.iter().map(expanded).collect()), size)
}

const fn is_in_order(layout: &Layout) -> bool {
    layout.sites == 1 && layout.width == layout.lanes
}

/// Sorts columns by lane, and returns them with the number of blocks of their table. Returns `None` if the lanes are
/// in the order of members.
pub(crate) fn arrange(columns: &[Column], layout: &Layout) -> (Option<Vec<Column>>, usize) {
    if is_in_order(layout) {
        return (None, layout.blocks);
    }
    let per_cell = |c: &Column| matches!(c, Column::Each(v) if v.len() > layout.sites);
    let blocks = if columns.iter().any(per_cell) { layout.blocks } else { 1 };
    let cells = layout.size / layout.sites;
    let lane = |values: &[f64], at: usize| {
        let (block, lane) = (at / layout.lanes, at % layout.lanes);
        let (site, cell) = ((lane / layout.width).min(layout.sites - 1), lane % layout.width);
        let member = (block * layout.width + cell).min(cells - 1) * layout.sites + site;
        values[member % values.len()]
    };
    let arranged = |column: &Column| match column {
        Column::Each(values) if !values.is_empty() => {
            Column::Each((0..blocks * layout.lanes).map(|at| lane(values, at)).collect())
        }
        other => other.clone(),
    };
    (Some(columns.iter().map(arranged).collect()), blocks)
}
