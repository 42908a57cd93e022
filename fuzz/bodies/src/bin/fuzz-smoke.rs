//! Does every body hold on some thousands of inputs near the seeds? For machines without libFuzzer.
//!
//! `fuzz-smoke [--runs N] [--seed N] [--only BODY]`: `N` inputs for each body. The seed is printed, and with
//! it every run can be repeated; without one it is taken from the clock.
#![forbid(unsafe_code)]

use std::panic::catch_unwind;
use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

use fuzz_bodies::{BODIES, Body, corpus};

/// Inputs are cut to this; one in some hundred is made much longer, to reach the limits of lines.
const LONGEST: usize = 4 * 1024;

fn main() -> ExitCode {
    let Some(wish) = Wish::read() else {
        eprintln!("usage: fuzz-smoke [--runs N] [--seed N] [--only BODY]");
        return ExitCode::from(2);
    };
    println!("fuzz-smoke: {} inputs for each body, seed {}", wish.runs, wish.seed);
    let chosen = BODIES.iter().filter(|(name, _)| wish.only.as_ref().is_none_or(|only| only == name));
    let mut ran = 0;
    for (name, body) in chosen {
        if let Err(input) = hold(name, *body, wish.runs, wish.seed) {
            eprintln!("{name}: broken by {} bytes: b\"{}\"", input.len(), input.escape_ascii());
            eprintln!("hint: fuzz-smoke --only {name} --runs {} --seed {}", wish.runs, wish.seed);
            return ExitCode::FAILURE;
        }
        println!("{name}: held");
        ran += 1;
    }
    if ran == 0 {
        eprintln!("there is no such body; there are: {}", BODIES.map(|(name, _)| name).join(", "));
        return ExitCode::from(2);
    }
    ExitCode::SUCCESS
}

struct Wish {
    runs: u64,
    seed: u64,
    only: Option<String>,
}

impl Wish {
    fn read() -> Option<Self> {
        let clock = SystemTime::now().duration_since(UNIX_EPOCH).map_or(1, |d| d.as_secs());
        let mut wish = Self { runs: 20_000, seed: clock, only: None };
        let mut arguments = std::env::args().skip(1);
        while let Some(flag) = arguments.next() {
            let value = arguments.next()?;
            match flag.as_str() {
                "--runs" => wish.runs = value.parse().ok()?,
                "--seed" => wish.seed = value.parse().ok()?,
                "--only" => wish.only = Some(value),
                _ => return None,
            }
        }
        Some(wish)
    }
}

/// Gives a body its seeds as they are, then mutations of them; returns the input that broke it.
fn hold(name: &str, body: Body, runs: u64, seed: u64) -> Result<(), Vec<u8>> {
    let seeds = corpus::seeds(name);
    let mut mutator = Mutator { random: Random(seed | 1), dictionary: corpus::dictionary(), seeds: &seeds };
    let mutated = (0..runs).map(|_| mutator.input());
    for input in [Vec::new()].into_iter().chain(seeds.iter().cloned()).chain(mutated) {
        if catch_unwind(|| body(&input)).is_err() {
            return Err(input);
        }
    }
    Ok(())
}

/// Xorshift: small, and good enough to choose bytes.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        // The upper half is the better one.
        usize::try_from(self.0 >> 33).unwrap_or(0) % limit.max(1)
    }
}

struct Mutator<'a> {
    random: Random,
    dictionary: Vec<&'static [u8]>,
    seeds: &'a [Vec<u8>],
}

impl Mutator<'_> {
    fn seed(&mut self) -> Vec<u8> {
        let n = self.random.below(self.seeds.len());
        self.seeds.get(n).cloned().unwrap_or_default()
    }

    fn input(&mut self) -> Vec<u8> {
        let mut input = self.seed();
        for _ in 0..=self.random.below(6) {
            self.mutate(&mut input);
        }
        input.truncate(LONGEST);
        if self.random.below(300) == 0 {
            input = input.repeat(20_000 / input.len().max(1) + 1);
        }
        input
    }

    fn mutate(&mut self, input: &mut Vec<u8>) {
        let at = self.random.below(input.len() + 1);
        let end = at + self.random.below(input.len() - at + 1);
        match self.random.below(8) {
            0 => {
                if let Some(byte) = input.get_mut(at) {
                    *byte ^= 1 << self.random.below(8);
                }
            }
            1 => {
                if let Some(byte) = input.get_mut(at) {
                    *byte = u8::try_from(self.random.below(256)).unwrap_or(0);
                }
            }
            2 => drop(input.drain(at..end)),
            3 => {
                let again = input[at..end].to_vec();
                drop(input.splice(at..at, again));
            }
            4 => {
                let other = self.seed();
                let from = self.random.below(other.len() + 1);
                drop(input.splice(at..end, other[from..].iter().copied()));
            }
            5 => input.truncate(at),
            _ => {
                let n = self.random.below(self.dictionary.len());
                let word = self.dictionary.get(n).copied().unwrap_or_default();
                drop(input.splice(at..at, word.iter().copied()));
            }
        }
    }
}
