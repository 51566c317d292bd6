//! What a power cut keeps, from a seed.

/// Draws the same each time for the same seed.
pub struct Dice {
    seed: u64,
    keep_in_8: u64,
}

impl Dice {
    /// Keeps some share of what was not synced, all and nothing among the likely ones.
    pub fn of(seed: u64) -> Dice {
        let mut dice = Dice { seed, keep_in_8: 0 };
        dice.keep_in_8 = dice.draw() % 9;
        dice
    }

    /// Keeps so many of eight parts of what was not synced.
    pub fn keeping(seed: u64, keep_in_8: u64) -> Dice {
        Dice { seed, keep_in_8 }
    }

    pub fn keeps(&mut self) -> bool {
        self.draw() % 8 < self.keep_in_8
    }

    /// splitmix64
    fn draw(&mut self) -> u64 {
        self.seed = self.seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.seed;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}
