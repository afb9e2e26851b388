//! Numbers that look random and are the same on every machine and in every run.

/// Golden ratio in 64 bits: the increment of the SplitMix64 generator (Steele and others, 2014).
const INCREMENT: u64 = 0x9e37_79b9_7f4a_7c15;

/// The draws of one row. Rows do not share a generator, so that one more column in one table does
/// not change the rows of another.
#[derive(Clone, Debug)]
pub(super) struct Draw(u64);

impl Draw {
    /// The draws of row `row` of table `table` in the site that grows from `seed`.
    pub(super) fn new(seed: u64, table: &str, row: u64) -> Self {
        let stream = table.bytes().fold(seed, |hash, byte| mix(hash ^ u64::from(byte)));
        Self(mix(stream ^ mix(row.wrapping_add(INCREMENT))))
    }

    fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(INCREMENT);
        mix(self.0)
    }

    /// A number from 0 to `end - 1`, each as likely as the others; 0 if `end` is 0.
    pub(super) fn below(&mut self, end: u64) -> u64 {
        ((u128::from(self.bits()) * u128::from(end)) >> 64) as u64
    }

    /// A number from `first` to `last`, both included.
    pub(super) fn between(&mut self, first: u64, last: u64) -> u64 {
        first + self.below(last - first + 1)
    }

    /// True `percent` times in a hundred.
    pub(super) fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    /// One of a list that has at least one element.
    pub(super) fn pick<'a, T: ?Sized>(&mut self, list: &[&'a T]) -> &'a T {
        list[self.below(list.len() as u64) as usize]
    }

    /// Lower case hexadecimal digits, at most 64.
    pub(super) fn hex(&mut self, digits: usize) -> String {
        let all = [self.bits(), self.bits(), self.bits(), self.bits()];
        let mut text: String = all.iter().map(|bits| format!("{bits:016x}")).collect();
        text.truncate(digits);
        text
    }
}

/// Finishing step of SplitMix64: every bit of the result hangs on every bit of the value.
fn mix(mut value: u64) -> u64 {
    value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_generator_gives_the_published_numbers_of_splitmix64() {
        // First outputs for seed 1234567, as Vigna's reference program prints them.
        let mut draw = Draw(1_234_567);
        let first: Vec<u64> = (0..3).map(|_| draw.bits()).collect();
        assert_eq!(
            first,
            [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423]
        );
    }

    #[test]
    fn a_draw_stays_below_its_end_and_reaches_every_number() {
        let mut draw = Draw::new(1, "t", 1);
        let mut seen = [false; 7];
        (0..1000).for_each(|_| seen[draw.below(7) as usize] = true);
        assert_eq!(seen, [true; 7]);
        assert_eq!(draw.below(0), 0);
    }

    #[test]
    fn rows_and_tables_and_seeds_draw_differently() {
        let first = |seed, table, row| Draw::new(seed, table, row).bits();
        assert_ne!(first(1, "users", 1), first(1, "users", 2));
        assert_ne!(first(1, "users", 1), first(1, "posts", 1));
        assert_ne!(first(1, "users", 1), first(2, "users", 1));
    }
}
