//! Surrogate derivatives of the spike as functions of their argument x.

use dendrion_language::{Formula, with_stack};
use dendrion_model::allocate::collected;
use dendrion_model::{Error, Surrogate};

use crate::evaluate::{Env, evaluate_only};
use crate::expr::Workbook;
use crate::graph::{Graph, Node, NodeId};
use crate::written::value;

/// Returns the surrogate `formula` at `x`.
pub(crate) fn derivative(formula: &Formula, graph: &mut Graph, x: NodeId) -> NodeId {
    let book = Workbook::over(std::mem::take(graph));
    let found = value(formula, book.read(x)).id();
    *graph = book.into_graph();
    found
}

/// Returns the values of a surrogate at the points `at`. `path` is the name of the surrogate in error messages.
///
/// # Errors
/// Returns an error if the surrogate is invalid.
pub fn surrogate_values(path: &str, surrogate: &Surrogate, at: &[f64]) -> Result<Vec<f64>, Error> {
    surrogate.check(path)?;
    let formula = surrogate.formula(path)?;
    with_stack(|| {
        let mut graph = Graph::default();
        let x = graph.intern(Node::Input(0));
        let found = derivative(&formula, &mut graph, x);
        graph.check(path)?;
        let mut ids = Vec::new();
        graph.visit_ids(found, &mut |id| ids.push(id));
        ids.sort_unstable();
        let one = |x: &f64| {
            let values = evaluate_only(&graph, &ids, Env { inputs: &[*x], ..Env::default() });
            values.last().copied().unwrap_or(f64::NAN)
        };
        collected(at.iter().map(one))
    })
}

#[cfg(test)]
mod tests {
    use dendrion_model::{Surrogate, SurrogateKind};

    use super::surrogate_values;

    fn at(surrogate: &Surrogate, x: f64) -> f64 {
        surrogate_values("surrogate", surrogate, &[x]).expect("valid")[0]
    }

    /// The integral of each function over x is the height of the step, and all functions are symmetric.
    #[test]
    fn built_in_surrogates_have_their_integrals() {
        for kind in SurrogateKind::ALL {
            let expected = match kind {
                SurrogateKind::FastSigmoid => 2.0,
                SurrogateKind::MultiGaussian => 0.85,
                _ => 1.0,
            };
            let surrogate = Surrogate::new(*kind, []);
            let points: Vec<f64> = (-4_000..=4_000).map(|k| f64::from(k) * 0.05).collect();
            let values = surrogate_values("surrogate", &surrogate, &points).expect("valid");
            let sum = values.iter().sum::<f64>() * 0.05;
            assert!((sum - expected).abs() < 0.02, "{kind:?} {sum}");
            assert!((at(&surrogate, -0.7) - at(&surrogate, 0.7)).abs() < 1e-15, "{kind:?}");
        }
    }

    #[test]
    fn parameters_are_used() {
        let near = |surrogate: Surrogate, x: f64, expected: f64| {
            assert!((at(&surrogate, x) - expected).abs() < 1e-15, "{surrogate:?}");
        };
        near(Surrogate::new(SurrogateKind::FastSigmoid, [2.0]), -1.0, 1.0 / 9.0);
        near(Surrogate::new(SurrogateKind::Triangle, [0.5]), 1.0, 0.25);
        near(Surrogate::new(SurrogateKind::Sigmoid, [8.0]), 0.0, 2.0);
        near(Surrogate::own("a = 3; y = a*x; 1/(1 + y*y)"), 1.0, 0.1);
    }

    #[test]
    fn repeated_squares_take_one_product_each() {
        let squares: Vec<String> = (0..60).map(|k| format!("y{} = y{k}*y{k}", k + 1)).collect();
        let text = format!("y0 = x; {}; y60", squares.join("; "));
        assert!((at(&Surrogate::own(text), 1.0) - 1.0).abs() < 1e-15);
    }

    #[test]
    fn constant_conditions_select_a_value() {
        for (text, expected) in [
            ("c = 1 > 2; where(c, x, 1)", 1.0),
            ("c = not (1 > 2); where(c, x, 1)", 0.25),
            ("c = 2 > 1; d = c and x > 0; 3 if d else x", 3.0),
        ] {
            assert!((at(&Surrogate::own(text), 0.25) - expected).abs() < 1e-15, "{text}");
        }
    }
}
