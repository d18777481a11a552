//! Long texts are processed or rejected in time and memory proportional to their length.

use dendrion_language::define;

fn check(text: &str) {
    if let Err(error) = define(text) {
        let line = text.split('\n').nth(error.line - 1);
        assert!(line.is_some_and(|l| error.column <= l.chars().count() + 1), "{error}");
    }
}

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
