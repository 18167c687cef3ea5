//! Chance that is the same each time: splitmix64.

/// A stream of numbers.
#[derive(Debug, Clone)]
pub(crate) struct Chance(u64);

impl Chance {
    /// The stream of that seed and purpose.
    pub(crate) fn new(seed: u64, purpose: u64) -> Self {
        // Mixed twice: streams that began a step apart would be one stream, shifted by that step.
        let purpose = Self(purpose).next().rotate_left(32);
        let start = Self(seed ^ purpose).next();
        Self(start)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// 0 to less than `sides`; 0 where there are none.
    pub(crate) fn below(&mut self, sides: u32) -> u32 {
        let number = self.next().checked_rem(u64::from(sides)).unwrap_or_default();
        u32::try_from(number).unwrap_or_default()
    }

    /// From `low` to `high`, both of them too.
    pub(crate) fn between(&mut self, low: u32, high: u32) -> u32 {
        low + self.below(high.saturating_sub(low).saturating_add(1))
    }

    /// Whether something of so many percent happens.
    pub(crate) fn percent(&mut self, percent: u32) -> bool {
        self.below(100) < percent
    }

    /// 0 to less than 1.
    pub(crate) fn fraction(&mut self) -> f64 {
        f64::from(self.below(1 << 24)) / f64::from(1_u32 << 24)
    }

    /// One of them; the default where there are none.
    pub(crate) fn pick<T: Copy + Default>(&mut self, all: &[T]) -> T {
        let sides = u32::try_from(all.len()).unwrap_or(u32::MAX);
        let index = usize::try_from(self.below(sides)).unwrap_or_default();
        all.get(index).copied().unwrap_or_default()
    }

    /// So many hexadecimal digits.
    pub(crate) fn hex(&mut self, digits: usize) -> String {
        let mut text = String::new();
        while text.len() < digits {
            text += &format!("{:016x}", self.next());
        }
        text.chars().take(digits).collect()
    }

    /// 128 random bits.
    pub(crate) fn bits(&mut self) -> u128 {
        (u128::from(self.next()) << 64) | u128::from(self.next())
    }

    /// Text in the form of a UUID of version 4, as a boot id is.
    pub(crate) fn uuid(&mut self) -> String {
        let (a, b, c, d, e) = (self.hex(8), self.hex(4), self.hex(3), self.hex(3), self.hex(12));
        format!("{a}-{b}-4{c}-8{d}-{e}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_are_the_same_each_time_and_have_nothing_in_common() {
        let numbers = |purpose| {
            let mut chance = Chance::new(1, purpose);
            (0..100).map(|_| chance.next()).collect::<Vec<_>>()
        };
        assert_eq!(numbers(7), numbers(7));
        let mut all: Vec<u64> = (0..100).flat_map(numbers).collect();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), 10_000);
    }
}
