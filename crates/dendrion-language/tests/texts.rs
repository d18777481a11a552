//! Valid texts and their definitions.

use dendrion_language::{Bound, Definition, Dimension, TextError, Trigger, define};

const KA: &str = "
# A-type potassium current.
I = g * n * l * (E - V)                          : pA
dn/dt = (n_inf - n) / tau_n                      : 1
dl/dt = (l_inf - l) / tau_l                      : 1
n_inf = 1/(1 + exp(-(V - Vn)/8 mV))
l_inf = 1/(1 + exp((V - Vl)/8*mV**1/(1*mV)/mV))  # Brian's way
n(0) = n_inf
g = 5 nS (>= 0)         # maximal conductance
E = -90 mV; Vn = -30 mV # half of both
Vl = -56 mV : mV        # half inactivation
tau_n = 0.5 ms : ms (> 0)
tau_l : ms (> 0)
";

#[test]
fn a_channel() -> Result<(), TextError> {
    let d = define(KA)?;
    let names: Vec<(&str, &str, Option<f64>, Bound, &str)> = (d.parameters.iter())
        .map(|p| (p.name.as_str(), p.unit.text.as_str(), p.default, p.bound, p.doc.as_str()))
        .collect();
    let expected = [
        ("tau_l", "ms", None, Bound::Positive, ""),
        ("g", "nS", Some(5.0), Bound::NonNegative, "maximal conductance"),
        ("E", "mV", Some(-90.0), Bound::Finite, ""),
        ("Vn", "mV", Some(-30.0), Bound::Finite, ""),
        ("Vl", "mV", Some(-56.0), Bound::Finite, "half inactivation"),
        ("tau_n", "ms", Some(0.5), Bound::Positive, ""),
    ];
    assert_eq!(names, expected);
    let states: Vec<(&str, bool)> = d.states.iter().map(|s| (s.name.as_str(), s.initial.is_some())).collect();
    assert_eq!(states, [("n", true), ("l", false)]);
    assert!(d.current.is_some_and(|c| !c.per_area));
    Ok(())
}

fn default(text: &str) -> Result<(f64, String, i32), TextError> {
    let d = define(&format!("I = 1 pA * where(p > 0, 1, 0) : pA\n{text}"))?;
    let p = &d.parameters[0];
    Ok((p.default.unwrap_or(f64::NAN), p.unit.text.clone(), p.unit.unit.tens / 60))
}

#[test]
fn constant_conditions_are_named_expressions() -> Result<(), TextError> {
    let d =
        define("I = where(c and d, 1 nS, g)*V : pA\nc = 1 > 2; d = 3 mV < 5 mV; g = 2 nS\non c: V = 0 mV")?;
    assert_eq!((d.parameters.len(), d.expressions.len()), (1, 3));
    for text in ["c = 1 > 2 : 1", "c = 1 > 2 (>= 0)", "export c\nc = 1 > 2", "export c\nc = V > 2 mV"] {
        assert!(define(&format!("I = 1 nS*V : pA\n{text}")).is_err(), "{text}");
    }
    Ok(())
}

#[test]
fn defaults_keep_the_unit_they_are_written_in() -> Result<(), TextError> {
    let of = default;
    assert_eq!(of("p = 120 mS/cm2")?, (120.0, "mS/cm2".into(), -2));
    assert_eq!(of("p = -0.3 mV")?, (-0.3, "mV".into(), 0));
    assert_eq!(of("p = 0.1 /ms /mV")?, (0.1, "1/ms/mV".into(), 0));
    assert_eq!(of("p = 4.5")?, (4.5, String::new(), 0));
    assert_eq!(of("p = 3*mV")?, (3.0, "mV".into(), 0));
    assert_eq!(of("p = 2 * 3 ms")?, (6.0, "ms".into(), 0));
    assert_eq!(of("p = 1.5e-3 V : mV")?, (1.5, "mV".into(), 0));
    assert_eq!(of("p = 5 mS/cm2 (>= 0)")?, (5.0, "mS/cm2".into(), -2));
    assert_eq!(of("p = 5 /ms/cm2 (in [0, 1])")?, (5.0, "1/ms/cm2".into(), -8));
    assert_eq!(of("p = ((5)) * (3 mV) / (mV)")?, (15.0, String::new(), 0));
    assert_eq!(of("p = 50 Hz")?, (50.0, "Hz".into(), -3));
    assert_eq!(of("p = 0 : mM")?, (0.0, "mM".into(), 0));
    assert_eq!(of("p = 1e-7 mol/cm2/s : mol/cm2/s")?, (1e-7, "mol/cm2/s".into(), 7));
    Ok(())
}

#[test]
fn parentheses_change_nothing() -> Result<(), TextError> {
    let d = define("I = ((g)) * ((V) - (E)) : pA\ng = (5 nS); E = (-90 mV)")?;
    assert_eq!(d.parameters.iter().map(|p| p.default).collect::<Vec<_>>(), [Some(5.0), Some(-90.0)]);
    Ok(())
}

/// The coherent units: 1 nS mV = 1 pA, 1 pF mV / ms = 1 pA, 1 uS/cm2 = 1e-5 nS/um2.
#[test]
fn units_are_coherent() -> Result<(), TextError> {
    for (unit, exponent) in [
        ("nS", 0),
        ("pF", 0),
        ("pA", 0),
        ("uS/cm2", -5),
        ("uF/cm2", -2),
        ("nA", 3),
        ("mA/cm2", 1),
        ("Mohm", -3),
        ("S", 9),
        ("L", 15),
        ("C", 15),
        ("mol", 18),
        ("kHz", 0),
        ("uM", -3),
        ("µm", 0),
        ("m", 6),
    ] {
        assert_eq!(default(&format!("p = 1 {unit}"))?.2, exponent, "{unit}");
    }
    Ok(())
}

#[test]
fn order_of_a_text_does_not_matter() -> Result<(), TextError> {
    let d = define("I = a : pA\na = b * 2 pA\nb = c + 1\nc = V / mV\n")?;
    let order: Vec<&str> = d.order.iter().map(|i| d.expressions[*i].name.as_str()).collect();
    assert_eq!(order, ["c", "b", "a", "I"]);
    Ok(())
}

#[test]
fn events() -> Result<(), TextError> {
    let d: Definition = define(
        "I = g_rise * rise * (E - V) : pA
         on V >= Vth and not refractory:
             rise after 0.2 ms for duration
             refractory for 5 ms

             w += 2
         on spike: w -= b; V = -40 mV after duration
         dw/dt = -w / (3 ms) : 1
         g_rise = 3 nS; E = 0 mV; Vth = -35 mV; duration = 1.2 ms; b = 1",
    )?;
    let flags: Vec<(&str, usize, bool)> =
        d.flags.iter().map(|f| (f.name.as_str(), f.event, f.after.is_some())).collect();
    assert_eq!(flags, [("rise", 0, true), ("refractory", 0, false)]);
    assert_eq!((d.events[0].then.len(), d.events[1].then.len()), (1, 2));
    assert_eq!(d.events[1].trigger, Trigger::Spike);
    assert!(d.events[1].then[1].after.is_some());
    Ok(())
}

#[test]
fn diffusion() -> Result<(), TextError> {
    let pool = "dc/dt = -(c - rest)/tau : mM; export c; rest = 1 mM; tau = 5 ms";
    let text =
        format!("{pool}\ndiffuse c = D*exp(-distance/lam)*diameter/length\nD = 0.2 um2/ms; lam = 100 um");
    let of = define(&text)?.diffuses;
    assert_eq!((of.len(), of[0].state), (1, 0));
    assert_eq!(of[0].span.of(&text), "c");
    // A named expression may follow the statement, and printed texts are read back.
    let named = define(&format!("{pool}\ndiffuse c = 2*D\nD = k*area/(1 ms); k = 0.1"))?;
    assert_eq!(named.diffuses.len(), 1);
    let printed = dendrion_language::parse(&text)?.to_string();
    assert!(printed.contains("diffuse c = D * exp(-distance / lam) * diameter / length"), "{printed}");
    assert_eq!(define(&printed)?.diffuses.len(), 1);
    Ok(())
}

#[test]
fn receptors_membranes_and_what_is_shared() -> Result<(), TextError> {
    let receptor = define("I = s * 1 nS * (0 mV - V) : pA\nds/dt = -s/(2 ms) : 1\non event: s += weight")?;
    assert_eq!(receptor.arrivals, [0]);
    let soma = define("dV/dt = (k*(V - V_rest)*(V - Vt) + I)/C\nk = 0.7 nS/mV; Vt = -40 mV")?;
    assert!(soma.membrane.is_some() && soma.current.is_none());
    let pool = define(
        "dCa/dt = -Ca/tau - I_Ca/(2*F*area*0.1 um) : mM\nexport Ca\nimport I_Ca : pA\nF = 96485 C/mol; tau = 80 ms",
    )?;
    assert_eq!((pool.exports[0].name.as_str(), pool.imports[0].name.as_str()), ("Ca", "I_Ca"));
    assert_eq!(pool.imports[0].default, None);
    let alone = define("I = Ca/(1 mM) * 1 nS * V : pA\nimport Ca : mM = 2*Ca_rest\nCa_rest = 1e-4 mM")?;
    assert!(alone.imports[0].default.is_some());
    assert_eq!(pool.states[0].unit.unit.dimension.to_string(), "mM");
    assert_eq!(Dimension::POTENTIAL.to_string(), "mV");
    let per_area = define("I = g * (E - V) : pA/um2\ng = 3 uS/cm2; E = 0 mV")?;
    assert!(per_area.current.is_some_and(|c| c.per_area));
    Ok(())
}

#[test]
fn constant_conditions_choose_defaults() -> Result<(), TextError> {
    assert_eq!(default("p = where(2 > 1, 3, 4) * 1 mV")?, (3.0, "mV".into(), 0));
    Ok(())
}
