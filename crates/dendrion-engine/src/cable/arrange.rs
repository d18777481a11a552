//! Conversion of coefficients from the order of members to the order of lanes.

use std::borrow::Cow;
use std::sync::Arc;

use dendrion_kernels::{Column, OutOfMemory};
use dendrion_model::allocate::collected;
use dendrion_model::{Error, Values};

use crate::build::layout::Layout;

/// The values of parameters, by number.
type Shared<'p> = Cow<'p, [Arc<Values>]>;

/// Returns the values of parameters for the members of one cell, if all cells have the same values, or for all members
/// otherwise, and the number of these members.
pub(crate) fn of_members<'p>(
    parameters: &'p [Arc<Values>],
    layout: &Layout,
) -> Result<(Shared<'p>, usize), Error> {
    let Layout { size, sites, .. } = *layout;
    if is_in_order(layout) {
        return Ok((Cow::Borrowed(parameters), size));
    }
    // If cells do not differ, the prologue runs for the sites of one cell only, whose coefficients all blocks share.
    let is_per_cell =
        |v: &Arc<Values>| v.as_slice().len() > 1 && v.as_slice().len() != sites && v.uniform().is_none();
    if !parameters.iter().any(is_per_cell) {
        return Ok((Cow::Borrowed(parameters), sites));
    }
    let expanded = |v: &Arc<Values>| match &**v {
        Values::Each(each) if each.len() > 1 && each.len() < size => {
            Ok(Arc::new(Values::Each(collected((0..size).map(|i| v.of(i)))?)))
        }
        _ => Ok(v.clone()),
    };
    Ok((Cow::Owned(parameters.iter().map(expanded).collect::<Result<_, Error>>()?), size))
}

const fn is_in_order(layout: &Layout) -> bool {
    layout.sites == 1 && layout.width == layout.lanes
}

/// Sorts columns by lane, and returns them with the number of blocks of their table. Returns `None` if the lanes are
/// in the order of members.
pub(crate) fn arrange(
    columns: &[Column],
    layout: &Layout,
) -> Result<(Option<Vec<Column>>, usize), OutOfMemory> {
    if is_in_order(layout) {
        return Ok((None, layout.blocks));
    }
    let per_cell = |c: &Column| matches!(c, Column::Each(v) if v.len() > layout.sites);
    let blocks = if columns.iter().any(per_cell) { layout.blocks } else { 1 };
    let cells = layout.size / layout.sites;
    let lane = |values: &[f64], at: usize| {
        let (block, lane) = (at / layout.lanes, at % layout.lanes);
        // Lanes beyond the last site or cell repeat it, so that they contain finite values.
        let (site, cell) = ((lane / layout.width).min(layout.sites - 1), lane % layout.width);
        let member = (block * layout.width + cell).min(cells - 1) * layout.sites + site;
        values[member % values.len()]
    };
    let arranged = |column: &Column| {
        Ok(match column {
            Column::Each(values) if !values.is_empty() => {
                let (count, mut sorted) = (blocks * layout.lanes, Vec::new());
                let bytes = count.saturating_mul(size_of::<f64>());
                sorted.try_reserve_exact(count).map_err(|_| OutOfMemory { bytes })?;
                sorted.extend((0..count).map(|at| lane(values, at)));
                Column::Each(sorted)
            }
            other => other.clone(),
        })
    };
    Ok((Some(columns.iter().map(arranged).collect::<Result<_, OutOfMemory>>()?), blocks))
}
