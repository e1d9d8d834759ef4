//! The hash function GOST 34.311-95 with "DKE No. 1" and a zero start: 32 octets.
//!
//! Numbers of 256 bits are read with the first octet lowest. The four encryptions of a step are independent and
//! run side by side, which is what makes this several times faster than one block after another.

use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::gost28147::{DKE1_SBOX, ROUNDS};

/// Octets of a block and of the digest.
pub(crate) const BLOCK: usize = 32;

/// 256 bits as 64-bit words, lowest first.
type Words = [u64; 4];

/// The constant C3 of the key schedule; C2 and C4 are zero.
const C3: Words = [
    0xFF00_FF00_FF00_FF00,
    0x00FF_00FF_00FF_00FF,
    0xFF00_00FF_00FF_FF00,
    0xFF00_FFFF_0000_00FF,
];

/// A hash being computed.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub(crate) struct Gost34311 {
    state: Words,
    sum: Words,
    octets: u64,
    pending: [u8; BLOCK],
    pending_octets: usize,
}

impl Gost34311 {
    pub(crate) fn new() -> Self {
        Self {
            state: [0; 4],
            sum: [0; 4],
            octets: 0,
            pending: [0; BLOCK],
            pending_octets: 0,
        }
    }

    /// The digest of one piece of data.
    pub(crate) fn hash(data: &[u8]) -> [u8; BLOCK] {
        let mut hash = Self::new();
        hash.update(data);
        hash.finalize()
    }

    pub(crate) fn update(&mut self, mut data: &[u8]) {
        self.octets = self.octets.wrapping_add(data.len() as u64);
        if self.pending_octets > 0 {
            let taken = data.len().min(BLOCK - self.pending_octets);
            self.pending[self.pending_octets..][..taken].copy_from_slice(&data[..taken]);
            self.pending_octets += taken;
            data = &data[taken..];
            if self.pending_octets < BLOCK {
                return;
            }
            let block = self.pending;
            self.absorb(&block);
            self.pending_octets = 0;
        }
        let (blocks, rest) = data.as_chunks::<BLOCK>();
        for block in blocks {
            self.absorb(block);
        }
        self.pending[..rest.len()].copy_from_slice(rest);
        self.pending_octets = rest.len();
    }

    pub(crate) fn finalize(mut self) -> [u8; BLOCK] {
        if self.pending_octets > 0 {
            let mut block = [0; BLOCK];
            block[..self.pending_octets].copy_from_slice(&self.pending[..self.pending_octets]);
            self.absorb(&block);
        }
        let bits = [self.octets << 3, self.octets >> 61, 0, 0];
        self.state = compress(&self.state, &bits);
        self.state = compress(&self.state, &self.sum);
        let mut digest = [0; BLOCK];
        for (octets, word) in digest.chunks_exact_mut(8).zip(self.state) {
            octets.copy_from_slice(&word.to_le_bytes());
        }
        digest
    }

    fn absorb(&mut self, block: &[u8; BLOCK]) {
        let mut words = [0; 4];
        for (word, octets) in words.iter_mut().zip(block.as_chunks::<8>().0) {
            *word = u64::from_le_bytes(*octets);
        }
        self.state = compress(&self.state, &words);
        let mut carry = false;
        for (sum, word) in self.sum.iter_mut().zip(words) {
            let (partial, first) = sum.overflowing_add(word);
            let (total, second) = partial.overflowing_add(u64::from(carry));
            *sum = total;
            carry = first | second;
        }
    }
}

/// The step function: keys from state and block, four encryptions of the state, mixing.
fn compress(state: &Words, block: &Words) -> Words {
    mix(state, block, &encrypt(state, &schedule(state, block)))
}

/// The transformation A: words (y4, y3, y2, y1) become (y1 ⊕ y2, y4, y3, y2).
#[inline(always)]
fn rotate(y: Words) -> Words {
    [y[1], y[2], y[3], y[0] ^ y[1]]
}

/// Four keys of eight words: `keys[word][lane]`.
#[inline(always)]
fn schedule(state: &Words, block: &Words) -> [[u32; 4]; 8] {
    let (mut u, mut v) = (*state, *block);
    let mut keys = [[0; 4]; 8];
    for lane in 0..4 {
        if lane > 0 {
            u = rotate(u);
            if lane == 2 {
                for (word, constant) in u.iter_mut().zip(C3) {
                    *word ^= constant;
                }
            }
            v = rotate(rotate(v));
        }
        let octets: [[u8; 8]; 4] = core::array::from_fn(|i| (u[i] ^ v[i]).to_le_bytes());
        // The permutation P: key word k is made of octet k of each 64-bit word.
        for (k, key) in keys.iter_mut().enumerate() {
            key[lane] = u32::from_le_bytes([octets[0][k], octets[1][k], octets[2][k], octets[3][k]]);
        }
    }
    keys
}

/// Encrypts each 64-bit word under its own key, the four side by side.
#[inline(always)]
#[expect(clippy::cast_possible_truncation, reason = "the low half is meant")]
fn encrypt(state: &Words, keys: &[[u32; 4]; 8]) -> Words {
    let mut low: [u32; 4] = core::array::from_fn(|lane| state[lane] as u32);
    let mut high: [u32; 4] = core::array::from_fn(|lane| (state[lane] >> 32) as u32);
    for pair in ROUNDS.as_chunks::<2>().0 {
        for lane in 0..4 {
            high[lane] ^= DKE1_SBOX.apply(low[lane].wrapping_add(keys[pair[0]][lane]));
        }
        for lane in 0..4 {
            low[lane] ^= DKE1_SBOX.apply(high[lane].wrapping_add(keys[pair[1]][lane]));
        }
    }
    // The halves are exchanged after the last round.
    core::array::from_fn(|lane| (u64::from(low[lane]) << 32) | u64::from(high[lane]))
}

/// ψ^61(state ⊕ ψ(block ⊕ ψ^12(encrypted))), ψ being a shift register over 16-bit words.
#[inline(always)]
fn mix(state: &Words, block: &Words, encrypted: &Words) -> Words {
    let mut first = shift_register::<12>(encrypted);
    add(&mut first, block);
    let mut second = shift_register::<1>(&first);
    add(&mut second, state);
    shift_register::<61>(&second)
}

#[inline(always)]
fn add(sum: &mut Words, other: &Words) {
    for (word, added) in sum.iter_mut().zip(other) {
        *word ^= added;
    }
}

#[inline(always)]
fn shift_register<const STEPS: usize>(value: &Words) -> Words {
    // Room for the longest use; only the first 16 + STEPS words are touched.
    let mut words = [0u16; 16 + 61];
    for (i, word) in value.iter().enumerate() {
        for j in 0..4 {
            let octets = word.to_le_bytes();
            words[4 * i + j] = u16::from_le_bytes([octets[2 * j], octets[2 * j + 1]]);
        }
    }
    for i in 0..STEPS {
        words[i + 16] = words[i] ^ words[i + 1] ^ words[i + 2] ^ words[i + 3] ^ words[i + 12] ^ words[i + 15];
    }
    core::array::from_fn(|i| {
        (0..4).fold(0, |value, j| {
            value | (u64::from(words[STEPS + 4 * i + j]) << (16 * j))
        })
    })
}

#[cfg(test)]
mod tests {
    use gost94::Digest;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_digest_of_123_is_the_known_one() {
        let expected = "0d7638f766847f80f60525e3509ade2f1307a4d356b62a30e141d6ff0bb7b038";
        let found: String = Gost34311::hash(b"123")
            .iter()
            .map(|octet| format!("{octet:02x}"))
            .collect();
        assert_eq!(found, expected);
    }

    proptest! {
        #[test]
        fn any_message_in_any_pieces_hashes_as_the_public_crate_does(
            message in proptest::collection::vec(any::<u8>(), 0..300),
            cut in 0usize..300,
        ) {
            let (first, second) = message.split_at(cut.min(message.len()));
            let mut hash = Gost34311::new();
            hash.update(first);
            hash.update(second);
            let expected: [u8; 32] = gost94::Gost94UA::digest(&message).into();
            prop_assert_eq!(hash.finalize(), expected);
        }

        #[test]
        fn octets_that_are_all_ones_carry_through_the_sum(length in 0usize..200) {
            let message = vec![0xFF; length];
            let expected: [u8; 32] = gost94::Gost94UA::digest(&message).into();
            prop_assert_eq!(Gost34311::hash(&message), expected);
        }
    }
}
