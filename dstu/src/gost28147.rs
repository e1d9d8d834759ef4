//! The block cipher GOST 28147-89 (DSTU GOST 28147:2009): 64-bit blocks, 256-bit key, a replaceable S-box.
//!
//! It serves the hash function and the opening of key containers. Its tables are indexed by secret data, which is
//! acceptable there (a local operation, once for each key load) and nowhere else.

use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

/// The eight substitution rows, combined in pairs with the rotation by 11 bits: one table for each octet.
pub(crate) struct Sbox {
    tables: [[u32; 256]; 4],
}

/// "DKE No. 1", packed as certificates carry it: row after row, the high nibble first.
pub(crate) const DKE1: [u8; 64] = [
    0xA9, 0xD6, 0xEB, 0x45, 0xF1, 0x3C, 0x70, 0x82, 0x80, 0xC4, 0x96, 0x7B, 0x23, 0x1F, 0x5E, 0xAD, 0xF6,
    0x58, 0xEB, 0xA4, 0xC0, 0x37, 0x29, 0x1D, 0x38, 0xD9, 0x6B, 0xF0, 0x25, 0xCA, 0x4E, 0x17, 0xF8, 0xE9,
    0x72, 0x0D, 0xC6, 0x15, 0xB4, 0x3A, 0x28, 0x97, 0x5F, 0x0B, 0xC1, 0xDE, 0xA3, 0x64, 0x38, 0xB5, 0x64,
    0xEA, 0x2C, 0x17, 0x9F, 0xD0, 0x12, 0x3E, 0x6D, 0xB8, 0xFA, 0xC5, 0x79, 0x04,
];

/// The tables of [`DKE1`].
pub(crate) static DKE1_SBOX: Sbox = Sbox::unpack(&DKE1);

impl Sbox {
    /// From 64 packed octets; row 0 acts on the lowest nibble.
    pub(crate) const fn unpack(packed: &[u8; 64]) -> Self {
        let mut tables = [[0; 256]; 4];
        let mut octet = 0;
        while octet < 4 {
            let mut value = 0;
            while value < 256 {
                let low = Self::nibble(packed, 2 * octet, value & 15);
                let high = Self::nibble(packed, 2 * octet + 1, value >> 4);
                let substituted = ((high << 4) | low) << (8 * octet);
                tables[octet][value] = substituted.rotate_left(11);
                value += 1;
            }
            octet += 1;
        }
        Self { tables }
    }

    const fn nibble(packed: &[u8; 64], row: usize, column: usize) -> u32 {
        let pair = packed[8 * row + column / 2] as u32;
        if column.is_multiple_of(2) {
            pair >> 4
        } else {
            pair & 15
        }
    }

    /// Substitutes and rotates.
    #[inline(always)]
    pub(crate) fn apply(&self, value: u32) -> u32 {
        let [first, second, third, fourth] = value.to_le_bytes();
        self.tables[0][usize::from(first)]
            ^ self.tables[1][usize::from(second)]
            ^ self.tables[2][usize::from(third)]
            ^ self.tables[3][usize::from(fourth)]
    }
}

/// Key words in the order of an encryption's 32 rounds.
pub(crate) const ROUNDS: [usize; 32] = [
    0, 1, 2, 3, 4, 5, 6, 7, 0, 1, 2, 3, 4, 5, 6, 7, 0, 1, 2, 3, 4, 5, 6, 7, 7, 6, 5, 4, 3, 2, 1, 0,
];

/// A key with an S-box.
#[derive(Zeroize, ZeroizeOnDrop)]
pub(crate) struct Cipher<'a> {
    key: [u32; 8],
    #[zeroize(skip)]
    sbox: &'a Sbox,
}

impl<'a> Cipher<'a> {
    pub(crate) fn new(key: &[u8; 32], sbox: &'a Sbox) -> Self {
        let mut words = [0; 8];
        for (word, octets) in words.iter_mut().zip(key.chunks_exact(4)) {
            *word = u32::from_le_bytes(octets.try_into().expect("chunks of four"));
        }
        Self { key: words, sbox }
    }

    fn transform(&self, block: [u8; 8], order: impl Iterator<Item = usize>, swap: bool) -> [u8; 8] {
        let [a, b, c, d, e, f, g, h] = block;
        let mut low = u32::from_le_bytes([a, b, c, d]);
        let mut high = u32::from_le_bytes([e, f, g, h]);
        for index in order {
            let next = high ^ self.sbox.apply(low.wrapping_add(self.key[index]));
            high = low;
            low = next;
        }
        if swap {
            (low, high) = (high, low);
        }
        let mut output = [0; 8];
        output[..4].copy_from_slice(&low.to_le_bytes());
        output[4..].copy_from_slice(&high.to_le_bytes());
        output
    }

    pub(crate) fn encrypt(&self, block: [u8; 8]) -> [u8; 8] {
        self.transform(block, ROUNDS.into_iter(), true)
    }

    fn decrypt(&self, block: [u8; 8]) -> [u8; 8] {
        self.transform(block, ROUNDS.into_iter().rev(), true)
    }

    /// Simple substitution (ECB), whole blocks only: octets beyond the last whole block stay as they are.
    pub(crate) fn decrypt_blocks(&self, data: &mut [u8]) {
        for block in data.as_chunks_mut::<8>().0 {
            *block = self.decrypt(*block);
        }
    }

    /// The inverse of [`Cipher::decrypt_blocks`].
    #[cfg(feature = "issuer")]
    pub(crate) fn encrypt_blocks(&self, data: &mut [u8]) {
        for block in data.as_chunks_mut::<8>().0 {
            *block = self.encrypt(*block);
        }
    }

    /// Gamma with feedback (CFB, 64 bits), in place; the last block may be short.
    pub(crate) fn decrypt_feedback(&self, start: [u8; 8], data: &mut [u8]) {
        let mut feedback = start;
        for block in data.chunks_mut(8) {
            let gamma = self.encrypt(feedback);
            feedback[..block.len()].copy_from_slice(block);
            for (octet, key) in block.iter_mut().zip(gamma) {
                *octet ^= key;
            }
        }
    }

    /// The inverse of [`Cipher::decrypt_feedback`].
    #[cfg(feature = "issuer")]
    pub(crate) fn encrypt_feedback(&self, start: [u8; 8], data: &mut [u8]) {
        let mut feedback = start;
        for block in data.chunks_mut(8) {
            let gamma = self.encrypt(feedback);
            for (octet, key) in block.iter_mut().zip(gamma) {
                *octet ^= key;
            }
            feedback[..block.len()].copy_from_slice(block);
        }
    }

    /// The message authentication code of the standard (16 rounds), its first four octets; the last block is
    /// padded with zeros.
    pub(crate) fn authenticate(&self, data: &[u8]) -> [u8; 4] {
        let mut state = Zeroizing::new([0; 8]);
        for block in data.chunks(8) {
            for (octet, input) in state.iter_mut().zip(block) {
                *octet ^= input;
            }
            *state = self.transform(*state, ROUNDS.into_iter().take(16), false);
        }
        [state[0], state[1], state[2], state[3]]
    }
}
