//! XOR of blocks. Plain enough that the compiler uses the widest registers there are.

/// `out` becomes `one` ^ `two`; the shorter counts as followed by zeros. `out` is as long as the
/// longer.
pub(crate) fn xor(one: &[u8], two: &[u8], out: &mut [u8]) {
    let (long, short) = if one.len() < two.len() { (two, one) } else { (one, two) };
    debug_assert_eq!(out.len(), long.len());
    let (both, alone) = out.split_at_mut(short.len());
    for ((out, one), two) in both.iter_mut().zip(short).zip(long) {
        *out = one ^ two;
    }
    alone.copy_from_slice(&long[short.len()..]);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn either_comes_back_from_the_other_and_parity(
            one in prop::collection::vec(any::<u8>(), 0..300),
            two in prop::collection::vec(any::<u8>(), 0..300),
        ) {
            let mut parity = vec![0xaa; one.len().max(two.len())];
            xor(&one, &two, &mut parity);
            let mut back = vec![0xaa; parity.len()];
            xor(&parity, &two, &mut back);
            prop_assert_eq!(&back[..one.len()], &one[..]);
            prop_assert!(back[one.len()..].iter().all(|byte| *byte == 0));
        }
    }
}
