//! `dendrion-fuzz TARGET SEED FIRST COUNT [PROGRESS]` checks inputs and prints the results as JSON. Before each
//! input, its number is written to the file PROGRESS, so that an input that terminates the process can be
//! identified. `dendrion-fuzz show TARGET SEED INPUT` prints an input.

use std::fs::File;
use std::io::{Seek, Write};
use std::process::ExitCode;

use dendrion_fuzz::{Random, TARGETS, run, target};
use serde_json::json;

fn main() -> ExitCode {
    let given: Vec<String> = std::env::args().skip(1).collect();
    let given: Vec<&str> = given.iter().map(String::as_str).collect();
    let done = match given.as_slice() {
        ["show", name, seed, input] => show(name, seed, input),
        [name, seed, first, count] => check(name, seed, (first, count), None),
        [name, seed, first, count, progress] => check(name, seed, (first, count), Some(progress)),
        _ => None,
    };
    if done.is_none() {
        let usage =
            "dendrion-fuzz TARGET SEED FIRST COUNT [PROGRESS], or dendrion-fuzz show TARGET SEED INPUT";
        eprintln!("usage: {usage}\ntargets: {}", TARGETS.join(", "));
        return ExitCode::from(2);
    }
    ExitCode::SUCCESS
}

fn show(name: &str, seed: &str, input: &str) -> Option<()> {
    let mut random = Random::new(seed.parse().ok()?, input.parse().ok()?);
    let made = target(name)?.make(&mut random);
    std::io::stdout().write_all(&made).ok()
}

fn check(name: &str, seed: &str, (first, count): (&str, &str), progress: Option<&str>) -> Option<()> {
    target(name)?;
    if progress.is_some() {
        // The parent process holds the other end of the pipe, so this process exits together with its parent.
        std::thread::spawn(|| {
            let _ = std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
            std::process::exit(3);
        });
    }
    let mut file = progress.map(|path| File::create(path).ok());
    let mut note = |input: u64| {
        if let Some(Some(file)) = &mut file {
            let _ = file.rewind().and_then(|()| file.write_all(format!("{input:020}").as_bytes()));
        }
    };
    let report = run(name, seed.parse().ok()?, (first.parse().ok()?, count.parse().ok()?), &mut note);
    let faults: Vec<_> = report.faults.iter().map(|f| json!({"input": f.input, "what": f.what})).collect();
    let longest = json!({"input": report.longest.0, "seconds": report.longest.1.as_secs_f64()});
    println!("{}", json!({"outcomes": report.outcomes, "faults": faults, "longest": longest}));
    Some(())
}
