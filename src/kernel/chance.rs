//! Chance that replays. From a seed to numbers every step is fixed here, because a run dealt years ago must deal the
//! same again: the key of the stream is worked out from the seed by PCG32, the stream is ChaCha with eight rounds,
//! and numbers below a bound come from its words by one multiplication. Of a library only the stream is asked, which
//! is ChaCha and nothing else. The tests hold the values that the first version drew.

use rand::rngs::ChaCha8Rng;
use rand::{Rng as _, SeedableRng as _};

/// A stream of numbers that a seed determines.
pub struct Chance(ChaCha8Rng);

impl Chance {
    /// The stream of a seed.
    pub fn seeded(seed: u64) -> Chance {
        let (mut key, mut state) = ([0; 32], seed);
        key.chunks_exact_mut(4)
            .for_each(|word| word.copy_from_slice(&pcg32(&mut state).to_le_bytes()));
        Chance(ChaCha8Rng::from_seed(key))
    }

    /// A number from 0 to less than the bound, from one word of the stream (rarely two); 0 for a bound of 0.
    pub fn below(&mut self, bound: u32) -> u32 {
        let product = |word: u32| u64::from(word) * u64::from(bound);
        let halves = |product: u64| ((product >> 32) as u32, product as u32);
        let (number, rest) = halves(product(self.word()));
        // What the multiplication favours is made up for by a second word, carried into the first.
        if rest > bound.wrapping_neg() {
            let (more, _) = halves(product(self.word()));
            return number + u32::from(rest.checked_add(more).is_none());
        }
        number
    }

    /// The same for large bounds, from two words of the stream (rarely four).
    pub fn below_wide(&mut self, bound: u64) -> u64 {
        let product = |words: u64| u128::from(words) * u128::from(bound);
        let halves = |product: u128| ((product >> 64) as u64, product as u64);
        let (number, rest) = halves(product(self.words()));
        if rest > bound.wrapping_neg() {
            let (more, _) = halves(product(self.words()));
            return number + u64::from(rest.checked_add(more).is_none());
        }
        number
    }

    /// True in so many of so many cases.
    pub fn odds(&mut self, cases: u32, of: u32) -> bool {
        if cases >= of {
            return true;
        }
        u128::from(self.words()) < (u128::from(cases) << 64) / u128::from(of)
    }

    /// Puts things into an order of which every one is as likely as any other: each in turn changes places with one
    /// that stands before it, or stays. One number is drawn for as many turns as fit into a word.
    pub fn shuffle<T>(&mut self, things: &mut [T]) {
        let (mut number, mut turns) = (0, 0);
        for (place, choices) in (1..things.len()).zip(2_u32..) {
            if turns == 0 {
                let bound;
                (bound, turns) = product_from(choices);
                number = self.below(bound);
            }
            turns -= 1;
            let other = if turns == 0 { number } else { number % choices };
            number /= choices;
            things.swap(place, other as usize);
        }
    }

    fn word(&mut self) -> u32 {
        self.0.next_u32()
    }

    fn words(&mut self) -> u64 {
        u64::from(self.word()) | u64::from(self.word()) << 32
    }
}

/// The next word of the generator PCG32 in its variant XSH RR.
fn pcg32(state: &mut u64) -> u32 {
    *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(11_634_580_027_462_260_723);
    let mixed = (((*state >> 18) ^ *state) >> 27) as u32;
    mixed.rotate_right((*state >> 59) as u32)
}

/// The product of a number and those after it, as many as fit into a word, and how many they are.
fn product_from(first: u32) -> (u32, u32) {
    let (mut product, mut factors) = (first, 1);
    while let Some(larger) = first.checked_add(factors).and_then(|next| product.checked_mul(next)) {
        (product, factors) = (larger, factors + 1);
    }
    (product, factors)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the first version drew from a seed, one after the other: four words, numbers below 2, 10, 1000,
    /// 3,000,000,000 and the largest word, numbers below large bounds, odds, and an order of twenty things.
    type Drawn = (u64, [u32; 4], [u32; 5], [u64; 5], [bool; 6], [u32; 20]);

    #[rustfmt::skip]
    const DRAWN: [Drawn; 4] = [
        (0, [2811902828, 3045455719, 3134767159, 2001118559], [1, 6, 560, 180513496, 3775751782],
            [0, 8, 494276430, 5407023680587925448, 4579569430140276995],
            [true, false, true, false, true, false],
            [9, 19, 11, 17, 6, 16, 7, 1, 18, 14, 5, 12, 15, 3, 13, 8, 0, 10, 2, 4]),
        (7, [601310139, 677729076, 781920570, 721508819], [0, 7, 36, 2180223890, 305650568],
            [0, 0, 849289863, 2186784728932586419, 9130884341011059386],
            [true, false, true, false, true, false],
            [2, 6, 1, 9, 4, 16, 19, 5, 10, 14, 3, 17, 0, 11, 13, 15, 12, 8, 18, 7]),
        (20261101, [3453856403, 41948576, 2927380523, 2820559593], [1, 4, 973, 173200298, 2750668019],
            [0, 1, 31563292, 3704384489317860918, 5180695427850714532],
            [false, false, false, false, true, false],
            [13, 12, 17, 16, 10, 14, 6, 9, 0, 1, 2, 8, 11, 15, 19, 4, 5, 18, 7, 3]),
        (u64::MAX, [3819388078, 2938119046, 2545823192, 1839259395], [0, 3, 599, 1298590058, 2827926255],
            [1, 2, 98178950, 1438252591520291271, 1782861357813416590],
            [false, false, false, false, true, false],
            [17, 18, 6, 9, 7, 5, 15, 0, 14, 19, 10, 2, 12, 11, 1, 8, 16, 3, 4, 13]),
    ];

    #[test]
    fn a_seed_draws_what_it_drew_in_the_first_version() {
        for (seed, words, below, wide, odds, order) in DRAWN {
            let mut chance = Chance::seeded(seed);
            assert_eq!([(); 4].map(|()| chance.word()), words, "{seed}");
            let bounds = [2, 10, 1000, 3_000_000_000, u32::MAX];
            assert_eq!(bounds.map(|bound| chance.below(bound)), below, "{seed}");
            let bounds = [2, 10, 1_000_000_007, 6_000_000_000_000_000_000, i64::MAX.unsigned_abs()];
            assert_eq!(bounds.map(|bound| chance.below_wide(bound)), wide, "{seed}");
            let cases = [(1, 2), (1, 3), (26 * 140, 10_000), (1, 100), (5, 5), (0, 9)];
            // A certainty draws nothing; what cannot be draws, as it always did.
            assert_eq!(cases.map(|(cases, of)| chance.odds(cases, of)), odds, "{seed}");
            let mut things: Vec<u32> = (0..20).collect();
            chance.shuffle(&mut things);
            assert_eq!(things, order, "{seed}");
        }
        let mut many: Vec<u32> = (0..1000).collect();
        Chance::seeded(1).shuffle(&mut many);
        assert_eq!(
            crate::kernel::digest::sha256(format!("{many:?}").as_bytes()),
            "4298d53d088acd3843895b5772698a3fe919caac20ba6065c5969ff945d6381e"
        );
    }

    #[test]
    fn nothing_to_choose_from_is_no_fault() {
        let mut chance = Chance::seeded(3);
        assert_eq!((chance.below(0), chance.below_wide(0), chance.below(1)), (0, 0, 0));
        chance.shuffle::<u8>(&mut []);
        chance.shuffle(&mut [1]);
        assert!(chance.odds(1, 0));
    }
}
