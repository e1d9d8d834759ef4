//! Carry-less multiplication by the processor's own instruction. The only file of the package with `unsafe`.
//!
//! Why it is needed: without PCLMULQDQ (x86-64) or PMULL (aarch64) a signature takes several times longer, and
//! the intrinsics of the standard library may only be called where the processor is known to have them.
//!
//! Why it is sound: [`Hardware`] has a private field and is made by [`Hardware::detect`] alone, which asks the
//! processor; whoever holds a value may therefore execute the instructions. No pointer is touched.
//!
//! Why `enabled`: an intrinsic is inlined only into a function that enables its target feature. `enabled` is such
//! a function for every routine, and what a routine calls is `#[inline(always)]` or again a routine, so a whole
//! scalar multiplication consists of functions with the feature on.
#![allow(unsafe_code)]

use super::multiplier::{Multiplier, Routine};

/// The right to use the carry-less multiply instruction; see the module's head.
#[derive(Clone, Copy)]
pub(crate) struct Hardware(());

#[cfg(target_arch = "x86_64")]
mod machine {
    use core::arch::x86_64::{
        __m128i, _mm_clmulepi64_si128, _mm_cvtsi64_si128, _mm_cvtsi128_si64, _mm_slli_si128, _mm_srli_si128,
        _mm_unpackhi_epi64, _mm_xor_si128,
    };

    use super::{Hardware, Multiplier, Routine};

    impl Hardware {
        /// `None` on a processor without PCLMULQDQ, AVX2 and BMI2 (all are there since 2013).
        pub(crate) fn detect() -> Option<Self> {
            let present = is_x86_feature_detected!("pclmulqdq")
                && is_x86_feature_detected!("avx2")
                && is_x86_feature_detected!("bmi2");
            present.then_some(Self(()))
        }
    }

    #[target_feature(enable = "pclmulqdq,avx2,bmi2")]
    #[inline(never)]
    fn enabled<R: Routine>(routine: R) -> R::Output {
        routine.run()
    }

    impl Multiplier for Hardware {
        type Word = __m128i;
        type Product = __m128i;

        #[inline(always)]
        fn word(self, limb: u64) -> __m128i {
            // SAFETY: SSE2 belongs to every x86-64 processor; so for the other moves, shifts and XORs below.
            unsafe { _mm_cvtsi64_si128(limb.cast_signed()) }
        }

        #[inline(always)]
        fn add_words(self, left: __m128i, right: __m128i) -> __m128i {
            // SAFETY: see `word`.
            unsafe { _mm_xor_si128(left, right) }
        }

        #[inline(always)]
        fn multiply(self, left: __m128i, right: __m128i) -> __m128i {
            // SAFETY: `self` proves that the processor has PCLMULQDQ.
            unsafe { _mm_clmulepi64_si128::<0x00>(left, right) }
        }

        #[inline(always)]
        fn square(self, limb: u64) -> [u64; 2] {
            let word = self.word(limb);
            self.limbs(self.multiply(word, word))
        }

        #[inline(always)]
        fn add(self, left: __m128i, right: __m128i) -> __m128i {
            self.add_words(left, right)
        }

        #[inline(always)]
        fn shifted_up(self, product: __m128i) -> __m128i {
            // SAFETY: see `word`.
            unsafe { _mm_slli_si128::<8>(product) }
        }

        #[inline(always)]
        fn shifted_down(self, product: __m128i) -> __m128i {
            // SAFETY: see `word`.
            unsafe { _mm_srli_si128::<8>(product) }
        }

        #[inline(always)]
        fn limbs(self, product: __m128i) -> [u64; 2] {
            // SAFETY: see `word`.
            unsafe {
                let high = _mm_unpackhi_epi64(product, product);
                [
                    _mm_cvtsi128_si64(product).cast_unsigned(),
                    _mm_cvtsi128_si64(high).cast_unsigned(),
                ]
            }
        }

        #[inline(always)]
        fn call<R: Routine>(self, routine: R) -> R::Output {
            // SAFETY: `self` proves that the processor has the features.
            unsafe { enabled(routine) }
        }

        #[inline(always)]
        fn is_short(self, limbs: usize) -> bool {
            limbs <= 5
        }
    }
}

#[cfg(target_arch = "aarch64")]
mod machine {
    use core::arch::aarch64::vmull_p64;

    use super::{Hardware, Multiplier, Routine};

    impl Hardware {
        /// `None` on a processor without PMULL.
        pub(crate) fn detect() -> Option<Self> {
            std::arch::is_aarch64_feature_detected!("pmull").then_some(Self(()))
        }
    }

    // The compiler's name for PMULL on 64-bit operands is part of "aes".
    #[target_feature(enable = "neon,aes")]
    #[inline(never)]
    fn enabled<R: Routine>(routine: R) -> R::Output {
        routine.run()
    }

    impl Multiplier for Hardware {
        type Word = u64;
        type Product = u128;

        #[inline(always)]
        fn word(self, limb: u64) -> u64 {
            limb
        }

        #[inline(always)]
        fn add_words(self, left: u64, right: u64) -> u64 {
            left ^ right
        }

        #[inline(always)]
        fn multiply(self, left: u64, right: u64) -> u128 {
            // SAFETY: `self` proves that the processor has PMULL.
            unsafe { vmull_p64(left, right) }
        }

        #[inline(always)]
        fn square(self, limb: u64) -> [u64; 2] {
            self.limbs(self.multiply(limb, limb))
        }

        #[inline(always)]
        fn add(self, left: u128, right: u128) -> u128 {
            left ^ right
        }

        #[inline(always)]
        fn shifted_up(self, product: u128) -> u128 {
            product << 64
        }

        #[inline(always)]
        fn shifted_down(self, product: u128) -> u128 {
            product >> 64
        }

        #[inline(always)]
        #[expect(clippy::cast_possible_truncation, reason = "the cut is meant")]
        fn limbs(self, product: u128) -> [u64; 2] {
            [product as u64, (product >> 64) as u64]
        }

        #[inline(always)]
        fn call<R: Routine>(self, routine: R) -> R::Output {
            // SAFETY: `self` proves that the processor has the features.
            unsafe { enabled(routine) }
        }

        #[inline(always)]
        fn is_short(self, limbs: usize) -> bool {
            limbs <= 5
        }
    }
}

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
mod machine {
    use super::super::multiplier::Portable;
    use super::{Hardware, Multiplier, Routine};

    impl Hardware {
        /// There is no such instruction here.
        pub(crate) fn detect() -> Option<Self> {
            None
        }
    }

    /// Never used, because `detect` gives no value; forwards to the portable path all the same.
    impl Multiplier for Hardware {
        type Word = u64;
        type Product = u128;

        fn word(self, limb: u64) -> u64 {
            Portable.word(limb)
        }

        fn add_words(self, left: u64, right: u64) -> u64 {
            Portable.add_words(left, right)
        }

        fn multiply(self, left: u64, right: u64) -> u128 {
            Portable.multiply(left, right)
        }

        fn square(self, limb: u64) -> [u64; 2] {
            Portable.square(limb)
        }

        fn add(self, left: u128, right: u128) -> u128 {
            Portable.add(left, right)
        }

        fn shifted_up(self, product: u128) -> u128 {
            Portable.shifted_up(product)
        }

        fn shifted_down(self, product: u128) -> u128 {
            Portable.shifted_down(product)
        }

        fn limbs(self, product: u128) -> [u64; 2] {
            Portable.limbs(product)
        }

        fn call<R: Routine>(self, routine: R) -> R::Output {
            Portable.call(routine)
        }

        fn is_short(self, limbs: usize) -> bool {
            Portable.is_short(limbs)
        }
    }
}
