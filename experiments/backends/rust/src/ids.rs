//! Names that cannot be guessed.

use std::fmt::Write;

use rustix::rand::{GetRandomFlags, getrandom};

const RANDOM_BYTES: usize = 16;

/// 128 random bits in 32 letters and digits.
pub fn new_id() -> String {
    let mut random = [0; RANDOM_BYTES];
    let filled = getrandom(&mut random, GetRandomFlags::empty());
    // Up to 256 bytes come whole, and without an error (getrandom(2)).
    assert_eq!(filled, Ok(RANDOM_BYTES), "the kernel gave no random bytes");
    random.iter().fold(String::new(), |mut id, byte| {
        let _ = write!(id, "{byte:02x}");
        id
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_long_and_differ() {
        let (one, other) = (new_id(), new_id());
        assert_eq!(one.len(), 32);
        assert!(one.bytes().all(|byte| byte.is_ascii_alphanumeric()));
        assert_ne!(one, other);
    }
}
