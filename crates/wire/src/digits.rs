//! How are numbers written where `format!` is too slow?
//!
//! A listing of ten thousand names writes sixty thousand numbers; the machinery behind `format!` costs more
//! than all the rest of the line.
use alloc::vec::Vec;

/// Appends a number in decimal.
pub(crate) fn decimal(n: u64, out: &mut Vec<u8>) {
    padded(n, 0, b' ', out);
}

/// Appends a number in decimal, filled up on the left to `width` bytes (20 at the most).
pub(crate) fn padded(mut n: u64, width: usize, fill: u8, out: &mut Vec<u8>) {
    // 2^64 has 20 digits, so `at` stays above zero until the last of them is written.
    let mut text = [fill; 20];
    let mut at = text.len();
    loop {
        at -= 1;
        text[at] = b'0' + (n % 10) as u8;
        n /= 10;
        if n == 0 || at == 0 {
            break;
        }
    }
    out.extend_from_slice(&text[at.min(text.len().saturating_sub(width))..]);
}

/// Appends a number in octal, of four digits at least: the way modes are written.
pub(crate) fn octal(n: u32, out: &mut Vec<u8>) {
    let digits = (34 - n.leading_zeros()) / 3;
    for digit in (0..digits.max(4)).rev() {
        out.push(b'0' + (n >> (3 * digit) & 7) as u8);
    }
}

/// Appends a number in hexadecimal.
pub(crate) fn hexadecimal(n: u64, out: &mut Vec<u8>) {
    let digits = (67 - n.leading_zeros()) / 4;
    for digit in (0..digits.max(1)).rev() {
        out.push(b"0123456789abcdef"[(n >> (4 * digit) & 15) as usize]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(write: impl Fn(&mut Vec<u8>)) -> Vec<u8> {
        let mut out = Vec::new();
        write(&mut out);
        out
    }

    #[test]
    fn numbers_are_written_as_format_writes_them() {
        for n in [0, 1, 7, 8, 9, 10, 99, 100, 0o777, 0o7777, 0o10000, 4_294_967_295, u64::MAX - 1, u64::MAX] {
            assert_eq!(written(|out| decimal(n, out)), alloc::format!("{n}").into_bytes());
            assert_eq!(written(|out| padded(n, 8, b' ', out)), alloc::format!("{n:8}").into_bytes());
            assert_eq!(written(|out| padded(n, 2, b'0', out)), alloc::format!("{n:02}").into_bytes());
            assert_eq!(written(|out| hexadecimal(n, out)), alloc::format!("{n:x}").into_bytes());
            if let Ok(n) = u32::try_from(n) {
                assert_eq!(written(|out| octal(n, out)), alloc::format!("{n:04o}").into_bytes());
            }
        }
    }
}
