//! Positions in lists: hash tables of names, and binary searches by number.

use std::collections::HashMap;
use std::hash::Hash;
use std::ops::Range;

/// Returns the position of each name. If a name occurs several times, its first position is returned.
pub(crate) fn places<'a>(names: impl Iterator<Item = &'a String>) -> HashMap<String, usize> {
    first_of(names.enumerate().map(|(i, name)| (name.clone(), i)))
}

/// Returns a map with the value of each key. If a key occurs several times, its first value is kept.
pub(crate) fn first_of<K: Eq + Hash, V>(items: impl Iterator<Item = (K, V)>) -> HashMap<K, V> {
    let mut found = HashMap::new();
    for (key, value) in items {
        found.entry(key).or_insert(value);
    }
    found
}

/// Returns the range of the items whose number is `number`. Items must be sorted by number.
pub(crate) fn range_of<I>(items: &[I], number: usize, number_of: impl Fn(&I) -> usize) -> Range<usize> {
    let begin = items.partition_point(|item| number_of(item) < number);
    let count = items[begin..].partition_point(|item| number_of(item) == number);
    begin..begin + count
}

#[cfg(test)]
mod tests {
    use super::range_of;

    #[test]
    fn a_search_looks_at_few_items() {
        for (size, most) in [(1_000, 25), (1_000_000, 45)] {
            let items: Vec<usize> = (0..size).collect();
            let looked = std::cell::Cell::new(0);
            let number_of = |n: &usize| {
                looked.set(looked.get() + 1);
                *n
            };
            assert_eq!(range_of(&items, size - 2, number_of), size - 2..size - 1);
            assert!(looked.get() <= most, "{} of {size}", looked.get());
        }
    }

    #[test]
    fn ranges_are_those_of_a_linear_search() {
        for numbers in [vec![], vec![0], vec![0, 0, 2, 2, 2, 5], vec![3; 4], vec![1, 2, 3, 7]] {
            for number in 0..9 {
                let found = range_of(&numbers, number, |n| *n);
                let begin = numbers.iter().position(|n| *n >= number).unwrap_or(numbers.len());
                let count = numbers.iter().filter(|n| **n == number).count();
                assert_eq!(found, begin..begin + count);
            }
        }
    }
}
