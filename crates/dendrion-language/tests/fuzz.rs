//! The parser never panics or hangs, and the position of each error lies in the text. `DENDRION_FUZZ=1000000` runs
//! that many cases.

use dendrion_language::define;
use proptest::prelude::*;

/// Words from which texts are generated.
const WORDS: [&str; 66] = [
    "I", "V", "n", "dn", "dt", "dV", "s", "w", "g", "E", "tau", "area", "C", "pi", "weight", "event",
    "spike", "on", "after", "for", "and", "or", "not", "if", "else", "where", "import", "export", "exp",
    "log", "min", "clip", "exprel", "mV", "ms", "nS", "pA", "cm2", "mol", "1", "0", "2.5", "1e3", "1e308",
    ".5", "3e", "=", "+=", "-=", ":", ";", "\n", "\n    ", "(", ")", "[", "]", ",", "+", "-", "*", "/", "^",
    "**", ">", "# c",
];

/// Valid texts from which pieces are taken.
const SEEDS: [&str; 4] = [
    "I = g * n * (E - V) : pA\ndn/dt = (1/(1 + exp(-(V - Vn)/8 mV)) - n)/tau : 1\ng = 5 nS (>= 0); E = -90 mV; Vn = 3 mV; tau = 1 ms\nn(0) = 0.5\n",
    "I = s * 1 nS * (0 mV - V) : pA\nds/dt = -s/(2 ms) : 1\non event: s += weight\n",
    "I = x * 1 pA : pA\non V > 3 mV and not refractory:\n    x after dt for 3 ms\n    refractory for 5 ms\n    V = -3 mV after 2 ms\n",
    "dV/dt = (k*(V - V_rest)*(V + 40 mV) - u * 1 pA + I)/C\nk = 1 nS/mV\ndu/dt = -u/(3 ms) : 1\non spike: u += 2\nexport u\nimport Ca : mM = 2*Ca_rest\nCa_rest = 1 uM\n",
];

fn words() -> impl Strategy<Value = String> {
    let seed = proptest::sample::select(SEEDS.to_vec()).prop_map(str::to_string);
    let word = proptest::sample::select(WORDS.to_vec()).prop_map(str::to_string);
    let piece = (seed, any::<u16>(), any::<u16>()).prop_map(|(s, a, b)| {
        let (a, b) = (usize::from(a) % (s.len() + 1), usize::from(b) % (s.len() + 1));
        s[a.min(b)..a.max(b)].to_string()
    });
    proptest::collection::vec(prop_oneof![3 => word, 1 => piece], 0..40).prop_map(|w| w.join(" "))
}

fn cases() -> u32 {
    std::env::var("DENDRION_FUZZ").ok().and_then(|n| n.parse().ok()).unwrap_or(20_000)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn texts_of_words(text in words()) {
        check(&text);
    }

    #[test]
    fn any_characters(text in "\\PC{0,60}") {
        check(&text);
    }

    #[test]
    fn a_text_with_a_hole(seed in 0..SEEDS.len(), at in any::<u16>(), length in 0..12_usize, word in 0..WORDS.len()) {
        let seed = SEEDS[seed];
        let from = usize::from(at) % seed.len();
        check(&[&seed[..from], WORDS[word], &seed[(from + length).min(seed.len())..]].concat());
    }
}

fn check(text: &str) {
    if let Err(error) = define(text) {
        let line = text.split('\n').nth(error.line - 1);
        assert!(line.is_some_and(|l| error.column <= l.chars().count() + 1), "{error}");
    }
}

/// Long inputs are processed or rejected in time and memory proportional to their length.
#[test]
fn long_texts() {
    let many = |one: &str, n: usize| one.repeat(n);
    check(&many("(", 50_000));
    check(&format!("I = {}V{} : pA", many("(", 90), many(")", 90)));
    check(&format!("I = V{} : pA", many(" + V", 20_000)));
    check(&format!("I = {}V : pA", many("-", 50_000)));
    check(&format!("I = {}", many("not ", 20_000)));
    check(&format!("I = V{}", many("^2", 30_000)));
    check(&many("a = b\nb = a\n", 4_000));
    let lines = |of: &dyn Fn(usize) -> String| (0..5_000).map(of).collect::<Vec<_>>().concat();
    let chain = lines(&|i| format!("x{i} = x{} # c\n", i + 1));
    check(&chain);
    check(&format!("{chain}x5000 = x0"));
    check(&lines(&|i| format!("p{i} = 3 # c\n")));
    check(&format!("I = {} * 1 nS", many("a", 90_000)));
    check(&many("x", 200_000));
}
