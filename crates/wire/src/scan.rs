//! Where is the next byte of a kind?
//!
//! Eight bytes at a time, in safe code. `slice::iter().position()` looks at one, and both the text conversion
//! and the cutting of listings into lines spend most of their time here.

/// The position of the first `wanted` in `text`.
pub(crate) fn find(wanted: u8, text: &[u8]) -> Option<usize> {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const TOPS: u64 = 0x8080_8080_8080_8080;
    let pattern = ONES * u64::from(wanted);
    let (words, rest) = text.as_chunks::<8>();
    for (n, word) in words.iter().enumerate() {
        // A byte of `mismatch` is zero where the text has the wanted byte, and the subtraction borrows into
        // the top bit of the lowest such byte; bytes above it may be marked wrongly, which `trailing_zeros`
        // does not see.
        let mismatch = u64::from_le_bytes(*word) ^ pattern;
        let found = mismatch.wrapping_sub(ONES) & !mismatch & TOPS;
        if found != 0 {
            return Some(8 * n + (found.trailing_zeros() / 8) as usize);
        }
    }
    rest.iter().position(|b| *b == wanted).map(|at| text.len() - rest.len() + at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_agrees_with_position() {
        let mut text = [0u8; 40];
        for at in 0..text.len() {
            for (before, wanted) in [(0x0b, 0x0a), (0x0a, 0x0b), (0x8a, 0x0a), (0xff, 0), (0, 0xff), (1, 0)] {
                text.fill(before);
                assert_eq!(find(wanted, &text), None);
                text[at..].fill(wanted);
                assert_eq!(find(wanted, &text), Some(at));
                if let Some(next) = text.get_mut(at + 1) {
                    *next = before;
                    assert_eq!(find(wanted, &text), Some(at));
                }
            }
        }
    }
}
